import type { Text } from '#contracts'
import type { CaseBehaviour } from '../case-driver.ts'
import type { CaseRecord } from '../case-record.ts'
import { caseFacts, homeFacts } from '../facts.ts'
import { requestNotice } from '../notices.ts'
import { lockOffer } from '../offer-record.ts'
import { componentName, whyInPlainWords } from '../plain-words.ts'
import { offerOf } from './offer-changes.ts'

const severalNeeds = (count: number): Text => ({
  'zh-CN': `您家有${count}处需要维护，一次上门即可处理。点开查看原因、价格与可约时间。`,
  en: `${count} things in your home need service; one visit does them all. Open to see why, the price and the times.`,
})

/** What a transition says to the home. */
export const noticeEffects: Pick<CaseBehaviour['effects'], 'askHome' | 'informHome' | 'askSolved'> = {
  async askHome(move) {
    const { core, work, cases } = move
    if (move.data.tell === false) return
    const offer = await offerOf(move)
    const home = await homeFacts(work, offer.home_id)
    if (!home) return
    const [need] = offer.terms.needs
    const title = need!.job.title
    const again = move.event !== 'offer_made'
    await requestNotice(core, work, {
      home,
      kind: 'service',
      reasonCode: again ? 'offer_again' : 'offer',
      text:
        offer.terms.needs.length > 1
          ? severalNeeds(offer.terms.needs.length)
          : {
              'zh-CN': `您的${need!.device.name['zh-CN']}需要：${title['zh-CN']}。点开查看原因、价格与可约时间。`,
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
    // Danger was told when it was seen, in fixed words; a second message would only say it less clearly.
    if (record.safety !== null) return
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
        // Without an offer there is no page to answer on.
        text: offer
          ? {
              'zh-CN': `您的${name['zh-CN']}维修后暂无数据，问题解决了吗？点开告诉我们。`,
              en: `We have no readings of your ${name.en} since the repair. Is it solved? Open to tell us.`,
            }
          : {
              'zh-CN': `您的${name['zh-CN']}维修后暂无数据。若问题未解决，请联系品牌客服。`,
              en: `We have no readings of your ${name.en} since the repair. If it is not solved, please tell the brand.`,
            },
        caseId: record.case_id,
        ...(offer ? { offer: { id: offer.offer_id, generation: offer.generation } } : {}),
        sendAfterMs: work.atMs,
        expiresAtMs: work.atMs + core.policy.offerTtlMs,
        cause: [record.case_id, record.attempts],
      })
    }
  },
}
