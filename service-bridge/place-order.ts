import { instant } from '#contracts'
import type { Happen } from './case-driver.ts'
import type { CaseRecord } from './case-record.ts'
import { type ConsentRecord, consentInForce } from './consents.ts'
import type { Core, Work } from './core.ts'
import { chargeHash, createOrder } from './create-order.ts'
import { gateInTheWay } from './gate.ts'
import { lockOffer } from './offer-record.ts'
import { planVisit } from './offer-terms.ts'
import { RECHECK_MS } from './policy.ts'
import { flagReview } from './review.ts'
import { ruleStandsBehind } from './rule-force.ts'
import { setTimer } from './timers.ts'

/**
 * C9: the first partner in rank that may know the address gets the order. When none can, the
 * cases stay accepted, a person is told, and it is tried again.
 */
export async function placeOrder(core: Core, work: Work, cases: readonly CaseRecord[], happen: Happen): Promise<void> {
  const [first] = cases
  if (!first || first.home_id === null) return
  const plan = await planVisit(core, work, cases)
  const offer = first.offer_id === null ? null : await lockOffer(work, first.offer_id)
  const accepted = offer?.state === 'accepted' ? (offer.answer as AcceptedAnswer | null) : null
  let chosen: { partner: (typeof plan.candidates)[number]; consent: ConsentRecord } | null = null
  let gated = plan.gated
  for (const partner of plan.candidates) {
    if (accepted && !accepted.shareWith.includes(partner.partnerKey)) continue
    const consent = await consentInForce(work, {
      homeId: first.home_id,
      purpose: 'share',
      recipientKey: partner.partnerKey,
      standingOnly: accepted === null,
    })
    if (!consent) continue
    if (await gateInTheWay(work.tx, { brandId: work.brandId, partnerKey: partner.partnerKey })) {
      gated = true
      continue
    }
    chosen = { partner, consent }
    break
  }
  const result = chosen && (await happen(work, cases, 'ordered', { why: `partner ${chosen.partner.partnerKey}` }))
  if (!chosen || result?.kind !== 'moved') {
    const waitsFor =
      gated || (result?.kind === 'unmet' && result.unmet.some((one) => one.guard === 'gateOpen')) ? 'gate' : null
    await setTimer(work, 'place_order', first.case_id, work.atMs + RECHECK_MS, waitsFor, first.updated_at_ms)
    const held = (await ruleStandsBehind(work, cases)) ? 'a gate holds the order' : 'the rule is out of force'
    for (const record of cases) await flagReview(core, work, record, waitsFor ? held : 'no consented partner can come')
    return
  }
  const agreed = accepted?.charge ?? standingCharge(plan.charge!, chosen.consent, work.atMs)
  await createOrder(core, work, {
    cases,
    plan,
    partner: chosen.partner,
    consent: chosen.consent,
    charge: agreed,
    slots: accepted ? [accepted.slot] : [],
    offerId: accepted ? offer!.offer_id : null,
  })
}

type AgreedCharge = Parameters<typeof createOrder>[2]['charge']
interface AcceptedAnswer {
  slot: { from: string; to: string }
  shareWith: string[]
  charge: AgreedCharge
}

/** Under a standing consent nobody clicks: the consent's own method and moment are the acceptance. */
function standingCharge(charge: Parameters<typeof chargeHash>[0], consent: ConsentRecord, atMs: number): AgreedCharge {
  const agreed = { ...charge, acceptedAt: instant(atMs) }
  const method = consent.method === 'page' || consent.method === 'app' ? consent.method : 'signature'
  return { ...agreed, acceptance: { method, sha256: chargeHash(agreed) } }
}
