import type { Dispatch } from '#store'
import type { Core, Work } from '../core.ts'
import { lockHome, unansweredOffer, worthTelling } from '../offers/offer-bundle.ts'
import { casesOfOffer, type OfferRecord } from '../offers/offer-record.ts'
import { OFFER_NEEDS_MAX, RECHECK_MS } from '../policy.ts'
import { setTimer, type WaitsFor } from '../timers.ts'
import type { Happen, MoveResult } from './case-driver.ts'
import { type CaseRecord, lockCase, lockCases } from './case-record.ts'
import type { CaseGuard } from './case-words.ts'
import { holdOver } from './fleet-holds.ts'
import { flagReview } from './review.ts'
import { settleMsOf } from './settling.ts'

/** Unmet guards that a person has to do something about; the others pass with time. */
const NEEDS_A_PERSON: Partial<Record<CaseGuard, string>> = {
  homeKnown: 'the device stands in no known home',
  contactConsent: 'the home has not agreed to be contacted',
  partnerAvailable: 'no agreement covers this job in this region',
}

const by = { kind: 'hub', id: 'timer' } as const

/**
 * C3, C4, C5: a need has had time to show what else the home needs, and whether the whole fleet has it. It is held,
 * told, dispatched, taken into the offer the home has, or offered together with what else has settled in that home.
 */
export async function settle(core: Core, work: Work, caseId: string, happen: Happen): Promise<void> {
  const homeId = await homeOfCase(work, caseId)
  if (homeId !== null) await lockHome(work, homeId)
  const record = await lockCase(work, caseId)
  if (record?.state !== 'open') return
  const hold = await holdOver(work, record)
  if (hold) {
    await happen(work, [record], 'storm_held', { why: `fleet hold ${hold.hold_id}`, data: { holdId: hold.hold_id } })
    return
  }
  if (record.dispatch === 'auto') {
    const result = await dispatch(core, work, record, happen)
    if (result === 'later' || result.kind === 'moved') return
    // Without a standing consent the home is asked like any other.
    const others = result.kind === 'unmet' ? result.unmet.filter((one) => one.guard !== 'standingShareConsent') : []
    if (others.length > 0) return waitFor(core, work, record, result)
  }
  if (record.dispatch === 'notify') return waitFor(core, work, record, await happen(work, [record], 'informed', { by }))
  const asked = homeId === null ? null : await unansweredOffer(work, homeId)
  if (asked) {
    const joined = await joinOffer(work, record, asked, happen)
    if (joined.kind === 'moved') return
    // One that does not fit waits for the answer, unless it is too urgent to (`noOtherOffer`).
    const onlyUnfit = joined.kind === 'unmet' && joined.unmet.every((one) => one.guard === 'fitsOffer')
    if (!onlyUnfit) return waitFor(core, work, record, joined)
  }
  const bundle = asked ? [record] : await settledWith(core, work, record, 'offer')
  if (bundle === 'later') return
  if (bundle.length > 1) {
    const together = await happen(work, bundle, 'offer_made', { by })
    if (together.kind === 'moved') return
  }
  await waitFor(core, work, record, await happen(work, [record], 'offer_made', { by }))
}

/** C5: ordered without a question, in one visit with what else of the home may be; `later` while that still settles. */
async function dispatch(
  core: Core,
  work: Work,
  record: CaseRecord,
  happen: Happen,
): Promise<'later' | Exclude<MoveResult, { kind: 'refused' }>> {
  const bundle = await settledWith(core, work, record, 'auto')
  if (bundle === 'later') return 'later'
  if (bundle.length > 1) {
    const together = await happen(work, bundle, 'auto_dispatched', { by })
    if (together.kind === 'moved') return together
  }
  const alone = await happen(work, [record], 'auto_dispatched', { by })
  if (alone.kind === 'refused') throw new Error(`case ${record.case_id}: open and not to be dispatched`)
  return alone
}

/** The need with those of its home that have settled too and are dispatched alike; `later` when more of them soon will have. */
async function settledWith(
  core: Core,
  work: Work,
  record: CaseRecord,
  dispatch: Dispatch,
): Promise<CaseRecord[] | 'later'> {
  const others = await othersOf(work, record, dispatch)
  const laterMs = await worthWaiting(core, work, record, others)
  if (laterMs !== null) {
    await setTimer(work, 'settle', record.case_id, laterMs, null, record.opened_at_ms)
    return 'later'
  }
  const ready = others.filter((one) => one.dueAtMs <= work.atMs).map((one) => one.caseId)
  if (ready.length === 0) return [record]
  return (await lockCases(work, [record.case_id, ...ready].slice(0, OFFER_NEEDS_MAX))).filter(
    (one) => one.state === 'open' && one.home_id === record.home_id,
  )
}

async function homeOfCase(work: Work, caseId: string): Promise<string | null> {
  const row = await work.tx
    .selectFrom('cases')
    .select('home_id')
    .where('brand_id', '=', work.brandId)
    .where('case_id', '=', caseId)
    .executeTakeFirst()
  return row?.home_id ?? null
}

/** Into the offer that waits for an answer; one that sleeps is woken by what is worse than all it asks for. */
async function joinOffer(work: Work, record: CaseRecord, offer: OfferRecord, happen: Happen): Promise<MoveResult> {
  const data = { offerId: offer.offer_id }
  const tell = worthTelling(offer, [record])
  if (offer.state === 'snoozed' && !tell) return happen(work, [record], 'joined_asleep', { by, data })
  const joined = await happen(work, [record], 'offer_joined', { by, data: { ...data, tell } })
  if (joined.kind !== 'moved' || offer.state !== 'snoozed') return joined
  const asleep = (await casesOfOffer(work, offer.offer_id)).filter((one) => one.state === 'snoozed')
  await happen(work, asleep, 'snooze_over', {
    by,
    why: 'something more urgent came up',
    data: { ...data, tell: false },
  })
  return joined
}

interface Settling {
  caseId: string
  dueAtMs: number
}

/** What else of this home is settling and would be dispatched in this way. */
async function othersOf(work: Work, record: CaseRecord, dispatch: Dispatch): Promise<Settling[]> {
  if (record.home_id === null) return []
  const rows = await work.tx
    .selectFrom('cases')
    .innerJoin('timers', (join) =>
      join
        .onRef('timers.brand_id', '=', 'cases.brand_id')
        .onRef('timers.subject', '=', 'cases.case_id')
        .on('timers.kind', '=', 'settle'),
    )
    .select(['cases.case_id', 'timers.due_at_ms'])
    .where('cases.brand_id', '=', work.brandId)
    .where('cases.home_id', '=', record.home_id)
    .where('cases.state', '=', 'open')
    .where('cases.dispatch', '=', dispatch)
    .where('cases.case_id', '<>', record.case_id)
    .orderBy('cases.opened_at_ms')
    .orderBy('cases.case_id')
    .execute()
  return rows.map((row) => ({ caseId: row.case_id, dueAtMs: row.due_at_ms }))
}

/** When what else is settling in this home will have settled, if that is soon; nobody waits for it twice its own time. */
async function worthWaiting(
  core: Core,
  work: Work,
  record: CaseRecord,
  others: readonly Settling[],
): Promise<number | null> {
  const settleMs = await settleMsOf(core, work, record.rule_key)
  if (settleMs === 0 || record.safety !== null || record.wanted) return null
  const untilMs = Math.min(work.atMs, record.opened_at_ms + settleMs) + settleMs
  const soon = others.map((one) => one.dueAtMs).filter((dueMs) => dueMs > work.atMs && dueMs <= untilMs)
  return soon.length > 0 ? Math.max(...soon) : null
}

type Unmet = Extract<MoveResult, { kind: 'unmet' }>

/** The time at which all unmet guards may hold: the latest of their answers. */
export function again(work: Work, result: Unmet): { againAtMs: number; waitsFor: WaitsFor | null } {
  const times = result.unmet.map((one) => one.answer.againAtMs ?? work.atMs + RECHECK_MS)
  return {
    againAtMs: Math.max(...times),
    waitsFor: result.unmet.find((one) => one.answer.waitsFor !== null)?.answer.waitsFor ?? null,
  }
}

async function waitFor(core: Core, work: Work, record: CaseRecord, result: MoveResult): Promise<void> {
  if (result.kind !== 'unmet') return
  const { againAtMs, waitsFor } = again(work, result)
  await setTimer(work, 'settle', record.case_id, againAtMs, waitsFor, record.opened_at_ms)
  const reason = result.unmet.map((one) => NEEDS_A_PERSON[one.guard]).find((words) => words !== undefined)
  if (reason) await flagReview(core, work, record, reason)
}
