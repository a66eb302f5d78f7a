const STRING_SHOWN_MAX = 40

/** A value of a payload as an error names it: short, and never walked into. */
export function shown(value: unknown): string {
  if (value === undefined) return 'nothing'
  if (Array.isArray(value)) return 'an array'
  if (typeof value === 'object' && value !== null) return 'an object'
  if (typeof value !== 'string') return String(value)
  const text = value.length > STRING_SHOWN_MAX ? `${value.slice(0, STRING_SHOWN_MAX)}…` : value
  return JSON.stringify(text)
}
