import { CASE_STATES_OVER, instant, type OfferApart, type OfferChoice, type OfferView } from '#contracts'
import type { CaseRecord } from '../cases/case-record.ts'
import { casesInDoubt } from '../cases/solved-answer.ts'
import type { Core, Work } from '../core.ts'
import { productDocument } from '../facts.ts'
import { componentName } from '../notices/plain-words.ts'
import { openQuote, questioned } from '../orders/quote-record.ts'
import { mayRate } from '../orders/rating.ts'
import { mayReport } from '../reports/problem-report.ts'
import { orderOfOffer, progressOf } from './offer-progress.ts'
import { casesOfOffer, type OfferRecord, offeredSlots } from './offer-record.ts'
import { stopKindOf } from './offer-stops.ts'
import { stopsOf } from './stop-offers.ts'

const CHOICES: Readonly<Record<OfferRecord['state'], readonly OfferChoice[]>> = {
  offered: ['accept', 'snooze', 'self_service', 'visit', 'decline', 'stop'],
  snoozed: ['accept', 'self_service', 'visit', 'decline', 'stop'],
  accepted: ['quote', 'reschedule', 'cancel', 'visit', 'rate', 'report_problem'],
  // It may turn out to be more than one can do oneself.
  self_service: ['accept', 'stop', 'report_problem'],
  declined: ['resume'],
  expired: [],
  withdrawn: [],
  cancelled: [],
  closed: ['solved', 'rate', 'report_problem'],
}

const BEFORE_ARRIVAL: ReadonlySet<CaseRecord['state']> = new Set([
  'accepted',
  'ordered',
  'rerouting',
  'scheduled',
  'awaiting_quote',
  'awaiting_parts',
  'in_progress',
])

/** What the link shows now. */
export async function offerView(core: Core, work: Work, offer: OfferRecord): Promise<OfferView> {
  const { terms } = offer
  const over = work.atMs >= offer.expires_at_ms
  const expired = over && (offer.state === 'offered' || offer.state === 'snoozed')
  const state = expired ? 'expired' : offer.state
  const order = await orderOfOffer(core, work, offer)
  const cases = state === 'accepted' ? await casesOfOffer(work, offer.offer_id) : []
  const out = order !== null && order.closed_at_ms === null ? order : null
  const quote = out && questioned(core, work, out, await openQuote(work, out.work_order_id))
  const inDoubt =
    state === 'closed' ? await casesInDoubt(work, offer, await casesOfOffer(work, offer.offer_id, false)) : []
  const apart = await needsApart(work, offer)
  const stopped = await isStopped(work, offer)
  const progress = await progressOf(work, offer, order, cases)
  const live = cases.filter((record) => !CASE_STATES_OVER.has(record.state))
  const nobodyThere = out === null || out.arrived_at_ms === null
  const mayChange = nobodyThere && live.length > 0 && live.every((record) => BEFORE_ARRIVAL.has(record.state))
  const choices = CHOICES[state].filter((choice) => {
    if (choice === 'accept') return !over
    if (choice === 'self_service') return terms.needs.some((need) => need.selfService !== null)
    if (choice === 'visit') return apart.some((need) => need.state === 'self_service')
    if (choice === 'stop') return terms.safety === null && !stopped
    if (choice === 'resume') return stopped
    if (choice === 'rate') return order !== null && mayRate(order, progress?.rating ?? null, work.atMs)
    if (choice === 'report_problem') return mayReport(offer, order, work.atMs)
    if (choice === 'cancel') return mayChange
    if (choice === 'reschedule') return mayChange && out !== null
    if (choice === 'quote') return quote !== null
    if (choice === 'solved') return inDoubt.length > 0
    return true
  })
  const picksTime = choices.includes('accept') || choices.includes('reschedule')
  return {
    id: offer.offer_id,
    state,
    choices: [...choices],
    locale: terms.locale,
    timeZone: terms.timeZone,
    now: instant(work.atMs),
    expiresAt: instant(offer.expires_at_ms),
    snoozedUntil: offer.snoozed_until_ms === null ? null : instant(offer.snoozed_until_ms),
    brand: terms.brand,
    urgency: terms.urgency,
    safety: terms.safety,
    revision: offer.revision,
    needs: terms.needs,
    apart,
    stopped,
    charge: order?.charge ?? terms.charge,
    quote,
    slots: picksTime ? offeredSlots(terms, work.atMs) : [],
    partners: terms.partners,
    consentText: terms.consentText,
    progress,
  }
}

/** Needs that the offer asked about and asks no more, while the rest goes on. */
async function needsApart(work: Work, offer: OfferRecord): Promise<OfferApart[]> {
  const shown = new Set(offer.terms.needs.map((need) => need.caseId))
  const rows = await work.tx
    .selectFrom('offer_items as i')
    .innerJoin('cases as c', (join) => join.onRef('c.brand_id', '=', 'i.brand_id').onRef('c.case_id', '=', 'i.case_id'))
    .leftJoin('devices as d', (join) =>
      join.onRef('d.brand_id', '=', 'c.brand_id').onRef('d.device_id', '=', 'c.device_id'),
    )
    .select(['i.ended_as', 'c.case_id', 'c.component', 'c.product_key', 'c.state', 'c.offer_id', 'd.serial'])
    .where('i.brand_id', '=', work.brandId)
    .where('i.offer_id', '=', offer.offer_id)
    .where('i.ended_as', 'is not', null)
    .orderBy('c.opened_at_ms')
    .orderBy('c.case_id')
    .execute()
  const apart: OfferApart[] = []
  for (const row of rows) {
    if (shown.has(row.case_id)) continue
    const product = await productDocument(work, row.product_key)
    const doing = row.state === 'self_serviced' && row.offer_id === offer.offer_id
    apart.push({
      caseId: row.case_id,
      device: {
        category: product?.category ?? 'appliance',
        name: product?.name ?? { en: row.product_key, 'zh-CN': row.product_key },
        serial: row.serial ?? '',
      },
      component: { key: row.component, name: componentName(product, row.component) },
      state: row.ended_as === 'self_service' && !doing ? 'ended' : row.ended_as!,
    })
  }
  return apart
}

/** Whether the home asked for no more offers about any of these needs. */
async function isStopped(work: Work, offer: OfferRecord): Promise<boolean> {
  const stops = await stopsOf(work, offer.home_id)
  if (stops.length === 0) return false
  for (const record of await casesOfOffer(work, offer.offer_id, false)) {
    const kind = await stopKindOf(work, record)
    if (stops.some((stop) => stop.category === kind.category && stop.component_kind === kind.componentKind)) return true
  }
  return false
}
