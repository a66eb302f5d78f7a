/** How a payload is to be read, told by the topic or path it came by. */
export type PayloadForm = 'telemetry' | 'attributes' | 'gateway-telemetry' | 'gateway-attributes' | 'bulk-line'

/** Path of the brand's bulk call; its lines name their device. */
export const BULK_PATH = '/api/telemetry'

/** Gateway topics are `v1/gateway/…`; attributes end in their own word on every way in. */
export function payloadForm(via: string): PayloadForm {
  if (via === BULK_PATH) return 'bulk-line'
  const attributes = via.endsWith('attributes')
  if (via.startsWith('v1/gateway/')) return attributes ? 'gateway-attributes' : 'gateway-telemetry'
  return attributes ? 'attributes' : 'telemetry'
}
