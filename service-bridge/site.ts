import { type Address, instant, type SiteAddress, type SiteContact, sealedAs } from '#contracts'
import { HubError } from '#platform'
import { writeAudit } from '#store'
import { lockOrder, type OrderRecord } from './apply-partner-event.ts'
import { holds } from './consents.ts'
import { type Core, inBrand, type Work } from './core.ts'
import type { Actor } from './views.ts'

/**
 * The one way an address leaves the hub: to the partner that accepted, while the consent
 * holds and the visit is not long over. Every read is written down, the refused ones too.
 */
export async function readSite(
  core: Core,
  where: { brandId: string; workOrderId: string },
  by: Actor,
): Promise<SiteAddress> {
  const answer = await inBrand(core, where.brandId, async (work) => {
    const order = await lockOrder(work, where.workOrderId)
    if (!order) throw new HubError('NOT_FOUND', 'There is no such order.')
    const refusal = await refusalOf(core, work, order)
    await writeAudit(work.tx, {
      brandId: work.brandId,
      atMs: work.atMs,
      actor: `${by.kind}:${by.id ?? ''}`,
      action: refusal ? 'site.refused' : 'site.read',
      subject: order.work_order_id,
      detail: { partner: order.partner_key, consent: order.consent_id, ...(refusal ? { code: refusal.code } : {}) },
    })
    return refusal ?? (await openSite(core, work, order))
  })
  // Thrown here, after the commit, so that the refusal stays in the audit.
  if (answer instanceof HubError) throw answer
  return answer
}

async function refusalOf(core: Core, work: Work, order: OrderRecord): Promise<HubError | null> {
  if (order.state === 'sent') {
    return new HubError('STATE_FORBIDS', 'The address is given once the order is accepted.')
  }
  const overAtMs = order.closed_at_ms === null ? null : order.closed_at_ms
  if (order.state === 'cancelled' || order.state === 'rejected' || order.state === 'failed') {
    return new HubError('GONE', 'The order has ended; its address is no longer given.')
  }
  if (overAtMs !== null && work.atMs >= overAtMs + core.policy.siteAfterCloseMs) {
    return new HubError('GONE', 'The order ended more than 7 days ago; its address is no longer given.')
  }
  const consent = await work.tx
    .selectFrom('consents')
    .selectAll()
    .where('brand_id', '=', work.brandId)
    .where('consent_id', '=', order.consent_id)
    .executeTakeFirstOrThrow()
  if (!holds(consent, work.atMs)) {
    return new HubError('CONSENT_WITHDRAWN', 'The home no longer agrees that you know its address.')
  }
  const later = await work.tx
    .selectFrom('consents')
    .select('consent_id')
    .where('brand_id', '=', work.brandId)
    .where('home_id', '=', order.home_id)
    .where('purpose', '=', 'share')
    .where('recipient_key', '=', order.partner_key)
    .where('at_ms', '>', consent.at_ms)
    .where('granted', '=', false)
    .executeTakeFirst()
  if (later) return new HubError('CONSENT_WITHDRAWN', 'The home no longer agrees that you know its address.')
  const home = await work.tx
    .selectFrom('homes')
    .select(['address_sealed', 'erased_at_ms'])
    .where('brand_id', '=', work.brandId)
    .where('home_id', '=', order.home_id)
    .executeTakeFirst()
  if (!home || home.erased_at_ms !== null) return new HubError('GONE', 'The home was erased.')
  if (home.address_sealed === null)
    return new HubError('NOT_FOUND', 'The hub keeps no address of this home; ask the brand.')
  return null
}

async function openSite(core: Core, work: Work, order: OrderRecord): Promise<SiteAddress> {
  const home = await work.tx
    .selectFrom('homes')
    .select(['home_id', 'address_sealed'])
    .where('brand_id', '=', work.brandId)
    .where('home_id', '=', order.home_id)
    .executeTakeFirstOrThrow()
  const person = await work.tx
    .selectFrom('people')
    .select(['person_id', 'name_sealed', 'contact_sealed', 'locale'])
    .where('brand_id', '=', work.brandId)
    .where('home_id', '=', order.home_id)
    .where('erased_at_ms', 'is', null)
    .where('contact_sealed', 'is not', null)
    .orderBy('decides', 'desc')
    .orderBy('created_at_ms')
    .orderBy('person_id')
    .executeTakeFirst()
  const consent = await work.tx
    .selectFrom('consents')
    .select(['consent_id', 'recipient_name', 'recipient_key', 'at_ms'])
    .where('brand_id', '=', work.brandId)
    .where('consent_id', '=', order.consent_id)
    .executeTakeFirstOrThrow()
  const address = JSON.parse(core.box.open(home.address_sealed!, sealedAs.homeAddress(home.home_id))) as Address
  if (!person) throw new HubError('NOT_FOUND', 'Nobody of this home can be reached; ask the brand.')
  const contact = JSON.parse(core.box.open(person.contact_sealed!, sealedAs.personContact(person.person_id))) as Omit<
    SiteContact,
    'name' | 'locale'
  >
  const name =
    person.name_sealed === null ? '' : core.box.open(person.name_sealed, sealedAs.personName(person.person_id))
  return {
    ...address,
    contact: { name, locale: person.locale, ...contact },
    consent: {
      id: consent.consent_id,
      recipient: consent.recipient_name ?? consent.recipient_key ?? order.partner_key,
      grantedAt: instant(consent.at_ms),
    },
  }
}
