import type { QuarantineProblem } from '#contracts'
import { pointerPart } from './json-pointer.ts'
import { parsePayload } from './payload-json.ts'
import { repeatedMembers } from './repeated-members.ts'
import { shown } from './shown.ts'

/** Devices in one message of a gateway: more than any has, fewer than a frame could name. */
const PARTS_MAX = 1_000

export interface GatewayPart {
  serial: string
  /** Where it stands in the payload. */
  pointer: string
  value: unknown
}

export interface GatewayParts {
  parts: GatewayPart[]
  /** Of the message as a whole, or of members that name no part. */
  problems: QuarantineProblem[]
  repeated: ReadonlySet<string>
}

/** Takes `{"SERIAL": …, …}` apart. What the parts hold is for others to judge. Never throws. */
export function decodeGateway(payload: Uint8Array): GatewayParts {
  const json = parsePayload(payload)
  if ('problem' in json) return { parts: [], problems: [json.problem], repeated: new Set() }
  const { value, text } = json
  const repeated = repeatedMembers(text)
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    const detail = `${shown(value)} where an object of devices is needed: {"SERIAL": […]}.`
    return { parts: [], problems: [{ code: 'WRONG_TYPE', pointer: '', detail }], repeated }
  }
  const parts: GatewayPart[] = []
  const problems: QuarantineProblem[] = []
  for (const [serial, part] of Object.entries(value)) {
    const pointer = pointerPart(serial)
    if (repeated.has(pointer)) {
      const detail = 'This device stands more than once in the message; nothing of it is taken.'
      problems.push({ code: 'PAYLOAD_NOT_JSON', pointer, detail })
    } else if (parts.length === PARTS_MAX) {
      const detail = `At most ${PARTS_MAX} devices are taken at a time; this one and those after it were not.`
      problems.push({ code: 'PAYLOAD_TOO_LARGE', pointer, detail })
      break
    } else {
      parts.push({ serial, pointer, value: part })
    }
  }
  return { parts, problems, repeated }
}
