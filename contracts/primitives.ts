import { type Static, Type } from 'typebox'
import Format from 'typebox/format'
import { durationMs } from '#platform'

/** Words a person reads, in both languages of the product. */
export const Text = Type.Object(
  { en: Type.String({ minLength: 1, maxLength: 500 }), 'zh-CN': Type.String({ minLength: 1, maxLength: 500 }) },
  { additionalProperties: false },
)
export type Text = Static<typeof Text>

/**
 * A name chosen by a brand: product, metric, component, rule, partner. Starting with a letter
 * keeps `__proto__` and numbers out; `RESERVED_KEYS` keeps out the rest of what objects inherit.
 */
export const KEY_PATTERN = '^[a-zA-Z][a-zA-Z0-9_.-]{0,63}$'
export const Key = Type.String({ pattern: KEY_PATTERN, description: 'letters, digits, _ . - ; starts with a letter' })

/** Names every object inherits; refused wherever a name could become a property. */
export const RESERVED_KEYS: ReadonlySet<string> = new Set([
  ...Object.getOwnPropertyNames(Object.prototype),
  'prototype',
])

export const Id = Type.String({ minLength: 5, maxLength: 64, pattern: '^[a-z]+_[0-9a-z]+$' })

/** Outside these an instant is a mistake, and arithmetic on it would be too. */
const EARLIEST_MS = Date.UTC(1970, 0, 1)
const LATEST_MS = Date.UTC(2200, 0, 1)

/** What a pattern cannot say of a text, and how it is told. */
const FORMATS = {
  instant: {
    fits: (text: string): boolean => {
      const ms = Date.parse(text)
      // The parser carries 31 February over into March: what it gives back must be what was written.
      const exists = !Number.isNaN(ms) && new Date(ms).toISOString().slice(0, 19) === text.slice(0, 19)
      return exists && ms >= EARLIEST_MS && ms < LATEST_MS
    },
    problem: 'is not a time that exists, or lies outside 1970–2199',
  },
  span: {
    // What is not even of the form is told by the pattern.
    fits: (text: string): boolean => durationMs(text) !== null || !SPAN.test(text),
    problem: 'is longer than a hundred years',
  },
} as const
for (const [name, { fits }] of Object.entries(FORMATS)) Format.Set(name, fits)

/** In words, for a format that a schema of ours names; `null` for any other. */
export function formatProblem(format: string): string | null {
  return Object.hasOwn(FORMATS, format) ? FORMATS[format as keyof typeof FORMATS].problem : null
}

/** ISO 8601 in UTC with milliseconds. */
export const Instant = Type.String({
  format: 'instant',
  pattern: '^\\d{4}-\\d{2}-\\d{2}T\\d{2}:\\d{2}:\\d{2}(\\.\\d{1,3})?Z$',
})

const SPAN_PATTERN = '^(P(?=.)(\\d+W)?(\\d+D)?(T(?=.)(\\d+H)?(\\d+M)?(\\d+(\\.\\d{1,3})?S)?)?|(\\d+(ms|s|m|h|d|w))+)$'
const SPAN = new RegExp(SPAN_PATTERN)

/** ISO 8601 (`PT10M`) or short (`10m`, `1h30m`); see `durationMs` in platform. */
export const Duration = Type.String({
  minLength: 2,
  maxLength: 32,
  format: 'span',
  pattern: SPAN_PATTERN,
})

/** GB/T 2260 six-digit county code or nine-digit street code; matched by prefix elsewhere. */
export const RegionCode = Type.String({ pattern: '^\\d{2,9}$' })

/** Money in integer minor units (fen, cents). */
export const Minor = Type.Integer({ minimum: 0, maximum: 100_000_000 })

export const Sku = Type.String({ minLength: 1, maxLength: 64, pattern: '^[A-Za-z0-9][A-Za-z0-9._-]*$' })

export const Severity = Type.Union([Type.Literal('info'), Type.Literal('warning'), Type.Literal('critical')])
export type Severity = Static<typeof Severity>

export const SafetyKind = Type.Union([
  Type.Literal('gas'),
  Type.Literal('carbon_monoxide'),
  Type.Literal('water_leak'),
  Type.Literal('overheat'),
  Type.Literal('electric'),
  Type.Literal('lockout'),
])
export type SafetyKind = Static<typeof SafetyKind>

/** `2026-11-22T08:00:00.000Z` from milliseconds. */
export function instant(ms: number): string {
  return new Date(ms).toISOString()
}
