import { type Static, Type } from 'typebox'

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

/** ISO 8601 in UTC with milliseconds. */
export const Instant = Type.String({ pattern: '^\\d{4}-\\d{2}-\\d{2}T\\d{2}:\\d{2}:\\d{2}(\\.\\d{1,3})?Z$' })

/** ISO 8601 (`PT10M`) or short (`10m`, `1h30m`); see `durationMs` in platform. */
export const Duration = Type.String({
  minLength: 2,
  maxLength: 32,
  pattern: '^(P(?=.)(\\d+W)?(\\d+D)?(T(?=.)(\\d+H)?(\\d+M)?(\\d+(\\.\\d{1,3})?S)?)?|(\\d+(ms|s|m|h|d|w))+)$',
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
