import { type SelectQueryBuilder, sql } from 'kysely'
import { HubError } from '#platform'
import type { Tables } from './tables/index.ts'

export interface PageRequest {
  limit?: number
  cursor?: string
}

export interface Page<Row> {
  items: Row[]
  /** Hand it back for the next page; null on the last. */
  nextCursor: string | null
}

export interface PageOrder<Row> {
  /** Columns that name a row uniquely within the query, the coarsest first; each selected and never null. */
  by: readonly (keyof Row & string)[]
  direction?: 'asc' | 'desc'
  /** Table or alias the columns belong to, where a join makes them ambiguous. */
  table?: string
}

export const PAGE_SIZE = 50
/** More would make one answer hold a transaction, and a client's memory, for long. */
export const PAGE_SIZE_MAX = 500

/**
 * One page of a query by key, not by offset: rows that come and go in between neither repeat
 * nor hide others. The cursor is the key of the last row; a bad one is `VALIDATION_FAILED`.
 */
export async function page<TB extends keyof Tables, Row>(
  query: SelectQueryBuilder<Tables, TB, Row>,
  request: PageRequest,
  order: PageOrder<Row>,
): Promise<Page<Row>> {
  const limit = Math.min(request.limit ?? PAGE_SIZE, PAGE_SIZE_MAX)
  const direction = order.direction ?? 'asc'
  const columns = order.by.map((column) => sql.ref(order.table ? `${order.table}.${column}` : column))
  let ordered = query
  if (request.cursor !== undefined) {
    const after = decodeCursor(request.cursor, columns.length)
    const comparison = sql.raw(direction === 'asc' ? '>' : '<')
    ordered = ordered.where(sql<boolean>`(${sql.join(columns)}) ${comparison} (${sql.join(after)})`)
  }
  for (const column of columns) ordered = ordered.orderBy(column, direction)
  const rows = (await ordered.limit(limit + 1).execute()) as Row[]
  const items = rows.slice(0, limit)
  const last = items.at(-1)
  return {
    items,
    nextCursor: rows.length > limit && last ? encodeCursor(order.by.map((column) => last[column])) : null,
  }
}

function encodeCursor(key: readonly unknown[]): string {
  return Buffer.from(JSON.stringify(key)).toString('base64url')
}

function decodeCursor(cursor: string, length: number): (string | number)[] {
  try {
    const key: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString())
    const isKey =
      Array.isArray(key) && key.length === length && key.every((part) => ['string', 'number'].includes(typeof part))
    if (isKey) return key
  } catch {
    // Falls through: not ours.
  }
  throw new HubError('VALIDATION_FAILED', 'The cursor is not one this list has given.', { pointer: '/cursor' })
}
