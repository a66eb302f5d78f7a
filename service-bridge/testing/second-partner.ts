import { type AgreementDocument, instant, type PartnerEvent } from '#contracts'
import { realClock } from '#platform'
import { signatureHeaders } from '../delivery/signature.ts'
import { type PartnerServer, partnerServer } from './partner-server.ts'
import { AGREEMENT, BRAND_USER, OPERATOR, type World } from './world.ts'

export interface SecondPartner {
  key: string
  server: PartnerServer
  agreementId: string
  say(orderId: string, event: Partial<PartnerEvent> & { status: PartnerEvent['status'] }, id?: string): Promise<string>
}

/** Another partner of the same brand, with an endpoint and an agreement of its own; `share` gives it a standing consent. */
export async function secondPartner(
  world: World,
  options: { key?: string; agreement?: Partial<AgreementDocument>; share?: boolean } = {},
): Promise<SecondPartner> {
  const { key = 'mendit', share = true } = options
  const server = await partnerServer()
  const { secret } = await world.bridge.partners.create({ key, name: key, url: server.url, by: OPERATOR })
  const document = { ...AGREEMENT, partnerKey: key, ...options.agreement }
  const { id } = await world.bridge.agreements.create(world.brandId, document, { by: BRAND_USER })
  if (share) await world.consent('share', true, key)
  let words = 0
  return {
    key,
    server,
    agreementId: id,
    async say(orderId, event, webhookId = `${key}-${++words}`) {
      const rawBody = Buffer.from(JSON.stringify({ visit: 1, at: instant(world.clock.nowMs()), ...event }))
      const headers = signatureHeaders({ id: webhookId, atMs: realClock.nowMs(), body: rawBody, secrets: [secret] })
      const { disposition } = await world.bridge.partnerEvents.receive({ orderId, rawBody, headers })
      await world.bridge.idle()
      return disposition
    },
  }
}

/** Orders of the world, oldest first. */
export async function ordersOf(world: World) {
  const { items } = await world.bridge.orders.list(world.brandId, {})
  return items.toSorted((a, b) => (a.number < b.number ? -1 : 1))
}
