import type { Connection } from './connection.ts'
import type { Outbound } from './outbound.ts'
import { DOWN } from './topics.ts'

/** What a device hears that asks the hub to do something: better than silence until its timeout. */
const UNKNOWN_METHOD = Buffer.from(JSON.stringify({ error: 'METHOD_UNKNOWN' }))

/** `rpc/request/{id}` from a device → `rpc/response/{id}`: the hub has no methods for devices. */
export function answerDeviceRequest({ outbound }: { outbound: Outbound }, connection: Connection, id: string): void {
  outbound.toConnection(connection, DOWN.deviceResponse(id), UNKNOWN_METHOD)
}
