import type { Connection } from './connection.ts'
import type { Credential } from './identity.ts'
import type { BrokerOptions } from './options.ts'
import type { Outbound } from './outbound.ts'
import { jsonObject, text } from './payload.ts'
import { DOWN } from './topics.ts'

/** What a device hears that asked for something nobody answers; better than silence until its timeout. */
const UNKNOWN_METHOD = { error: 'METHOD_UNKNOWN' }

/** `rpc/request/{id}` from a device `{"method":…,"params":…}` → `rpc/response/{id}`. */
export async function answerDeviceRequest(
  { options, outbound }: { options: Pick<BrokerOptions, 'onDeviceRequest'>; outbound: Outbound },
  connection: Connection,
  { brandId, deviceId, credentialId }: Credential,
  id: string,
  payload: Buffer,
): Promise<void> {
  const body = jsonObject(payload) ?? {}
  const method = text(body, 'method')
  const answer =
    method && (await options.onDeviceRequest?.({ brandId, deviceId, credentialId, method, params: body.params }))
  outbound.toConnection(connection, DOWN.deviceResponse(id), Buffer.from(JSON.stringify(answer || UNKNOWN_METHOD)))
}
