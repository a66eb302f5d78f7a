import { PartnerEvent } from '#contracts'
import { HubError } from '#platform'
import { noteReceipt, type Tx } from '#store'
import type { ServiceBridge } from '../bridge.ts'
import type { Happen } from '../cases/case-driver.ts'
import { type Core, inHub } from '../core.ts'
import { checkSignature, type SignedMessage } from '../delivery/signature.ts'
import { lockOrder } from '../orders/order-record.ts'
import { PARTNER_BODY_BYTES_MAX } from '../policy.ts'
import { validator } from '../validate.ts'
import { applyPartnerEvent } from './apply-partner-event.ts'
import { openSecrets, partnerPlace, secretsInForce } from './partner-secrets.ts'

const checkEvent = validator(PartnerEvent)

/** Partners tried against a signature that is not the order's own: an operator has tens of them. */
const PARTNERS_MAX = 1_000

interface KnownPartner {
  key: string
  secrets: string[]
}

/**
 * Takes what partners post. Order of checks: size, signature over the raw bytes, whose order,
 * replay, and only then the body; so that a stranger learns nothing, not even which orders exist.
 */
export function createPartnerInbox(
  core: Core,
  happen: Happen,
  realNowMs: () => number,
): ServiceBridge['partnerEvents'] {
  return {
    async receive({ orderId, rawBody, headers }) {
      if (rawBody.byteLength > PARTNER_BODY_BYTES_MAX) {
        throw new HubError(
          'PAYLOAD_TOO_LARGE',
          `The body has ${rawBody.byteLength} bytes; ${PARTNER_BODY_BYTES_MAX} are read.`,
        )
      }
      const message: SignedMessage = {
        id: headers['webhook-id'],
        timestamp: headers['webhook-timestamp'],
        signature: headers['webhook-signature'],
        body: rawBody,
      }
      const order = await core.db.asHub((tx) => orderAndPartner(tx, orderId))
      const own = order ? await partnersOf(core, order.partner_key) : []
      const sender = signer(own, message, realNowMs())
      if (!sender.key) {
        // Somebody we know, asking about an order of another: to them it does not exist.
        const other = signer(await partnersOf(core, null), message, realNowMs())
        if (other.key) throw new HubError('NOT_FOUND', `You have no order ${orderId}.`)
        throw new HubError('SIGNATURE_INVALID', `${sender.reason ?? other.reason}.`)
      }
      const webhookId = message.id!
      const event = parse(rawBody)
      const disposition = await inHub(core, order!.brand_id, async (work) => {
        const fresh = await noteReceipt(work.tx, { sender: `partner:${sender.key}`, webhookId, nowMs: work.atMs })
        if (!fresh) return 'replayed'
        const locked = await lockOrder(work, orderId)
        if (!locked) throw new HubError('NOT_FOUND', `You have no order ${orderId}.`)
        return applyPartnerEvent(core, happen, work, locked, {
          event: event(),
          webhookId,
          source: 'webhook',
          by: { kind: 'partner', id: sender.key! },
        })
      })
      return { disposition }
    },
  }

  function parse(rawBody: Uint8Array): () => PartnerEvent {
    // Read inside the transaction, after the replay check: a replayed id is 200 whatever its body.
    return () => {
      let body: unknown
      try {
        body = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(rawBody))
      } catch (cause) {
        throw new HubError('BAD_REQUEST', 'The body is not JSON in UTF-8.', { cause })
      }
      return checkEvent(body)
    }
  }
}

async function orderAndPartner(tx: Tx, orderId: string) {
  return tx
    .selectFrom('work_orders')
    .select(['brand_id', 'partner_key'])
    .where('work_order_id', '=', orderId)
    .executeTakeFirst()
}

async function partnersOf(core: Core, key: string | null): Promise<KnownPartner[]> {
  const rows = await core.db.asHub((tx) => {
    const all = tx
      .selectFrom('partners')
      .select(['partner_id', 'key', 'secrets_sealed'])
      .orderBy('key')
      .limit(PARTNERS_MAX)
    return (key === null ? all : all.where('key', '=', key)).execute()
  })
  const atMs = core.clock.nowMs()
  return rows.map((row) => ({
    key: row.key,
    secrets: secretsInForce(openSecrets(core.box, row.secrets_sealed, partnerPlace(row.partner_id)), atMs),
  }))
}

function signer(
  partners: readonly KnownPartner[],
  message: SignedMessage,
  nowMs: number,
): { key: string | null; reason: string | null } {
  let reason: string | null = null
  for (const partner of partners) {
    const check = checkSignature(message, partner.secrets, nowMs)
    if (check.valid) return { key: partner.key, reason: null }
    reason = check.reason
  }
  return { key: null, reason: reason ?? 'no v1 signature matches' }
}
