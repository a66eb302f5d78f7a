/**
 * A reference token of RFC 6901, with its slash. What no database takes as text (NUL, half a
 * surrogate pair) becomes U+FFFD: the pointer is shown and stored, never followed by a machine.
 */
export function pointerPart(key: string | number): string {
  if (typeof key === 'number') return `/${key}`
  return `/${key.replaceAll('~', '~0').replaceAll('/', '~1').replaceAll('\0', '\uFFFD').toWellFormed()}`
}
