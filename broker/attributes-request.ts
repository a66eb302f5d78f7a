import type { Connection } from './connection.ts'
import type { Gateways } from './gateways.ts'
import type { Credential } from './identity.ts'
import type { AttributesAnswer, BrokerOptions } from './options.ts'
import type { Outbound } from './outbound.ts'
import { jsonObject, text } from './payload.ts'
import { DOWN } from './topics.ts'

/** Names asked for at once; a device has some dozen attributes. */
const KEYS_MAX = 100

export interface AttributesContext {
  options: Pick<BrokerOptions, 'onAttributesRequest'>
  outbound: Outbound
  gateways: Gateways
}

/** `attributes/request/{id}` `{"clientKeys":"a,b","sharedKeys":"c"}` → `attributes/response/{id}` `{"client":…,"shared":…}`. */
export async function answerAttributes(
  { options, outbound }: AttributesContext,
  connection: Connection,
  device: Credential,
  id: string,
  payload: Buffer,
): Promise<void> {
  const body = jsonObject(payload) ?? {}
  const answer = await options.onAttributesRequest({
    ...senderOf(device),
    clientKeys: keyList(body, 'clientKeys'),
    sharedKeys: keyList(body, 'sharedKeys'),
  })
  outbound.toConnection(connection, DOWN.attributesResponse(id), encode(answer))
}

/**
 * `gateway/attributes/request` `{"id":1,"device":"A","client":true,"key":"x"}` (or `keys`) →
 * `gateway/attributes/response` with `value` for one key, `values` for several. A name that is
 * not registered under the gateway gets no answer, as in the API that firmware knows.
 */
export async function answerGatewayAttributes(
  { options, outbound, gateways }: AttributesContext,
  connection: Connection,
  gateway: Credential,
  payload: Buffer,
): Promise<void> {
  const body = jsonObject(payload) ?? {}
  const name = text(body, 'device')
  const id = Object.hasOwn(body, 'id') && Number.isSafeInteger(body.id) ? (body.id as number) : null
  const deviceId = name && (await gateways.resolve(gateway, name))
  if (!name || !deviceId || id === null) return
  const one = text(body, 'key')
  const keys = one ? [one] : textList(body.keys)
  const fromClient = body.client === true
  const answer = await options.onAttributesRequest({
    ...senderOf(gateway),
    deviceId,
    clientKeys: fromClient ? keys : null,
    sharedKeys: fromClient ? null : keys,
  })
  const found: AttributesAnswer[keyof AttributesAnswer] = (fromClient ? answer.client : answer.shared) ?? {}
  const value = one ? { value: Object.hasOwn(found, one) ? found[one] : null } : { values: found }
  outbound.toConnection(connection, DOWN.gatewayAttributesResponse, encode({ id, device: name, ...value }))
}

function senderOf({ brandId, deviceId, credentialId }: Credential): Omit<Credential, 'kind'> {
  return { brandId, deviceId, credentialId }
}

/** Comma-separated names; `null` when the member is absent. */
function keyList(body: Record<string, unknown>, member: string): string[] | null {
  const list = text(body, member, 8_192)
  return list === null
    ? null
    : list
        .split(',')
        .map((key) => key.trim())
        .filter(Boolean)
        .slice(0, KEYS_MAX)
}

function textList(value: unknown): string[] {
  if (!Array.isArray(value)) return []
  return value.slice(0, KEYS_MAX).filter((key): key is string => typeof key === 'string' && key.length > 0)
}

function encode(answer: unknown): Buffer {
  return Buffer.from(JSON.stringify(answer))
}
