import type { Happen } from './case-driver.ts'
import { lockCases } from './case-record.ts'
import { consentInForce, holds } from './consents.ts'
import type { Core, Work } from './core.ts'
import { flagOrderReview } from './review.ts'
import { wakeTimers } from './timers.ts'
import type { Actor } from './views.ts'

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
    .select(['work_order_id', 'consent_id'])
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
    if (holds(consent, work.atMs)) continue
    const items = await work.tx
      .selectFrom('order_items')
      .select('case_id')
      .where('brand_id', '=', work.brandId)
      .where('work_order_id', '=', order.work_order_id)
      .where('live', '=', true)
      .execute()
    const cases = await lockCases(
      work,
      items.map((item) => item.case_id),
    )
    const result = await happen(work, cases, 'cancelled', { by: where.by, why: 'consent withdrawn' })
    if (result.kind !== 'moved')
      await flagOrderReview(core, work, order.work_order_id, 'consent withdrawn during the visit')
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
