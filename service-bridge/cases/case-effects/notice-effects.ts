import { caseFacts, homeFacts } from '../../facts.ts'
import { informText, offerOfSeveralText, offerText, solvedQuestionText } from '../../notices/notice-texts.ts'
import { requestNotice } from '../../notices/notices.ts'
import { componentName } from '../../notices/plain-words.ts'
import { lockOffer } from '../../offers/offer-record.ts'
import { tellCalledOff, tellProven } from '../../orders/order-news.ts'
import type { CaseBehaviour } from '../case-driver.ts'
import type { CaseRecord } from '../case-record.ts'
import { offerOf } from './offer-changes.ts'
import { ordersOf } from './order-item.ts'

/** What a transition says to the home. */
export const noticeEffects: Pick<
  CaseBehaviour['effects'],
  'askHome' | 'informHome' | 'askSolved' | 'tellProven' | 'tellCalledOff'
> = {
  async askHome(move) {
    const { core, work, cases } = move
    if (move.data.tell === false) return
    const offer = await offerOf(move)
    const home = await homeFacts(work, offer.home_id)
    if (!home) return
    const [need] = offer.terms.needs
    const { name } = need!.device
    const again = move.event !== 'offer_made'
    await requestNotice(core, work, {
      home,
      kind: 'service',
      reasonCode: again ? 'offer_again' : 'offer',
      text:
        offer.terms.needs.length > 1
          ? offerOfSeveralText(offer.terms.needs.length, name, need!.job.title)
          : offerText(name, need!.job.title),
      about: name,
      caseIds: cases.map((record) => record.case_id),
      offer: { id: offer.offer_id, generation: offer.generation },
      sendAfterMs: work.atMs,
      expiresAtMs: offer.expires_at_ms,
      cause: [offer.offer_id, cases[0]!.events],
    })
  },

  async informHome(move) {
    const { core, work, cases } = move
    const [record] = cases as [CaseRecord]
    // Danger was told when it was seen, in fixed words; a second message would only say it less clearly.
    if (record.safety !== null) return
    const home = await homeFacts(work, record.home_id)
    if (!home) return
    const facts = await caseFacts(work, record)
    const device = facts.product?.name ?? { en: record.product_key, 'zh-CN': record.product_key }
    await requestNotice(core, work, {
      home,
      kind: 'service',
      reasonCode: 'inform',
      text: informText({
        device,
        rule: facts.rule ?? { name: componentName(facts.product, record.component) },
        product: facts.product,
        evidence: record.evidence,
        atMs: work.atMs,
      }),
      about: device,
      caseIds: [record.case_id],
      sendAfterMs: work.atMs,
      expiresAtMs: work.atMs + core.policy.offerTtlMs,
      cause: [record.case_id],
    })
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
        text: solvedQuestionText(name, offer !== null),
        caseIds: [record.case_id],
        ...(offer ? { offer: { id: offer.offer_id, generation: offer.generation } } : {}),
        sendAfterMs: work.atMs,
        expiresAtMs: work.atMs + core.policy.offerTtlMs,
        cause: [record.case_id, record.attempts],
      })
    }
  },

  async tellProven({ core, work, cases }) {
    for (const orderId of ordersOf(cases)) {
      await tellProven(core, work, orderId, cases.find((record) => record.work_order_id === orderId)!)
    }
  },

  /** The home knows what it called off itself. */
  async tellCalledOff({ core, work, cases, event, by }) {
    if (event === 'cancelled' && (by.kind === 'brand' || by.kind === 'platform')) await tellCalledOff(core, work, cases)
  },
}
