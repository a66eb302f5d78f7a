import { expect, test } from 'vitest'
import { type AgreementDocument, type EvidenceItem, instant } from '#contracts'
import { thinned } from '../offers/offer-terms.ts'
import { slotsOf } from '../offers/slots.ts'
import { AGREEMENT, DAY, HOUR } from '../testing/world.ts'
import { dataAgeSeconds } from './create-order.ts'
import { type AgreementCandidate, rankPartners, unsuitable, type VisitNeeds } from './partner-choice.ts'
import { priceLines, totalOf } from './price.ts'
import { leadDays } from './visit-parts.ts'
import { type CoverageQuestion, coverageOf } from './warranty.ts'

const needs: VisitNeeds = { region: '310115005', jobs: ['replace-hepa'], skills: ['air-purifier'], certifications: [] }
const candidate = (partnerKey: string, totalMinor: number, document: Partial<AgreementDocument> = {}) => ({
  agreementId: `agr_${partnerKey}`,
  partnerKey,
  partnerName: partnerKey,
  document: { ...AGREEMENT, ...document },
  totalMinor,
  recent: { answered: 0, taken: 0 },
  ratings: null as AgreementCandidate['ratings'],
  changedAtMs: 0,
})

test('who can come: cheapest first, then the most local, then a stable order', () => {
  const ranked = rankPartners(
    [
      candidate('dear', 200, { coverage: ['310115'] }),
      candidate('b-far', 100, { coverage: ['31'] }),
      candidate('a-far', 100, { coverage: ['31'] }),
      candidate('near', 100, { coverage: ['310115'] }),
      candidate('elsewhere', 1, { coverage: ['44'] }),
    ],
    needs,
  )
  expect(ranked.map((one) => one.partnerKey)).toEqual(['near', 'a-far', 'b-far', 'dear'])
})

test('a partner that lets its orders lapse sinks below dearer ones; few answers say nothing', () => {
  const answers = (answered: number, taken: number) => ({ recent: { answered, taken } })
  const rank = (candidates: ReturnType<typeof candidate>[], repairer: string | null = null) =>
    rankPartners(candidates, needs, repairer).map((one) => one.partnerKey)
  const cheap = candidate('cheap', 100)
  const dear = candidate('dear', 200)
  expect(rank([{ ...cheap, ...answers(4, 0) }, dear])).toEqual(['cheap', 'dear'])
  expect(rank([{ ...cheap, ...answers(5, 2) }, dear])).toEqual(['dear', 'cheap'])
  expect(rank([{ ...cheap, ...answers(5, 3) }, dear])).toEqual(['cheap', 'dear'])
  // Both alike: the price decides again. Whoever made the repair that did not hold comes first in any case.
  expect(
    rank([
      { ...cheap, ...answers(9, 0) },
      { ...dear, ...answers(9, 1) },
    ]),
  ).toEqual(['cheap', 'dear'])
  expect(rank([{ ...dear, ...answers(9, 0) }, cheap], 'dear')).toEqual(['dear', 'cheap'])
})

test('whom homes complain of goes after the others; who is well thought of goes first at the same price; few stars say nothing', () => {
  const stars = (count: number, mean: number, solvedShare = 1) => ({
    ratings: { count, attitude: mean, quality: mean, speed: mean, solvedShare },
  })
  const cheap = candidate('cheap', 10_000)
  const dear = candidate('dear', 20_000)
  const rank = (candidates: ReturnType<typeof candidate>[], repairer: string | null = null) =>
    rankPartners(candidates, needs, repairer).map((one) => one.partnerKey)
  expect(rank([{ ...cheap, ...stars(4, 1, 0) }, dear])).toEqual(['cheap', 'dear'])
  expect(rank([{ ...cheap, ...stars(5, 2.9) }, dear])).toEqual(['dear', 'cheap'])
  expect(rank([{ ...cheap, ...stars(5, 5, 0.5) }, dear])).toEqual(['dear', 'cheap'])
  expect(rank([cheap, { ...dear, ...stars(50, 5) }])).toEqual(['cheap', 'dear'])
  expect(rank([cheap, { ...candidate('zz', 10_000), ...stars(5, 4.5) }])).toEqual(['zz', 'cheap'])
  expect(rank([cheap, { ...candidate('zz', 10_000), ...stars(5, 4.4) }])).toEqual(['cheap', 'zz'])
  // Who made the repair that did not hold makes it good, whatever anybody thinks.
  expect(rank([{ ...dear, ...stars(9, 1, 0) }, cheap], 'dear')).toEqual(['dear', 'cheap'])
})

test('at one price the brand’s own choice goes first, who bids last; where the home does not pay, what the brand owes counts', () => {
  const mode = (settlement: AgreementDocument['settlement']) => ({ ...(settlement ? { settlement } : {}) })
  const plain = candidate('plain', 100)
  const named = candidate('zz-named', 100, mode({ mode: 'named', amountMinor: 90 }))
  const bids = candidate('bids', 100, mode({ mode: 'bids', amountMinor: 1 }))
  const owed = candidate('owed', 50, mode({ mode: 'fixed', amountMinor: 500 }))
  const rank = (homePays: boolean) =>
    rankPartners([bids, plain, owed, named], needs, null, homePays).map((one) => one.partnerKey)
  expect(rank(true)).toEqual(['owed', 'zz-named', 'plain', 'bids'])
  expect(rank(false)).toEqual(['zz-named', 'plain', 'owed', 'bids'])
})

test('why somebody cannot', () => {
  expect(unsuitable(AGREEMENT, needs)).toBeNull()
  expect(unsuitable(AGREEMENT, { ...needs, region: null })).toContain('region')
  expect(unsuitable(AGREEMENT, { ...needs, region: '440100' })).toContain('not covered')
  expect(unsuitable({ ...AGREEMENT, services: ['clean'] }, needs)).toContain('replace-hepa')
  expect(unsuitable({ ...AGREEMENT, skills: [] }, needs)).toContain('air-purifier')
  expect(unsuitable(AGREEMENT, { ...needs, certifications: ['gas'] })).toContain('gas')
})

test('the price list: one inspection per visit, parts by quantity, a line for the job before one for all', () => {
  const prices = [
    ...AGREEMENT.prices,
    { kind: 'labour' as const, amountMinor: 5_000 },
    { kind: 'labour' as const, job: 'replace-hepa', amountMinor: 2_000 },
  ]
  const jobs = [
    {
      code: 'replace-hepa',
      parts: [
        { sku: 'HEPA-300', quantity: 2 },
        { sku: 'UNPRICED', quantity: 1 },
      ],
    },
    { code: 'clean', parts: [] },
  ]
  const lines = priceLines({ prices }, jobs)
  expect(lines).toEqual([
    { kind: 'inspection', amountMinor: 3_000 },
    { kind: 'labour', amountMinor: 2_000 },
    { kind: 'part', sku: 'HEPA-300', quantity: 2, amountMinor: 19_800 },
    { kind: 'labour', amountMinor: 5_000 },
  ])
  expect(totalOf(lines)).toBe(29_800)
})

test('who pays', () => {
  const base: CoverageQuestion = {
    product: { warranty: { whole: 'P365D', components: { 'hepa-filter': 'P90D' }, startsAt: 'purchase' } },
    component: 'hepa-filter',
    purchasedAtMs: 0,
    installedAtMs: null,
    extended: null,
    atMs: 80 * DAY,
    rework: null,
  }
  const payer = (change: Partial<CoverageQuestion>) => coverageOf({ ...base, ...change }).payer
  expect(payer({})).toBe('warranty')
  expect(payer({ atMs: 90 * DAY })).toBe('homeowner')
  expect(payer({ atMs: 100 * DAY, component: 'fan' })).toBe('warranty')
  expect(payer({ purchasedAtMs: null })).toBe('homeowner')
  expect(payer({ atMs: 400 * DAY, extended: { until: new Date(500 * DAY).toISOString() } })).toBe('extended_warranty')
  expect(payer({ atMs: 400 * DAY, extended: { until: new Date(500 * DAY).toISOString(), components: ['fan'] } })).toBe(
    'homeowner',
  )
  expect(coverageOf({ ...base, rework: 'own' })).toMatchObject({ payer: 'partner', coverage: 'guarantee' })
})

test('slots lie in the partner’s hours of the home’s zone, after lead time and the part’s arrival', () => {
  const hours = { days: [1, 2, 3, 4, 5], from: '09:00', to: '17:00', slot: 'PT4H', lead: 'PT2H' }
  const atMs = Date.UTC(2026, 5, 5, 2, 0) // Friday, 10:00 in Shanghai
  const slots = slotsOf({ hours }, { atMs, timeZone: 'Asia/Shanghai' })
  expect(slots[0]).toEqual({ from: '2026-06-05T05:00:00.000Z', to: '2026-06-05T09:00:00.000Z' })
  expect(slots[1]?.from).toBe('2026-06-08T01:00:00.000Z')
  expect(slotsOf({ hours }, { atMs, timeZone: 'Asia/Shanghai', partLeadMs: 4 * DAY })[0]?.from).toBe(
    '2026-06-09T05:00:00.000Z',
  )
  expect(slots.every((slot) => Date.parse(slot.to) - Date.parse(slot.from) === 4 * HOUR)).toBe(true)
})

test('the longest matching region prefix says how long a part takes', () => {
  const leads = { '': 7, '31': 2, '310115': 1 }
  expect([
    leadDays(leads, '310115005'),
    leadDays(leads, '310104'),
    leadDays(leads, '440100'),
    leadDays({}, '31'),
  ]).toEqual([1, 2, 7, 0])
})

test('thinning keeps the last sample', () => {
  const points = Array.from({ length: 100 }, (_, i) => i)
  expect(thinned(points, 10)).toHaveLength(10)
  expect(thinned(points, 10).at(-1)).toBe(99)
  expect(thinned([1, 2], 10)).toEqual([1, 2])
  expect(thinned(points, 0)).toEqual([])
})

test('an order that follows its reading at once says that the data is fresh', () => {
  const evidence: Pick<EvidenceItem, 'series'>[] = [
    {
      series: [
        [instant(DAY - 60_000), 240],
        [instant(DAY), 262.1],
      ],
    },
  ]
  expect(dataAgeSeconds(DAY, DAY - 30_000, evidence)).toBe(0)
  expect(dataAgeSeconds(DAY + 41_000, DAY + 10_000, evidence)).toBe(31)
  expect(dataAgeSeconds(DAY, null, [])).toBeNull()
})

test('a care plan pays through the brand, a longer warranty by itself, each for what it names and while it lasts', () => {
  const question: CoverageQuestion = {
    product: {},
    component: 'hepa-filter',
    purchasedAtMs: null,
    installedAtMs: null,
    extended: { until: instant(10 * DAY), kind: 'care_plan', components: ['hepa-filter'] },
    atMs: 9 * DAY,
    rework: null,
  }
  expect(coverageOf(question)).toEqual({ coverage: 'care_plan', payer: 'brand', untilMs: 10 * DAY })
  expect(coverageOf({ ...question, atMs: 10 * DAY }).payer).toBe('homeowner')
  expect(coverageOf({ ...question, component: 'fan' }).payer).toBe('homeowner')
  expect(coverageOf({ ...question, extended: { until: instant(10 * DAY) } }).payer).toBe('extended_warranty')
})
