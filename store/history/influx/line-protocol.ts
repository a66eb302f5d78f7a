import type { ReadingValue } from '#contracts'
import type { HealthPoint, HistoryRow } from '../history.ts'

export const READINGS = 'readings'
/** Nanoseconds of a millisecond, of which the position fills the last six digits. */
const NANOSECONDS = 1_000_000

/** Columns of ours beside the metrics. A metric's key never has a colon. */
export const FIELD = { seq: ':seq', received: ':received', flags: ':flags' } as const
export const FLAG_SERVER_TIME = 1
export const FLAG_IMPORTED = 2

export type FieldKind = 'number' | 'boolean' | 'text'
/** Names that InfluxQL or our tags already use in a row. */
const TAKEN: ReadonlySet<string> = new Set(['time', 'device', 'brand'])

/**
 * A field has one type for ever, so the type is in its name: numbers under the metric's own
 * key (always as floats), booleans and text beside it.
 */
export function fieldName(key: string, kind: FieldKind): string {
  return kind === 'number' && !TAKEN.has(key) ? key : `${key}:${kind}`
}

export function metricOf(field: string): { key: string; kind: FieldKind } {
  const [key, kind = 'number'] = field.split(':') as [string, FieldKind?]
  return { key, kind }
}

/**
 * One row as a line. The nanoseconds below the millisecond carry the position modulo a million:
 * readings of one millisecond stand side by side, and writing a row again overwrites itself.
 */
export function readingLine(row: HistoryRow): string {
  const flags = (row.serverTime ? FLAG_SERVER_TIME : 0) | (row.imported ? FLAG_IMPORTED : 0)
  let fields = `${FIELD.seq}=${row.seq}i,${FIELD.received}=${row.receivedAtMs}i,${FIELD.flags}=${flags}i`
  for (const key in row.values) fields += `,${field(key, row.values[key]!)}`
  const tags = `brand=${escapedTag(row.brandId)},device=${escapedTag(row.deviceId)}`
  return `${READINGS},${tags} ${fields} ${nanoseconds(row.measuredAtMs, row.seq % NANOSECONDS)}`
}

export const HEALTH = 'health'

/** What is known of a part, as a line; written again it overwrites itself. */
export function healthLine(point: HealthPoint): string {
  const { wear, p10Days, p50Days, p90Days } = point
  const tags = [point.brandId, point.component, point.deviceId, point.productKey].map(escapedTag)
  const fields = Object.entries({ wear, p10_days: p10Days, p50_days: p50Days, p90_days: p90Days })
    .filter(([, value]) => value !== null)
    .map(([name, value]) => `${name}=${value}`)
  const [brand, component, device, product] = tags
  return `${HEALTH},brand=${brand},component=${component},device=${device},product=${product} ${fields.join(',')} ${nanoseconds(point.atMs)}`
}

function field(key: string, value: ReadingValue): string {
  if (typeof value === 'number') return `${escapedTag(fieldName(key, 'number'))}=${value}`
  if (typeof value === 'boolean') return `${escapedTag(fieldName(key, 'boolean'))}=${value}`
  return `${escapedTag(fieldName(key, 'text'))}="${value.replace(/["\\]/g, '\\$&')}"`
}

/** The earliest and latest moment the store knows, at a millisecond's resolution. */
const TIME_MS_MIN = -9_223_372_036_854
const TIME_MS_MAX = 9_223_372_036_853

/** A moment for a line or a query; outside of what the store knows, the nearest it does. */
export function nanoseconds(ms: number, remainder = 0): string {
  const whole = BigInt(Math.min(Math.max(Math.trunc(ms), TIME_MS_MIN), TIME_MS_MAX))
  return String(whole * BigInt(NANOSECONDS) + BigInt(remainder))
}

export const remainderOf = (seq: number): number => seq % NANOSECONDS

const escapedTag = (text: string): string => text.replace(/[,= \\]/g, '\\$&')

/** Text inside a quoted InfluxQL literal. */
export const literal = (text: string): string => `'${text.replace(/['\\]/g, '\\$&')}'`

/** A quoted InfluxQL name. */
export const identifier = (name: string): string => `"${name.replace(/["\\]/g, '\\$&')}"`
