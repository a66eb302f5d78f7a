import { instant } from '#contracts'
import type { Happen } from '../cases/case-driver.ts'
import type { CaseRecord } from '../cases/case-record.ts'
import { gateInTheWay } from '../cases/gate.ts'
import { flagReview } from '../cases/review.ts'
import { ruleStandsBehind } from '../cases/rule-force.ts'
import type { Core, Work } from '../core.ts'
import { type ConsentRecord, consentInForce } from '../homes/consents.ts'
import { lockOffer } from '../offers/offer-record.ts'
import { tellBrand } from '../outgoing.ts'
import { RECHECK_MS } from '../policy.ts'
import { clearTimer, setTimer } from '../timers.ts'
import { chargeHash, createOrder } from './create-order.ts'
import { tellPartnerGone } from './order-news.ts'
import type { AgreementCandidate } from './partner-choice.ts'
import { type GaveBack, gaveBack, hadItsChance, longestAgoFirst } from './refused-partners.ts'
import { planVisit, type VisitPlan } from './visit-plan.ts'

/**
 * C9, C10: the first partner in rank that may know the address, and has not just given this need
 * back, gets the order. When none can, the cases stay as they are, a person is told, and it is tried
 * again: after a day, and at once when an agreement, a partner or a consent changes. `anew`: those that gave it back
 * are asked once more when nobody else is left, the one that did so longest ago first.
 */
export async function placeOrder(
  core: Core,
  work: Work,
  cases: readonly CaseRecord[],
  happen: Happen,
  { anew = false } = {},
): Promise<void> {
  const tried = await tryToPlace(core, work, cases, happen, anew)
  if (tried === 'placed') return
  if (tried !== 'nobody, of several' || cases.length === 1) return wait(core, work, cases, tried === 'gated')
  // Nobody agreed to one visit and one price for all of it: what no one visit serves goes alone.
  const left: CaseRecord[] = []
  for (const record of cases) if ((await tryToPlace(core, work, [record], happen, anew)) !== 'placed') left.push(record)
  if (left.length > 0) await wait(core, work, left, false)
}

/** `nobody, of several`: somebody may come for a part of it, and nothing that was agreed speaks against it. */
async function tryToPlace(
  core: Core,
  work: Work,
  cases: readonly CaseRecord[],
  happen: Happen,
  anew: boolean,
): Promise<'placed' | 'gated' | 'nobody' | 'nobody, of several'> {
  const [first] = cases
  // Of a home that is gone nothing is left to do.
  if (!first || first.home_id === null) return 'placed'
  const offer = first.offer_id === null ? null : await lockOffer(work, first.offer_id)
  const accepted = offer?.state === 'accepted' ? acceptedBy(offer.answer) : null
  const refused = await gaveBack(work, cases)
  const agreed = accepted ? { agreed: accepted.charge } : {}
  let plan = await planVisit(core, work, cases, {
    ...agreed,
    without: (candidate) => hadItsChance(refused, candidate),
  })
  let { chosen, gated } = await choose(work, first.home_id, plan, accepted, refused)
  if (!chosen && !gated && anew) {
    plan = await planVisit(core, work, cases, agreed)
    const again = { ...plan, candidates: longestAgoFirst(plan.candidates, refused) }
    ;({ chosen, gated } = await choose(work, first.home_id, again, accepted, refused))
  }
  if (!chosen) return gated ? 'gated' : accepted ? 'nobody' : 'nobody, of several'
  const result = await happen(work, cases, 'ordered', { why: `partner ${chosen.partner.partnerKey}` })
  if (result.kind !== 'moved') {
    const byGate = result.kind === 'unmet' && result.unmet.some((one) => one.guard === 'gateOpen')
    return gated || byGate ? 'gated' : 'nobody'
  }
  for (const record of cases) await clearTimer(work, 'place_order', record.case_id)
  await createOrder(core, work, {
    cases,
    plan,
    partner: chosen.partner,
    consent: chosen.consent,
    charge: accepted
      ? owedBy(accepted.charge, plan, chosen.partner)
      : standingCharge(plan.charge!, chosen.consent, work.atMs),
    slots: accepted && stillAhead(accepted.slot, work.atMs) ? [accepted.slot] : [],
    offerId: accepted ? offer!.offer_id : null,
  })
  if (refused.length > 0) await tellPartnerGone(core, work, cases, { name: chosen.partner.partnerName })
  return 'placed'
}

interface Choice {
  chosen: { partner: AgreementCandidate; consent: ConsentRecord } | null
  /** A gate alone kept somebody from being chosen. */
  gated: boolean
}

async function choose(
  work: Work,
  homeId: string,
  plan: VisitPlan,
  accepted: AcceptedAnswer | null,
  refused: readonly GaveBack[],
): Promise<Choice> {
  let gated = plan.gated
  for (const partner of plan.candidates) {
    const { partnerKey } = partner
    const consent = await consentInForce(work, {
      homeId,
      purpose: 'share',
      recipientKey: partnerKey,
      standingOnly: accepted === null,
    })
    if (!consent) continue
    // Named when the home accepted, or agreed to since, when nobody it had named would come.
    const named = !accepted || accepted.shareWith.includes(partnerKey)
    if (!named && !(refused.length > 0 && consent.at_ms >= refused[0]!.atMs)) continue
    if (await gateInTheWay(work.tx, { brandId: work.brandId, partnerKey })) {
      gated = true
      continue
    }
    return { chosen: { partner, consent }, gated }
  }
  return { chosen: null, gated }
}

async function wait(core: Core, work: Work, cases: readonly CaseRecord[], byGate: boolean): Promise<void> {
  const [first] = cases as [CaseRecord]
  // Each has its own, so that whichever is called off leaves the others one.
  for (const record of cases)
    await setTimer(
      work,
      'place_order',
      record.case_id,
      work.atMs + RECHECK_MS,
      byGate ? 'gate' : 'partner',
      record.updated_at_ms,
    )
  const held = (await ruleStandsBehind(work, cases)) ? 'a gate holds the order' : 'the rule is out of force'
  if (!byGate && first.state === 'rerouting') await tellPartnerGone(core, work, cases, null)
  for (const record of cases) {
    await flagReview(core, work, record, byGate ? held : 'no consented partner can come')
    if (byGate || record.state !== 'rerouting') continue
    await tellBrand(core, work, {
      type: 'case.no_partner',
      subject: record.case_id,
      // Once for every partner that gave it back, however often it is tried.
      cause: [record.orders],
      data: { caseId: record.case_id, deviceId: record.device_id, component: record.component, orders: record.orders },
    })
  }
}

type AgreedCharge = Parameters<typeof createOrder>[2]['charge']
interface AcceptedAnswer {
  slot: { from: string; to: string }
  shareWith: string[]
  charge: AgreedCharge
}

/** What the home accepted; `null` for an order under a standing consent, whose page came later. */
function acceptedBy(answer: unknown): AcceptedAnswer | null {
  const given = answer as Partial<AcceptedAnswer> | null
  return given?.slot && given.charge && given.shareWith ? (given as AcceptedAnswer) : null
}

/** A time that has passed, or is about to, cannot be promised by somebody new: they agree one with the home. */
function stillAhead(slot: { from: string }, atMs: number): boolean {
  return Date.parse(slot.from) > atMs
}

/** Who repeats another's repair is not the one to pay for it; to the home it is as free as it was. */
function owedBy(charge: AgreedCharge, plan: VisitPlan, partner: AgreementCandidate): AgreedCharge {
  const repairer = plan.facts.find((one) => one.failedRepair !== null)?.failedRepair?.partnerKey
  if (charge.payer !== 'partner' || repairer === partner.partnerKey) return charge
  const { acceptance, ...agreed } = charge
  const moved = { ...agreed, payer: 'brand' as const }
  return { ...moved, acceptance: { method: acceptance.method, sha256: chargeHash(moved) } }
}

/** Under a standing consent nobody clicks: the consent's own method and moment are the acceptance. */
function standingCharge(charge: Parameters<typeof chargeHash>[0], consent: ConsentRecord, atMs: number): AgreedCharge {
  const agreed = { ...charge, acceptedAt: instant(atMs) }
  const method = consent.method === 'page' || consent.method === 'app' ? consent.method : 'signature'
  return { ...agreed, acceptance: { method, sha256: chargeHash(agreed) } }
}
