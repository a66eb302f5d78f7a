import { type Address, instant, type SiteAddress, type SiteContact, type SiteQuestion, sealedAs } from '#contracts'
import { HubError } from '#platform'
import { writeAudit } from '#store'
import { type Core, inBrand, type Work } from '../core.ts'
import { lockOrder, type OrderRecord } from '../orders/order-record.ts'
import type { Actor } from '../views.ts'
import { takenBack } from './consent-changes.ts'
import { holds } from './consents.ts'
import { type Resolver, resolverOf, resolveSite } from './site-resolver.ts'

interface Where {
  brandId: string
  workOrderId: string
}

/** The address as kept, or whom to ask for it. */
type Found = { kind: 'kept'; address: Address } | { kind: 'elsewhere'; resolver: Resolver; siteRef: string }

type Opened = { site: SiteAddress } | { ask: Resolver; question: SiteQuestion }

/**
 * The one way an address leaves the hub: to the partner that accepted, while the consent
 * holds and the visit is not long over. Every read is written down, the refused ones too.
 * Where the brand keeps the address it is asked for at this moment, and nothing of it is stored.
 */
export async function readSite(core: Core, where: Where, by: Actor): Promise<SiteAddress> {
  const opened = await inBrand(core, where.brandId, async (work): Promise<Opened | HubError> => {
    const order = await lockOrder(work, where.workOrderId)
    if (!order) throw new HubError('NOT_FOUND', 'There is no such order.')
    const found = (await refusalOf(core, work, order)) ?? (await findAddress(core, work, order))
    if (found instanceof HubError) return refuse(work, order, by, found)
    if (found.kind === 'elsewhere') {
      await write(work, order, by, 'site.asked')
      return { ask: found.resolver, question: await questionOf(work, order, found.siteRef) }
    }
    const site = await assemble(core, work, order, { address: found.address })
    await write(work, order, by, 'site.read')
    return { site }
  })
  // Thrown here, after the commit, so that the refusal stays in the audit.
  if (opened instanceof HubError) throw opened
  return 'site' in opened ? opened.site : readElsewhere(core, where, by, opened)
}

/** The brand's answer is passed on only if the home still agrees once it has come. */
async function readElsewhere(
  core: Core,
  where: Where,
  by: Actor,
  { ask, question }: { ask: Resolver; question: SiteQuestion },
): Promise<SiteAddress> {
  const resolution = await resolveSite(core, ask, question)
  const answer = await inBrand(core, where.brandId, async (work): Promise<SiteAddress | HubError> => {
    const order = (await lockOrder(work, where.workOrderId))!
    const refusal = await refusalOf(core, work, order)
    if (refusal) return refuse(work, order, by, refusal)
    if (resolution.outcome === 'resolved') {
      const site = await assemble(core, work, order, resolution.site)
      await write(work, order, by, 'site.read', { from: 'brand' })
      return site
    }
    const reason = resolution.outcome === 'unknown' ? 'it knows no such place' : resolution.reason
    await write(work, order, by, 'site.unavailable', { reason })
    return resolution.outcome === 'unknown'
      ? new HubError('GONE', 'The brand no longer knows an address for this order.')
      : new HubError('SITE_UNAVAILABLE', `The brand’s address service did not help: ${reason}. Try again shortly.`)
  })
  if (answer instanceof HubError) throw answer
  return answer
}

async function refuse(work: Work, order: OrderRecord, by: Actor, refusal: HubError): Promise<HubError> {
  await write(work, order, by, 'site.refused', { code: refusal.code })
  return refusal
}

function write(
  work: Work,
  order: OrderRecord,
  by: Actor,
  action: string,
  more: Record<string, unknown> = {},
): Promise<void> {
  return writeAudit(work.tx, {
    brandId: work.brandId,
    atMs: work.atMs,
    actor: `${by.kind}:${by.id ?? ''}`,
    action,
    subject: order.work_order_id,
    detail: { partner: order.partner_key, consent: order.consent_id, ...more },
  })
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
  const consent = await consentOf(work, order)
  if (!holds(consent, work.atMs)) {
    return new HubError('CONSENT_WITHDRAWN', 'The home no longer agrees that you know its address.')
  }
  if (await takenBack(work, order.home_id, order.partner_key, consent))
    return new HubError('CONSENT_WITHDRAWN', 'The home no longer agrees that you know its address.')
  return null
}

async function findAddress(core: Core, work: Work, order: OrderRecord): Promise<Found | HubError> {
  const home = await work.tx
    .selectFrom('homes')
    .select(['home_id', 'address_sealed', 'site_ref', 'site_ref_sealed', 'erased_at_ms'])
    .where('brand_id', '=', work.brandId)
    .where('home_id', '=', order.home_id)
    .executeTakeFirst()
  if (!home || home.erased_at_ms !== null) return new HubError('GONE', 'The home was erased.')
  if (home.address_sealed !== null) {
    const text = core.box.open(home.address_sealed, sealedAs.homeAddress(home.home_id))
    return { kind: 'kept', address: JSON.parse(text) as Address }
  }
  const siteRef =
    home.site_ref_sealed === null ? home.site_ref : core.box.open(home.site_ref_sealed, sealedAs.siteRef(home.home_id))
  if (siteRef === null) return new HubError('NOT_FOUND', 'The hub keeps no address of this home; ask the brand.')
  const resolver = await resolverOf(core.box, work)
  if (resolver) return { kind: 'elsewhere', resolver, siteRef }
  return new HubError('SITE_UNAVAILABLE', 'The brand keeps this address itself and has not said where to ask for it.')
}

async function questionOf(work: Work, order: OrderRecord, siteRef: string): Promise<SiteQuestion> {
  const consent = await consentOf(work, order)
  const partner = await work.tx
    .selectFrom('agreements')
    .select('partner_name')
    .where('brand_id', '=', work.brandId)
    .where('agreement_id', '=', order.agreement_id)
    .executeTakeFirst()
  return {
    siteRef,
    workOrder: { id: order.work_order_id, number: order.number },
    partner: { key: order.partner_key, name: partner?.partner_name ?? order.partner_key },
    consent: proofOf(order, consent),
  }
}

type ConsentProof = Awaited<ReturnType<typeof consentOf>>

function consentOf(work: Work, order: OrderRecord) {
  return work.tx
    .selectFrom('consents')
    .selectAll()
    .where('brand_id', '=', work.brandId)
    .where('consent_id', '=', order.consent_id)
    .executeTakeFirstOrThrow()
}

function proofOf(order: OrderRecord, consent: ConsentProof): SiteAddress['consent'] {
  return {
    id: consent.consent_id,
    recipient: consent.recipient_name ?? consent.recipient_key ?? order.partner_key,
    grantedAt: instant(consent.at_ms),
  }
}

async function assemble(
  core: Core,
  work: Work,
  order: OrderRecord,
  { address, contact }: { address: Address; contact?: SiteContact },
): Promise<SiteAddress> {
  return {
    ...address,
    contact: contact ?? (await keptContact(core, work, order)),
    consent: proofOf(order, await consentOf(work, order)),
  }
}

/** The person who decides, else whoever can be reached. */
async function keptContact(core: Core, work: Work, order: OrderRecord): Promise<SiteContact> {
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
  if (!person) throw new HubError('NOT_FOUND', 'Nobody of this home can be reached; ask the brand.')
  const number = JSON.parse(core.box.open(person.contact_sealed!, sealedAs.personContact(person.person_id)))
  const name =
    person.name_sealed === null ? '' : core.box.open(person.name_sealed, sealedAs.personName(person.person_id))
  return { name, locale: person.locale, ...(number as Omit<SiteContact, 'name' | 'locale'>) }
}
