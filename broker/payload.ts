/** A JSON object of a device's payload; `null` when it is anything else. Deep nesting is the parser's own limit. */
export function jsonObject(payload: Uint8Array): Record<string, unknown> | null {
  const value = json(payload)
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : null
}

/** Any JSON; `undefined` when it is none. */
export function json(payload: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength).toString('utf8'))
  } catch {
    return undefined
  }
}

/** A member that is a text of reasonable length; `null` otherwise. */
export function text(object: Record<string, unknown>, member: string, lengthMax = 256): string | null {
  const value = Object.hasOwn(object, member) ? object[member] : undefined
  return typeof value === 'string' && value.length > 0 && value.length <= lengthMax ? value : null
}
