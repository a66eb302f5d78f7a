import { HubError } from '#platform'

/** What orders the rows of one device for a reader: event time, then position. */
export interface RowKey {
  measuredAtMs: number
  seq: number
}

export function encodeCursor({ measuredAtMs, seq }: RowKey): string {
  return `${measuredAtMs}.${seq}`
}

export function decodeCursor(cursor: string): RowKey {
  const [, measuredAtMs, seq] = /^(-?\d{1,16})\.(\d{1,16})$/.exec(cursor) ?? []
  if (seq === undefined) {
    throw new HubError('VALIDATION_FAILED', 'The cursor is not one this list has given.', { pointer: '/cursor' })
  }
  return { measuredAtMs: Number(measuredAtMs), seq: Number(seq) }
}
