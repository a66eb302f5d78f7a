import { isUtf8 } from 'node:buffer'
import { QUARANTINE_PAYLOAD_BYTES_MAX, type QuarantineProblem } from '#contracts'

/** What a device may send at all: the broker's frame after authentication. */
export const PAYLOAD_BYTES_MAX = QUARANTINE_PAYLOAD_BYTES_MAX
/** Of the parser's own words, which quote the payload. */
const REASON_LENGTH_MAX = 160

const BYTE_ORDER_MARK = 0xef
const COLON = 0x3a
/** What decoding puts in the place of bytes that are not UTF-8. */
const REPLACEMENT = '\uFFFD'

export type PayloadJson =
  | {
      value: unknown
      text: string
      /** Never less than the members of all objects: who counts as many has seen every one. */
      colons: number
    }
  | { problem: QuarantineProblem }

/** Reads a payload as JSON in UTF-8. Never throws. */
export function parsePayload(payload: Uint8Array): PayloadJson {
  if (payload.length > PAYLOAD_BYTES_MAX) {
    const detail = `The payload has ${payload.length} bytes, at most ${PAYLOAD_BYTES_MAX} are taken: send fewer readings at a time.`
    return { problem: { code: 'PAYLOAD_TOO_LARGE', pointer: '', detail } }
  }
  if (payload.length === 0) return notJson('the payload is empty')
  if (payload[0] === BYTE_ORDER_MARK)
    return notJson('it begins with a byte order mark or another character outside ASCII')
  const bytes = Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength)
  const text = bytes.toString('utf8')
  if (text.includes(REPLACEMENT) && !isUtf8(payload)) return notJson('its bytes are not UTF-8')
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    return notJson((error as Error).message.slice(0, REASON_LENGTH_MAX).replaceAll('\0', REPLACEMENT).toWellFormed())
  }
  let colons = 0
  for (let i = 0; i < bytes.length; i++) if (bytes[i] === COLON) colons++
  return { value, text, colons }
}

function notJson(reason: string): PayloadJson {
  return { problem: { code: 'PAYLOAD_NOT_JSON', pointer: '', detail: `Not JSON in UTF-8: ${reason}.` } }
}
