import type { Happen } from '../cases/case-driver.ts'
import { lockCases } from '../cases/case-record.ts'
import { flagOrderReview } from '../cases/review.ts'
import type { Core, Work } from '../core.ts'
import { liveCases } from '../orders/order-record.ts'
import { wakeTimers } from '../timers.ts'
import type { Actor } from '../views.ts'
import { type ConsentRecord, consentInForce, holds } from './consents.ts'

/**
 * What a home's new word means for what is under way, in the transaction of that word. The
 * address needs nothing done here: every fetch asks for the consent again.
 */
export async function consentChanged(
  core: Core,
  happen: Happen,
  work: Work,
  where: { homeId: string; by: Actor },
): Promise<void> {
  await callOffOrders(core, happen, work, where)
  await callOffWaiting(happen, work, where)
  await wakeTimers(work, 'partner')
  const contact = await consentInForce(work, { homeId: where.homeId, purpose: 'contact' })
  if (contact) await wakeTimers(work, 'consent')
  else await takeBackOffers(happen, work, where)
}

/** C21: orders whose partner may no longer know the address; someone at the door finishes, and a person looks. */
async function callOffOrders(
  core: Core,
  happen: Happen,
  work: Work,
  where: { homeId: string; by: Actor },
): Promise<void> {
  const orders = await work.tx
    .selectFrom('work_orders')
    .select(['work_order_id', 'consent_id', 'partner_key'])
    .where('brand_id', '=', work.brandId)
    .where('home_id', '=', where.homeId)
    .where('closed_at_ms', 'is', null)
    .orderBy('work_order_id')
    .execute()
  for (const order of orders) {
    const consent = await work.tx
      .selectFrom('consents')
      .selectAll()
      .where('brand_id', '=', work.brandId)
      .where('consent_id', '=', order.consent_id)
      .executeTakeFirstOrThrow()
    if (holds(consent, work.atMs) && !(await takenBack(work, where.homeId, order.partner_key, consent))) continue
    const cases = await liveCases(work, order.work_order_id)
    const result = await happen(work, cases, 'cancelled', { by: where.by, why: 'consent withdrawn' })
    if (result.kind !== 'moved')
      await flagOrderReview(core, work, order.work_order_id, 'consent withdrawn during the visit')
  }
}

/** A later no of the home to this partner counts as much as its first yes withdrawn. */
export async function takenBack(
  work: Work,
  homeId: string,
  partnerKey: string,
  consent: Pick<ConsentRecord, 'at_ms'>,
): Promise<boolean> {
  const no = await work.tx
    .selectFrom('consents')
    .select('consent_id')
    .where('brand_id', '=', work.brandId)
    .where('home_id', '=', homeId)
    .where('purpose', '=', 'share')
    .where('recipient_key', '=', partnerKey)
    .where('at_ms', '>', consent.at_ms)
    .where('granted', '=', false)
    .executeTakeFirst()
  return no !== undefined
}

/** C21: accepted needs nobody has an order for yet. When none of those named may know the address any more, nobody is to come. */
async function callOffWaiting(happen: Happen, work: Work, where: { homeId: string; by: Actor }): Promise<void> {
  const waiting = await work.tx
    .selectFrom('cases')
    .select('case_id')
    .where('brand_id', '=', work.brandId)
    .where('home_id', '=', where.homeId)
    .where('state', 'in', ['accepted', 'rerouting'])
    .execute()
  if (waiting.length === 0) return
  const shared = await work.tx
    .selectFrom('consents')
    .select('recipient_key')
    .distinct()
    .where('brand_id', '=', work.brandId)
    .where('home_id', '=', where.homeId)
    .where('purpose', '=', 'share')
    .where('granted', '=', true)
    .execute()
  for (const { recipient_key } of shared) {
    if (recipient_key === null) continue
    const question = { homeId: where.homeId, purpose: 'share', recipientKey: recipient_key } as const
    if (await consentInForce(work, question)) return
  }
  for (const record of await lockCases(
    work,
    waiting.map((row) => row.case_id),
  )) {
    await happen(work, [record], 'cancelled', { by: where.by, why: 'consent withdrawn' })
  }
}

/** Nobody is asked any more: open questions are taken back, and the needs end. */
async function takeBackOffers(happen: Happen, work: Work, where: { homeId: string; by: Actor }): Promise<void> {
  const asked = await work.tx
    .selectFrom('cases')
    .select('case_id')
    .where('brand_id', '=', work.brandId)
    .where('home_id', '=', where.homeId)
    .where('state', 'in', ['offered', 'snoozed'])
    .execute()
  for (const record of await lockCases(
    work,
    asked.map((row) => row.case_id),
  )) {
    await happen(work, [record], 'cancelled', { by: where.by, why: 'contact consent withdrawn' })
  }
}
