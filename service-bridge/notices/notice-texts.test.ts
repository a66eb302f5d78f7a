import fc from 'fast-check'
import { expect, test } from 'vitest'
import { NOTICE_CHARACTERS_MAX, type Text } from '#contracts'
import {
  calledOffText,
  charactersOf,
  informText,
  noPartnerText,
  offerOfSeveralText,
  offerText,
  overchargedText,
  partnerComesText,
  partsAwaitedText,
  provenText,
  severalText,
  shortened,
  solvedQuestionText,
  visitMissedText,
} from './notice-texts.ts'
import { SAFETY_TEXTS } from './safety-texts.ts'

/** Names as long as a product document allows, of one and of two UTF-16 units a character. */
const name: fc.Arbitrary<Text> = fc.oneof(
  fc.constantFrom('空气净化器', '𠮷田热水器', 'AP-300').map((zh) => ({ en: 'air purifier', 'zh-CN': zh })),
  fc
    .tuple(fc.integer({ min: 1, max: 500 }), fc.constantFrom('滤', '𠮷', 'x'))
    .map(([length, letter]) => ({ en: 'a name', 'zh-CN': letter.repeat(length) })),
)

/** Each kind of message the hub composes, from whatever names it may meet. */
const COMPOSED: Record<string, fc.Arbitrary<Text>> = {
  offer: fc.tuple(name, name).map(([device, job]) => offerText(device, job)),
  offerOfSeveral: fc.tuple(fc.integer({ min: 2, max: 20 }), name, name).map((args) => offerOfSeveralText(...args)),
  inform: fc.tuple(name, name, fc.double({ noNaN: true })).map(([device, found, value]) =>
    informText({
      device,
      rule: { name: found },
      product: null,
      evidence: [{ metric: 'filter_dp_pa', value, op: '>', limit: 250, unit: 'Pa', sinceMs: 0, series: [] }],
      atMs: 86_400_000 * 400,
    }),
  ),
  several: fc.array(name, { minLength: 1, maxLength: 20 }).map((names) => severalText(names.length, names)),
  solvedQuestion: fc.tuple(name, fc.boolean()).map(([device, page]) => solvedQuestionText(device, page)),
  overcharged: fc
    .tuple(fc.integer({ min: 0, max: 1e12 }), fc.integer({ min: 0, max: 1e12 }), fc.boolean())
    .map((args) => overchargedText(...args)),
  partnerComes: fc.tuple(name, fc.boolean()).map(([partner, page]) => partnerComesText(partner['zh-CN'], page)),
  calledOff: name.map(calledOffText),
  proven: fc.tuple(name, fc.boolean()).map((args) => provenText(...args)),
  visitMissed: fc.boolean().map(visitMissedText),
  partsAwaited: fc.boolean().map(partsAwaitedText),
  noPartner: fc.boolean().map(noPartnerText),
  another: name.map(shortened),
}

test.each(Object.entries(COMPOSED))(
  'a message of kind %s has at most 60 characters, whatever the names in it',
  (_, texts) => {
    fc.assert(
      fc.property(texts, (text) => {
        expect(charactersOf(text['zh-CN'])).toBeLessThanOrEqual(NOTICE_CHARACTERS_MAX)
        // Cut between characters, never within one.
        expect(text['zh-CN'].isWellFormed()).toBe(true)
        expect(text.en).not.toBe('')
      }),
    )
  },
)

test('short names stay whole, long ones lose their ends and nothing else', () => {
  const device = { en: 'air purifier', 'zh-CN': '空气净化器' }
  const job = { en: 'replace the filter', 'zh-CN': '更换滤芯' }
  expect(offerText(device, job)['zh-CN']).toBe('您的空气净化器需要：更换滤芯。点开查看原因、价格与可约时间。')
  const long = offerText({ ...device, 'zh-CN': '净'.repeat(100) }, job)['zh-CN']
  expect(long).toMatch(/^您的净+…需要：更换滤芯。点开查看原因、价格与可约时间。$/)
  expect(charactersOf(long)).toBe(NOTICE_CHARACTERS_MAX)
})

test.each(Object.entries(SAFETY_TEXTS))('the fixed instructions for %s fit, in both languages', (_, text) => {
  expect(charactersOf(text['zh-CN'])).toBeLessThanOrEqual(NOTICE_CHARACTERS_MAX)
  expect(text.en.length).toBeLessThanOrEqual(160)
})
