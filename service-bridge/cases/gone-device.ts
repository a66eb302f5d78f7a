import { CASE_STATES_OVER } from '#contracts'
import { type Core, THE_HUB, type Work } from '../core.ts'
import type { Actor } from '../views.ts'
import type { Happen } from './case-driver.ts'
import { type CaseRecord, lockCases } from './case-record.ts'
import { flagReview } from './review.ts'

/**
 * T21, C21: the device of a need was removed, or stands in another home now. What was asked is taken back, an order
 * is called off and its address closed at once; a repair that was being proven ends with nobody knowing (decision 11).
 */
export async function partFromDevice(
  core: Core,
  happen: Happen,
  work: Work,
  record: CaseRecord,
  by: Actor = THE_HUB,
): Promise<void> {
  const result = await happen(work, [record], 'device_gone', {
    by,
    why: 'the device was removed',
    data: { end: 'unverified', attempt: record.attempts },
  })
  // Somebody is at the door: a person decides what becomes of it.
  if (result.kind !== 'moved' && !CASE_STATES_OVER.has(record.state))
    await flagReview(core, work, record, 'the device was removed')
}

/** All needs of the device, in the transaction in which it leaves: an order whose alert is long over hears of it too. */
export async function deviceGone(
  core: Core,
  happen: Happen,
  work: Work,
  { deviceId, by }: { deviceId: string; by: Actor },
): Promise<void> {
  const live = await work.tx
    .selectFrom('cases')
    .select('case_id')
    .where('brand_id', '=', work.brandId)
    .where('device_id', '=', deviceId)
    .where('state', 'not in', [...CASE_STATES_OVER])
    .execute()
  const cases = await lockCases(
    work,
    live.map((row) => row.case_id),
  )
  for (const record of cases) await partFromDevice(core, happen, work, record, by)
}
