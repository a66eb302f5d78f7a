import type { Page } from 'playwright-core'
import { type JobView, type OfferView, PARTNER_STATUSES } from '#contracts'
import { acceptedView, jobView, offerView, siteAddress, twoItems, twoNeeds } from './recorded.ts'

/** Every state people can meet on the two pages, each with what has to be pressed to see it. */

export interface Scene {
  name: string
  view: OfferView | JobView | { status: number; code: string }
  /** What is done before looking. */
  before?: (page: Page) => Promise<void>
}

const press = (selector: string) => (page: Page) => page.locator(selector).first().click()
const all = (view: OfferView, change: Partial<OfferView>): OfferView => ({ ...view, ...change })
const DAY_MS = 86_400_000
/** As long as the contract lets names be, and in both languages without a place to break them. */
const LONG = {
  zh: '超长名称用于检验窄屏手机上不会左右滚动也不会盖住别的文字',
  en: 'Thermohygrodynamometerreplacementassembly and further words that go on for quite a while',
}

/** The same view with every text of two languages drawn out; codes and numbers stay. */
function stretched<T>(value: T): T {
  if (Array.isArray(value)) return value.map(stretched) as T
  if (value === null || typeof value !== 'object') return value
  const entries = Object.entries(value)
  const texts = 'zh-CN' in value && 'en' in value
  if (texts) return { 'zh-CN': LONG.zh, en: LONG.en } as T
  return Object.fromEntries(entries.map(([key, it]) => [key, stretched(it)])) as T
}
const later = (view: { now: string }, days: number): string =>
  new Date(Date.parse(view.now) + days * DAY_MS).toISOString()

const base = offerView()
const stop = (view: OfferView): OfferView => all(view, { choices: [...view.choices, 'stop'] })
const quote: NonNullable<OfferView['quote']> = {
  version: 2,
  workOrder: 'wo_00000000000000000000000001',
  currency: 'CNY',
  lines: [
    ...base.charge.lines,
    { kind: 'part', sku: 'FAN-300', name: { en: 'Fan motor', 'zh-CN': '风机电机' }, quantity: 1, amountMinor: 12_000 },
  ],
  agreedMinor: 27_900,
  totalMinor: 39_900,
  reason: '风机轴承磨损，转动有异响，建议一并更换。',
  validUntil: later(base, 1),
  ifDeclined: 'continue',
}
const asked = (change: Partial<typeof quote> = {}): OfferView =>
  all(acceptedView('under_way', { waitingFor: 'quote' }), {
    quote: { ...quote, ...change },
    choices: ['quote', 'report_problem'],
  })
const rated = { attitude: 5, quality: 4, speed: 5, solved: true, at: base.now, changeableUntil: later(base, 7) }
const done = (
  change: Parameters<typeof acceptedView>[1],
  choices: OfferView['choices'] = ['rate', 'report_problem'],
): OfferView => all(acceptedView('followed_up', change), { choices })
const held = { found: '滤网堵塞，已更换', verified: 'verified', solved: null } as const

export const OFFER_SCENES: readonly Scene[] = [
  { name: 'offered', view: stop(base) },
  { name: 'offered-several', view: stop(twoNeeds()) },
  {
    name: 'offered-covered',
    view: all(base, { charge: { ...base.charge, payer: 'warranty', coverage: 'in_warranty', collectedBy: 'brand' } }),
  },
  {
    name: 'offered-shared',
    view: all(base, {
      charge: {
        ...base.charge,
        lines: base.charge.lines.map((line) =>
          line.kind === 'part' ? { ...line, amountMinor: 0, coveredBy: 'warranty' } : line,
        ),
        totalMinor: 8_000,
      },
    }),
  },
  {
    name: 'offered-two-partners',
    view: all(base, {
      partners: [
        ...base.partners,
        { ...base.partners[0]!, key: 'near-home', name: { en: 'Near Home Service', 'zh-CN': '邻里服务站' } },
      ],
    }),
  },
  { name: 'offered-danger', view: all(base, { safety: 'gas', urgency: 'critical' }) },
  { name: 'offered-no-slots', view: all(base, { slots: [] }) },
  {
    name: 'offered-reported',
    view: all(base, {
      needs: [{ ...base.needs[0]!, evidence: [], selfService: null }],
      choices: ['accept', 'snooze', 'decline'],
    }),
  },
  { name: 'choose-self', view: twoNeeds(), before: press('[data-choice=self_service]') },
  { name: 'choose-later', view: base, before: press('[data-choice=snooze]') },
  { name: 'choose-decline', view: twoNeeds(), before: press('[data-choice=decline]') },
  { name: 'choose-stop', view: stop(base), before: press('[data-choice=stop]') },
  {
    name: 'snoozed',
    view: all(base, { state: 'snoozed', snoozedUntil: later(base, 3), choices: ['accept', 'self_service', 'decline'] }),
  },
  { name: 'self', view: all(base, { state: 'self_service', choices: ['accept', 'stop', 'report_problem'] }) },
  {
    name: 'self-after-all',
    view: all(base, { state: 'self_service', choices: ['accept', 'stop', 'report_problem'] }),
    before: press('summary'),
  },
  { name: 'long', view: stretched(twoNeeds()) },
  { name: 'declined', view: all(base, { state: 'declined', choices: ['stop'] }) },
  { name: 'stopped', view: all(base, { state: 'declined', stopped: true, choices: ['resume'] }) },
  {
    name: 'stopped-danger',
    view: all(base, { state: 'declined', stopped: true, safety: 'water_leak', choices: ['resume'] }),
  },
  { name: 'expired', view: all(base, { state: 'expired', choices: [] }) },
  { name: 'withdrawn', view: all(base, { state: 'withdrawn', choices: [] }) },
  { name: 'cancelled', view: all(base, { state: 'cancelled', choices: [] }) },
  { name: 'closed', view: all(base, { state: 'closed', choices: [] }) },
  {
    name: 'received',
    view: all(acceptedView('received', { technician: null, appointment: null }), { choices: ['reschedule', 'cancel'] }),
  },
  { name: 'taken', view: acceptedView('taken') },
  { name: 'taken-moved', view: acceptedView('taken', { requested: base.slots[7]! }) },
  { name: 'choose-time', view: acceptedView('taken'), before: press('[data-choice=reschedule]') },
  { name: 'choose-cancel', view: acceptedView('taken'), before: press('[data-choice=cancel]') },
  { name: 'under-way', view: acceptedView('under_way') },
  {
    name: 'next-partner',
    view: acceptedView('received', { waitingFor: 'partner', technician: null, appointment: null }),
  },
  { name: 'wait-parts', view: acceptedView('under_way', { waitingFor: 'parts', visit: 2, appointment: null }) },
  { name: 'wait-time', view: acceptedView('under_way', { waitingFor: 'appointment', visit: 2, appointment: null }) },
  {
    name: 'apart',
    view: all(acceptedView('taken'), {
      apart: [
        {
          caseId: 'case_00000000000000000000000009',
          device: base.needs[0]!.device,
          component: { key: 'pre-filter', name: { en: 'Pre-filter', 'zh-CN': '初效滤网' } },
          state: 'self_service',
        },
      ],
      choices: ['visit', 'reschedule', 'cancel'],
    }),
  },
  { name: 'quote', view: asked() },
  { name: 'quote-cancels', view: asked({ ifDeclined: 'cancel' }) },
  { name: 'quote-sure', view: asked(), before: press('[data-choice=quote-accept]') },
  {
    name: 'done',
    view: all(acceptedView('done', { result: { found: held.found, verified: null, solved: null } }), {
      choices: ['rate', 'report_problem'],
    }),
  },
  { name: 'overcharged', view: done({ result: held, overcharge: { agreedMinor: 27_900, takenMinor: 35_000 } }) },
  { name: 'verified', view: done({ result: held, rating: rated }) },
  {
    name: 'verified-several',
    view: {
      ...twoNeeds(),
      ...{
        state: 'closed',
        choices: ['report_problem'],
        progress: {
          ...done({ result: held }).progress!,
          results: [
            { caseId: base.needs[0]!.caseId, found: held.found, verified: 'verified' },
            { caseId: twoNeeds().needs[1]!.caseId, found: '进水滤网已清洗', verified: 'not_observed' },
          ],
        },
      },
    },
  },
  { name: 'rate', view: done({ result: held }), before: press('[data-choice=rate]') },
  {
    name: 'solved-asked',
    view: done({ result: { ...held, verified: 'unverified' } }, ['solved', 'rate', 'report_problem']),
  },
  { name: 'solved-yes', view: done({ result: { ...held, verified: 'unverified', solved: true } }) },
  { name: 'solved-no', view: done({ result: { ...held, verified: 'unverified', solved: false } }) },
  { name: 'not-fixed', view: done({ result: { ...held, verified: 'not_fixed' } }) },
  { name: 'not-fixed-danger', view: all(done({ result: { ...held, verified: 'not_fixed' } }), { safety: 'electric' }) },
  { name: 'problem', view: done({ result: held }), before: press('[data-choice=report_problem]') },
  { name: 'gone', view: { status: 410, code: 'GONE' } },
  { name: 'link-ended', view: { status: 410, code: 'OFFER_EXPIRED' } },
  { name: 'erased', view: { status: 404, code: 'NOT_FOUND' } },
  { name: 'busy', view: { status: 503, code: 'STORE_UNAVAILABLE' } },
]

const ON = { siteOpen: true } as const
/** All that a technician may say, but that the order is taken and that its end is disputed. */
const ALL_STATUSES = PARTNER_STATUSES.filter((status) => status !== 'accepted' && status !== 'objected')
/** Done, and the readings do not show it. */
function doubted(): JobView {
  const view = at('completed', { allowed: ['objected'], siteOpen: false })
  return { ...view, doubted: [{ item: view.items[0]!.id, end: 'not_observed', objectUntil: later(view, 3) }] }
}

const after = (status: NonNullable<JobView['status']>): JobView['allowed'] => {
  const order: JobView['allowed'] = ['accepted', 'appointed', 'dispatched', 'en_route', 'arrived', 'completed']
  return ALL_STATUSES.filter(
    (it) => it !== 'rejected' && (!order.includes(it) || order.indexOf(it) > order.indexOf(status)),
  )
}
const at = (status: NonNullable<JobView['status']>, change: Partial<JobView> = {}): JobView =>
  jobView({ status, allowed: after(status), ...ON, ...change })

export const JOB_SCENES: readonly Scene[] = [
  { name: 'long', view: stretched(twoItems()) },
  {
    name: 'second-visit-said',
    view: at('accepted', {
      visit: 2,
      events: [
        { status: 'accepted', visit: 1, at: base.now },
        { status: 'customer_absent', visit: 1, at: base.now },
        { status: 'appointed', visit: 2, at: base.now },
      ],
    }),
    before: press('summary:has-text("进度记录"), summary:has-text("What was reported")'),
  },
  { name: 'new', view: jobView() },
  { name: 'new-several', view: twoItems() },
  {
    name: 'new-urgent',
    view: jobView({
      workOrder: { ...jobView().workOrder, priority: 'urgent', reworkOf: 'wo_00000000000000000000000009' },
    }),
  },
  { name: 'accepted', view: at('accepted') },
  { name: 'address', view: at('accepted'), before: press('[data-address]') },
  {
    name: 'more',
    view: at('en_route'),
    before: press('summary:has-text("其他情况"), summary:has-text("Something else")'),
  },
  { name: 'appoint', view: at('accepted'), before: press('[data-status=appointed]') },
  {
    name: 'reject',
    view: jobView(),
    before: async (page) => {
      await page.locator('section > details summary').first().click()
      await page.locator('[data-status=rejected]').click()
    },
  },
  {
    name: 'reschedule',
    view: at('appointed', { appointment: jobView().workOrder.window.slots[1]! }),
    before: async (page) => {
      await page.locator('section > details summary').first().click()
      await page.locator('[data-status=rescheduled]').click()
    },
  },
  {
    name: 'quote-form',
    view: at('arrived'),
    before: async (page) => {
      await page.locator('section > details summary').first().click()
      await page.locator('[data-status=quoted]').click()
      await page.locator('[data-add=lines]').click()
    },
  },
  {
    name: 'quote-open',
    view: at('quoted', { quote: { version: 2, state: 'open', totalMinor: 39_900, validUntil: later(base, 1) } }),
  },
  {
    name: 'quote-yes',
    view: at('quoted', { quote: { version: 2, state: 'accepted', totalMinor: 39_900, validUntil: later(base, 1) } }),
  },
  { name: 'outcome', view: at('arrived'), before: press('[data-status=completed]') },
  {
    name: 'outcome-other',
    view: at('arrived'),
    before: async (page) => {
      await page.locator('[data-status=completed]').click()
      await page.locator('input[value=other_cause]').check()
      await page.locator('[data-add="i0.parts"]').click()
      await page.locator('input[name=asAgreed]').uncheck()
      await page.locator('input[name="lines.1.amount"]').fill('299')
    },
  },
  {
    name: 'outcome-several',
    view: { ...twoItems(), status: 'arrived', allowed: after('arrived'), siteOpen: true },
    before: press('[data-status=completed]'),
  },
  {
    name: 'second-visit',
    view: at('awaiting_parts', {
      visit: 2,
      allowed: ['appointed', 'rescheduled', 'dispatched', 'en_route', 'arrived', 'cancelled', 'failed'],
    }),
  },
  { name: 'over', view: at('completed', { allowed: [] }) },
  { name: 'doubted', view: doubted() },
  { name: 'objecting', view: doubted(), before: press('[data-status=objected]') },
  { name: 'job-gone', view: { status: 410, code: 'GONE' } },
]

export { siteAddress }
