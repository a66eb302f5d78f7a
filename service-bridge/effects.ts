import { instant } from '#contracts'
import { derivedId, tokenHash } from '#platform'
import { submitChange } from '#store'
import type { CaseBehaviour, Happen, Move } from './case-driver.ts'
import { type CaseRecord, changeCase, ruleKeysOf } from './case-record.ts'
import { CONSENT_TEXT, SHARED_DATA_KINDS } from './consent-text.ts'
import { type ConsentRecord, consentInForce } from './consents.ts'
import type { Core, Work } from './core.ts'
import { chargeHash, createOrder } from './create-order.ts'
import { caseFacts, homeFacts } from './facts.ts'
import { gateInTheWay } from './gate.ts'
import { offerToken } from './links.ts'
import { requestNotice } from './notices.ts'
import { lockOffer, type OfferRecord } from './offer-record.ts'
import { offerTerms, planVisit } from './offer-terms.ts'
import { tellBrand, tellPartner } from './outgoing.ts'
import { componentName, whyInPlainWords } from './plain-words.ts'
import { RECHECK_MS, SELF_SERVICE_MS } from './policy.ts'
import { flagReview } from './review.ts'
import { clearTimer, setTimer } from './timers.ts'

/**
 * What follows from a transition, by the names the case table uses. `happen` is handed in
 * because an effect may be the next happening: an acceptance becomes an order at once.
 */
export function createEffects(happen: () => Happen): CaseBehaviour['effects'] {
  return {
    async makeOffer(move) {
      const { core, work, cases } = move
      const [first] = cases as [CaseRecord]
      const home = await homeFacts(work, first.home_id)
      const terms = home && (await offerTerms(core, work, cases, home))
      if (!home || !terms) throw new Error(`case ${first.case_id}: an offer was to be made that nobody can fulfil`)
      const offerId = derivedId('of', first.first_episode_id, first.case_id, first.offers + 1)
      const expiresAtMs = work.atMs + core.policy.offerTtlMs
      await work.tx
        .insertInto('offers')
        .values({
          brand_id: work.brandId,
          offer_id: offerId,
          home_id: home.homeId,
          state: 'offered',
          token_hash: tokenHash(offerToken(core, offerId, 1)),
          terms: JSON.stringify(terms),
          created_at_ms: work.atMs,
          expires_at_ms: expiresAtMs,
        })
        .execute()
      for (const record of cases) {
        await work.tx
          .insertInto('offer_items')
          .values({ brand_id: work.brandId, offer_id: offerId, case_id: record.case_id })
          .execute()
        await changeCase(work, record, { offers: record.offers + 1, offer_id: offerId })
      }
      await setTimer(work, 'offer_expiry', offerId, expiresAtMs)
      await tellOffer(move, offerId, 'created')
    },

    async renewOffer(move) {
      const offer = await offerOf(move)
      const expiresAtMs = move.work.atMs + move.core.policy.offerTtlMs
      await changeOffer(move.work, offer.offer_id, {
        state: 'offered',
        snoozed_until_ms: null,
        expires_at_ms: expiresAtMs,
      })
      await setTimer(move.work, 'offer_expiry', offer.offer_id, expiresAtMs)
      await tellOffer(move, offer.offer_id, 'renewed')
    },

    async askHome(move) {
      const { core, work, cases } = move
      const offer = await offerOf(move)
      const home = await homeFacts(work, offer.home_id)
      if (!home) return
      const [need] = offer.terms.needs
      const title = need!.job.title
      const again = move.event === 'snooze_over'
      await requestNotice(core, work, {
        home,
        kind: 'service',
        reasonCode: again ? 'offer_again' : 'offer',
        text: {
          'zh-CN': `您的${need!.device.name['zh-CN']}需要:${title['zh-CN']}。点开查看原因、价格与可约时间。`,
          en: `Your ${need!.device.name.en} needs a visit: ${title.en}. Open to see why, the price and the times.`,
        },
        caseId: cases[0]!.case_id,
        offer: { id: offer.offer_id, generation: offer.generation },
        sendAfterMs: work.atMs,
        expiresAtMs: offer.expires_at_ms,
        cause: [offer.offer_id, cases[0]!.events],
      })
    },

    async informHome(move) {
      const { core, work, cases } = move
      const [record] = cases as [CaseRecord]
      const home = await homeFacts(work, record.home_id)
      if (!home) return
      const facts = await caseFacts(work, record)
      await requestNotice(core, work, {
        home,
        kind: 'service',
        reasonCode: 'inform',
        text: whyInPlainWords({
          rule: facts.rule ?? { name: componentName(facts.product, record.component) },
          product: facts.product,
          evidence: record.evidence,
          atMs: work.atMs,
        }),
        caseId: record.case_id,
        sendAfterMs: work.atMs,
        expiresAtMs: work.atMs + core.policy.offerTtlMs,
        cause: [record.case_id],
      })
    },

    /** The need is gone: what was asked is taken back, unless the offer is about something else too. */
    async withdrawOffer(move) {
      for (const record of move.cases) {
        await clearTimer(move.work, 'settle', record.case_id)
        if (record.offer_id === null) continue
        if ((await endOfferItem(move.work, record)) > 0) continue
        const offer = await lockOffer(move.work, record.offer_id)
        if (offer.state !== 'offered' && offer.state !== 'snoozed') continue
        await endOffer(move.work, offer.offer_id, 'withdrawn')
        await tellOffer(move, offer.offer_id, 'withdrawn')
      }
    },

    async closeOffer(move) {
      const state =
        { declined: 'declined', offer_expired: 'expired', cancelled: 'cancelled' }[move.event as string] ?? 'closed'
      for (const record of move.cases) {
        if (record.offer_id === null) continue
        await clearTimer(move.work, 'place_order', record.case_id)
        if ((await endOfferItem(move.work, record)) > 0) continue
        const offer = await lockOffer(move.work, record.offer_id)
        if (['declined', 'expired', 'withdrawn', 'cancelled', 'closed'].includes(offer.state)) continue
        await endOffer(move.work, offer.offer_id, state as OfferRecord['state'])
        await tellOffer(move, offer.offer_id, state)
      }
    },

    async watchSignal(move) {
      for (const record of move.cases) {
        await changeCase(move.work, record, { self_services: record.self_services + 1 })
        await watch(move, record, false)
        await setTimer(move.work, 'self_service', record.case_id, move.work.atMs + SELF_SERVICE_MS)
      }
    },

    async stopWatching(move) {
      for (const record of move.cases) {
        await clearTimer(move.work, 'self_service', record.case_id)
        await clearTimer(move.work, 'verification', record.case_id)
        // An end that came from the evaluator needs no cancelling; one by the clock does.
        if (move.data.end !== undefined && move.by.id !== 'timer') continue
        await change(move, `stop watching ${record.attempts}`, record, {
          type: 'verification.cancelled',
          caseId: record.case_id,
          deviceId: record.device_id,
          component: record.component,
        })
      }
    },

    /** One record per recipient, naming it, in the words the home was shown. */
    async recordConsent(move) {
      const { work, data, cases } = move
      const offer = await offerOf(move)
      const home = await homeFacts(work, offer.home_id)
      for (const partnerKey of data.accept!.shareWith) {
        const name = offer.terms.partners.find((partner) => partner.key === partnerKey)?.name
        await work.tx
          .insertInto('consents')
          .values({
            brand_id: work.brandId,
            consent_id: derivedId('cons', offer.offer_id, partnerKey, cases[0]!.offers),
            home_id: offer.home_id,
            purpose: 'share',
            granted: true,
            at_ms: work.atMs,
            given_by: home?.decider ?? 'owner',
            method: data.accept!.method,
            text_version: CONSENT_TEXT.version,
            text_sha256: CONSENT_TEXT.sha256,
            recipient_key: partnerKey,
            recipient_name: name?.['zh-CN'] ?? partnerKey,
            data_kinds: [...SHARED_DATA_KINDS],
            subject: offer.offer_id,
            created_at_ms: work.atMs,
          })
          .onConflict((conflict) => conflict.doNothing())
          .execute()
      }
    },

    /** Kept with the offer at acceptance, with the order from then on; a trigger keeps it as it is. */
    async freezeCharge(move) {
      const { work, data } = move
      if (!data.accept || data.offerId === undefined) return
      const offer = await offerOf(move)
      const agreed = { ...offer.terms.charge, acceptedAt: instant(work.atMs) }
      const charge = { ...agreed, acceptance: { method: data.accept.method, sha256: chargeHash(agreed) } }
      await changeOffer(work, offer.offer_id, {
        state: 'accepted',
        answered_at_ms: work.atMs,
        snoozed_until_ms: null,
        answer: JSON.stringify({ slot: data.accept.slot, shareWith: data.accept.shareWith, charge }),
      })
      await clearTimer(work, 'offer_expiry', offer.offer_id)
      for (const record of move.cases) await clearTimer(work, 'snooze', record.case_id)
      await tellOffer(move, offer.offer_id, 'accepted')
    },

    async placeOrder(move) {
      await placeOrder(move.core, move.work, move.cases, happen())
    },

    async cancelOrder(move) {
      const { work } = move
      for (const orderId of ordersOf(move.cases)) {
        const order = await work.tx
          .updateTable('work_orders')
          .set({ state: 'cancelled', closed_at_ms: work.atMs })
          .where('brand_id', '=', work.brandId)
          .where('work_order_id', '=', orderId)
          .where('closed_at_ms', 'is', null)
          .returning(['partner_key', 'number'])
          .executeTakeFirst()
        await endItems(work, orderId, move.cases)
        await clearTimer(work, 'accept_by', orderId)
        if (!order) continue
        const telling = {
          type: 'work_order.cancelled',
          subject: orderId,
          cause: [],
          data: { workOrderId: orderId, number: order.number, by: move.by.kind, reason: move.why },
        }
        await tellPartner(work, order.partner_key, telling)
        await tellBrand(move.core, work, telling)
      }
    },

    /** The address hangs on the order's state: closed by cancelling, it is gone for its partner at once. */
    async closeAddress(move) {
      for (const orderId of ordersOf(move.cases)) {
        await move.work.tx
          .updateTable('work_orders')
          .set({ job_expires_at_ms: move.work.atMs })
          .where('brand_id', '=', move.work.brandId)
          .where('work_order_id', '=', orderId)
          .execute()
      }
    },

    /** Each item's verdict and parts; the last one ends the order. */
    async closeOrder(move) {
      const { work, data } = move
      for (const record of move.cases) {
        const item = await itemOf(work, record)
        if (!item) continue
        const said = data.outcome?.items.find((one) => one.item === item)
        await work.tx
          .updateTable('order_items')
          .set({
            live: false,
            finished_at_ms: work.atMs,
            verdict: said?.verdict ?? null,
            cause: said?.cause ?? null,
            parts: said?.partsUsed?.map((part) => part.sku) ?? [],
          })
          .where('brand_id', '=', work.brandId)
          .where('item_id', '=', item)
          .execute()
      }
      for (const orderId of ordersOf(move.cases)) await clearTimer(work, 'accept_by', orderId)
    },

    async resetComponent(move) {
      for (const record of move.cases) {
        const bySelf = record.work_order_id === null || move.data.outcome === undefined
        const item = bySelf ? null : await itemOf(move.work, record)
        const said = move.data.outcome?.items.find((one) => one.item === item)
        if (!bySelf && (said?.partsUsed?.length ?? 0) === 0) continue
        await change(move, `reset ${record.orders} ${record.attempts}`, record, {
          type: 'component.reset',
          deviceId: record.device_id,
          component: record.component,
          atMs: move.work.atMs,
          source: bySelf ? 'homeowner' : 'technician',
          caseId: record.case_id,
        })
      }
    },

    async recordOutcome(move) {
      for (const record of move.cases) {
        const item = await itemOf(move.work, record)
        const said = move.data.outcome?.items.find((one) => one.item === item)
        if (!said) continue
        await change(move, `outcome ${record.orders}`, record, {
          type: 'technician.outcome',
          caseId: record.case_id,
          deviceId: record.device_id,
          component: record.component,
          verdict: said.verdict,
          cause: said.cause ?? null,
          ruleKeys: await ruleKeysOf(move.work, record),
          atMs: move.work.atMs,
        })
      }
    },

    async startVerification(move) {
      for (const record of move.cases) {
        const item = await itemOf(move.work, record)
        const said = move.data.outcome?.items.find((one) => one.item === item)
        await watch(move, record, (said?.partsUsed?.length ?? 0) > 0)
        await setTimer(move.work, 'verification', record.case_id, move.work.atMs + move.core.policy.verificationMs)
      }
    },

    /** Brand and partner learn how the repair turned out; the item keeps it for the appliance's history. */
    async tellVerdict(move) {
      const { core, work, data } = move
      const end = data.end
      for (const record of move.cases) {
        if (end === undefined || end === 'no_fault_found' || record.work_order_id === null) continue
        const order = await work.tx
          .selectFrom('work_orders')
          .select(['partner_key', 'number'])
          .where('brand_id', '=', work.brandId)
          .where('work_order_id', '=', record.work_order_id)
          .executeTakeFirst()
        await work.tx
          .updateTable('order_items')
          .set({ verified: end })
          .where('brand_id', '=', work.brandId)
          .where('work_order_id', '=', record.work_order_id)
          .where('case_id', '=', record.case_id)
          .execute()
        if (end === 'verified') await releaseLatches(move, record)
        if (!order) continue
        const telling = {
          type: `work_order.${end}`,
          subject: record.work_order_id,
          cause: [record.case_id, record.attempts],
          data: {
            workOrderId: record.work_order_id,
            number: order.number,
            caseId: record.case_id,
            component: record.component,
            attempt: record.attempts,
          },
        }
        await tellPartner(work, order.partner_key, telling)
        await tellBrand(core, work, telling)
      }
    },

    async askSolved(move) {
      const { core, work } = move
      for (const record of move.cases) {
        const home = await homeFacts(work, record.home_id)
        if (!home) continue
        const facts = await caseFacts(work, record)
        const name = facts.product?.name ?? { en: record.product_key, 'zh-CN': record.product_key }
        const offer = record.offer_id === null ? null : await lockOffer(work, record.offer_id)
        await requestNotice(core, work, {
          home,
          kind: 'service',
          reasonCode: 'solved_question',
          text: {
            'zh-CN': `您的${name['zh-CN']}维修后暂无数据,问题解决了吗?点开告诉我们。`,
            en: `We have no readings of your ${name.en} since the repair. Is it solved? Open to tell us.`,
          },
          caseId: record.case_id,
          ...(offer ? { offer: { id: offer.offer_id, generation: offer.generation } } : {}),
          sendAfterMs: work.atMs,
          expiresAtMs: work.atMs + core.policy.offerTtlMs,
          cause: [record.case_id, record.attempts],
        })
      }
    },

    async settleAgain(move) {
      for (const record of move.cases) {
        await setTimer(move.work, 'settle', record.case_id, move.work.atMs + move.core.policy.settleMs)
      }
    },

    async flagReview(move) {
      for (const record of move.cases) {
        await flagReview(move.core, move.work, record, move.why ?? 'its alert ended while an order is out')
      }
    },
  }
}

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
  let gated = false
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
    await setTimer(work, 'place_order', first.case_id, work.atMs + RECHECK_MS, waitsFor)
    for (const record of cases)
      await flagReview(core, work, record, waitsFor ? 'a gate holds the order' : 'no consented partner can come')
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

function ordersOf(cases: readonly CaseRecord[]): string[] {
  return [...new Set(cases.flatMap((record) => (record.work_order_id === null ? [] : [record.work_order_id])))]
}

async function itemOf(work: Work, record: CaseRecord): Promise<string | null> {
  if (record.work_order_id === null) return null
  const row = await work.tx
    .selectFrom('order_items')
    .select('item_id')
    .where('brand_id', '=', work.brandId)
    .where('work_order_id', '=', record.work_order_id)
    .where('case_id', '=', record.case_id)
    .executeTakeFirst()
  return row?.item_id ?? null
}

async function endItems(work: Work, orderId: string, cases: readonly CaseRecord[]): Promise<void> {
  await work.tx
    .updateTable('order_items')
    .set({ live: false })
    .where('brand_id', '=', work.brandId)
    .where('work_order_id', '=', orderId)
    .where(
      'case_id',
      'in',
      cases.map((record) => record.case_id),
    )
    .execute()
}

async function offerOf(move: Move): Promise<OfferRecord> {
  const offerId = move.data.offerId ?? move.cases[0]?.offer_id
  if (!offerId) throw new Error(`${move.event}: the case has no offer`)
  return lockOffer(move.work, offerId)
}

export async function changeOffer(
  work: Work,
  offerId: string,
  change: {
    state?: OfferRecord['state']
    snoozed_until_ms?: number | null
    expires_at_ms?: number
    answered_at_ms?: number
    answer?: string
  },
): Promise<void> {
  await work.tx
    .updateTable('offers')
    .set(change)
    .where('brand_id', '=', work.brandId)
    .where('offer_id', '=', offerId)
    .execute()
}

async function endOffer(work: Work, offerId: string, state: OfferRecord['state']): Promise<void> {
  await changeOffer(work, offerId, { state, snoozed_until_ms: null })
  await clearTimer(work, 'offer_expiry', offerId)
  await clearTimer(work, 'snooze', offerId)
}

/** Ends the case's part in its offer; how many other live parts the offer still has. */
async function endOfferItem(work: Work, record: CaseRecord): Promise<number> {
  await work.tx
    .updateTable('offer_items')
    .set({ live: false })
    .where('brand_id', '=', work.brandId)
    .where('offer_id', '=', record.offer_id!)
    .where('case_id', '=', record.case_id)
    .execute()
  const left = await work.tx
    .selectFrom('offer_items')
    .select('case_id')
    .where('brand_id', '=', work.brandId)
    .where('offer_id', '=', record.offer_id!)
    .where('live', '=', true)
    .execute()
  return left.length
}

async function tellOffer(move: Move, offerId: string, what: string): Promise<void> {
  await tellBrand(move.core, move.work, {
    type: `offer.${what}`,
    subject: offerId,
    cause: [move.cases[0]!.events],
    data: { offerId, cases: move.cases.map((record) => record.case_id), by: move.by.kind, why: move.why },
  })
}

/** Starts the evaluator's watch over the component's recovery condition. */
async function watch(move: Move, record: CaseRecord, partReplaced: boolean): Promise<void> {
  const attempt = record.attempts + 1
  await changeCase(move.work, record, { attempts: attempt })
  await change(move, `watch ${attempt}`, record, {
    type: 'verification.started',
    caseId: record.case_id,
    deviceId: record.device_id,
    component: record.component,
    attempt,
    repairedAtMs: move.work.atMs,
    partReplaced,
  })
}

/** A repair without a new part leaves latched alerts behind; proven, they are let go. */
async function releaseLatches(move: Move, record: CaseRecord): Promise<void> {
  const open = await move.work.tx
    .selectFrom('case_episodes')
    .select('episode_id')
    .where('brand_id', '=', move.work.brandId)
    .where('case_id', '=', record.case_id)
    .where('resolved_at_ms', 'is', null)
    .execute()
  for (const { episode_id } of open) {
    await change(move, `release ${episode_id}`, record, {
      type: 'alert.dismissed',
      episodeId: episode_id,
      deviceId: record.device_id,
      reason: 'repair verified',
    })
  }
}

async function change(
  move: Move,
  cause: string,
  record: CaseRecord,
  controlChange: Parameters<typeof submitChange>[1]['change'],
): Promise<void> {
  move.work.control = true
  await submitChange(move.work.tx, {
    brandId: move.work.brandId,
    change: controlChange,
    changeId: derivedId('chg', record.case_id, controlChange.type, cause),
    nowMs: move.work.atMs,
  })
}
