import type { SelectQueryBuilder } from 'kysely'
import { type TSchema, Type } from 'typebox'
import { type PageOrder, page, type Tables } from '#store'

/** One page must stay well below what a browser draws and a transaction should hold. */
export const PAGE_SIZE_MAX = 200

/** Query of every list; spread into the route's own filters. */
export const PageQuery = {
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: PAGE_SIZE_MAX, description: 'default 50' })),
  cursor: Type.Optional(Type.String({ minLength: 1, maxLength: 512, description: '`nextCursor` of the page before' })),
}

export function PageOf<Item extends TSchema>(item: Item) {
  return Type.Object(
    { items: Type.Array(item), nextCursor: Type.Union([Type.String(), Type.Null()]) },
    { additionalProperties: false },
  )
}

/** A page of rows, shown as items. */
export async function listPage<Row, Item>(
  query: { execute(): Promise<Row[]> },
  { limit, cursor }: { limit?: number; cursor?: string },
  order: PageOrder<Row>,
  itemOf: (row: Row) => Item,
): Promise<{ items: Item[]; nextCursor: string | null }> {
  const request = { ...(limit === undefined ? {} : { limit }), ...(cursor === undefined ? {} : { cursor }) }
  // A join's type names its aliases, which `page` does not need to know.
  const rows = query as SelectQueryBuilder<Tables, keyof Tables, Row>
  const { items, nextCursor } = await page(rows, request, order)
  return { items: items.map(itemOf), nextCursor }
}
