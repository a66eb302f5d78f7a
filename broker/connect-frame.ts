import { bodyStart, CONNECT } from './frame.ts'

/** CONNACK return codes [MQTT-3.1.1, table 3.1]. */
export const CONNACK = {
  unacceptableProtocol: 1,
  identifierRejected: 2,
  serverUnavailable: 3,
  badUserNameOrPassword: 4,
  notAuthorized: 5,
} as const
export type ConnackCode = (typeof CONNACK)[keyof typeof CONNACK]

/** Protocol name → level spoken under that name. 3.1 differs from 3.1.1 in nothing a device of ours would notice. */
const LEVELS: Readonly<Record<string, number>> = { MQTT: 4, MQIsdp: 3 }

export type FirstFrame = 'connect' | 'unacceptable-protocol' | 'not-mqtt'

/**
 * Looks at the first frame of a connection before any parser does. MQTT 5 is turned away
 * here: the parser would understand it and read everything after it by other rules.
 */
export function firstFrame(frame: Buffer): FirstFrame {
  if (frame[0]! >> 4 !== CONNECT) return 'not-mqtt' // [MQTT-3.1.0-1]
  const body = bodyStart(frame, 0)
  if (frame.length < body + 2) return 'not-mqtt'
  const nameEnd = body + 2 + frame.readUInt16BE(body)
  if (frame.length <= nameEnd) return 'not-mqtt'
  const name = frame.toString('latin1', body + 2, nameEnd)
  if (!Object.hasOwn(LEVELS, name)) return 'not-mqtt' // [MQTT-3.1.2-1]
  return LEVELS[name] === frame[nameEnd] ? 'connect' : 'unacceptable-protocol' // [MQTT-3.1.2-2]
}

/** The bytes of a refusing CONNACK; no session is ever present in one [MQTT-3.2.2-4]. */
export function connackRefusing(code: ConnackCode): Buffer {
  return Buffer.from([0x20, 0x02, 0x00, code])
}
