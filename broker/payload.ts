/** Deeper than any command or answer; what is handed on has to be written again, which costs stack by the level. */
const DEPTH_MAX = 64

/** A JSON object of a device's payload; `null` when it is anything else. */
export function jsonObject(payload: Uint8Array): Record<string, unknown> | null {
  const value = json(payload)
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : null
}

/** Any JSON; `undefined` when it is none, or nested too deeply. */
export function json(payload: Uint8Array): unknown {
  if (isTooDeep(payload)) return undefined
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

const [QUOTE, BACKSLASH, OPEN_BRACKET, CLOSE_BRACKET, OPEN_BRACE, CLOSE_BRACE] = Buffer.from('"\\[]{}')

/** Of text that may be no JSON at all: then it is for the parser to say. */
function isTooDeep(payload: Uint8Array): boolean {
  let depth = 0
  let inString = false
  for (let at = 0; at < payload.length; at++) {
    const byte = payload[at]
    if (byte === QUOTE) inString = !inString
    else if (inString) at += byte === BACKSLASH ? 1 : 0
    else if (byte === OPEN_BRACKET || byte === OPEN_BRACE) {
      if (++depth > DEPTH_MAX) return true
    } else if (byte === CLOSE_BRACKET || byte === CLOSE_BRACE) depth--
  }
  return false
}
