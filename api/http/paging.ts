import { type TSchema, Type } from 'typebox'
import { HubError } from '#platform'
import { isStorableText } from './json-body.ts'

const PAGE_SIZE = 50
/** One page must stay well below what a browser draws and a transaction should hold. */
export const PAGE_SIZE_MAX = 200

export const PageQuery = {
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: PAGE_SIZE_MAX, description: `default ${PAGE_SIZE}` })),
  cursor: Type.Optional(Type.String({ minLength: 1, maxLength: 512, description: '`nextCursor` of the page before' })),
}

export function PageOf<Item extends TSchema>(item: Item) {
  return Type.Object(
    { items: Type.Array(item), nextCursor: Type.Union([Type.String(), Type.Null()]) },
    { additionalProperties: false },
  )
}

export type CursorPart = string | number

/** Where a list stopped, opaque to the caller. It selects, it grants nothing: row security does that. */
export function encodeCursor(parts: readonly CursorPart[]): string {
  return Buffer.from(JSON.stringify(parts)).toString('base64url')
}

/** The parts of a cursor we gave out, one per column, each of its column's kind. */
export function decodeCursor(cursor: string, kinds: readonly ('string' | 'number')[]): CursorPart[] {
  const refuse = (): HubError => new HubError('BAD_REQUEST', 'The cursor is not one this list gave out.')
  let parts: unknown
  try {
    parts = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'))
  } catch {
    throw refuse()
  }
  if (!Array.isArray(parts) || parts.length !== kinds.length) throw refuse()
  return parts.map((part: unknown, i) => {
    if (typeof part !== kinds[i]) throw refuse()
    if (typeof part === 'string' && !isStorableText(part)) throw refuse()
    if (typeof part === 'number' && !Number.isSafeInteger(part)) throw refuse()
    return part as CursorPart
  })
}

/** Cuts a page from rows fetched with one more than `limit`. */
export function pageOf<Row, Item>(
  rows: readonly Row[],
  limit: number,
  cursorOf: (row: Row) => readonly CursorPart[],
  itemOf: (row: Row) => Item,
): { items: Item[]; nextCursor: string | null } {
  const kept = rows.slice(0, limit)
  const last = kept.at(-1)
  return {
    items: kept.map(itemOf),
    nextCursor: rows.length > limit && last !== undefined ? encodeCursor(cursorOf(last)) : null,
  }
}

export function pageLimit(query: { limit?: number }): number {
  return query.limit ?? PAGE_SIZE
}
