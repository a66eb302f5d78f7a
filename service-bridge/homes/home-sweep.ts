import { sql } from 'kysely'
import { EVENT_TYPE_PREFIX } from '#contracts'
import type { Work } from '../core.ts'
import { dropWords } from '../orders/order-words.ts'

/**
 * Everything a home left in the hub's tables, taken away. One function per kind of trace; each says how many rows it
 * changed or removed, so that the report is counted and not claimed. What stays is named beside each: what proves a
 * consent or a payment stays, without a person in it, and so does what the appliance measured.
 *
 * A test names every table with a `home_id` and every one that hangs on a home: a new one fails it until it is here.
 */

export interface TracesOfHome {
  homeId: string
  caseIds: string[]
  /** Orders that are over; one still under way keeps its link and its people until it ends or the day is over. */
  orderIds: string[]
  /** Subjects of events about this home. */
  subjects: string[]
}

type Sweep = (work: Work, home: TracesOfHome) => Promise<bigint | number>

/** What a receiver must still hear, and in which there is nothing but the order's id. */
const STILL_TOLD = `${EVENT_TYPE_PREFIX}work_order.cancelled`

export const SWEEPS: Readonly<Record<string, Sweep>> = {
  /** Names, numbers, channels. */
  people: async ({ tx, brandId }, { homeId }) =>
    (await tx.deleteFrom('people').where('brand_id', '=', brandId).where('home_id', '=', homeId).executeTakeFirst())
      .numDeletedRows,

  /** Address, references, region and hours. The row stays, as the id that consents and orders refer to. */
  homes: async ({ tx, brandId, atMs }, { homeId }) =>
    (
      await tx
        .updateTable('homes')
        .set({
          address_sealed: null,
          site_ref: null,
          external_ref: null,
          site_ref_sealed: null,
          external_ref_sealed: null,
          external_ref_hash: null,
          region: null,
          quiet_from: '00:00',
          quiet_to: '00:00',
          updated_at_ms: atMs,
        })
        .where('brand_id', '=', brandId)
        .where('home_id', '=', homeId)
        .where((eb) =>
          eb.or([
            eb('address_sealed', 'is not', null),
            eb('site_ref', 'is not', null),
            eb('external_ref', 'is not', null),
            eb('site_ref_sealed', 'is not', null),
            eb('external_ref_hash', 'is not', null),
            eb('region', 'is not', null),
          ]),
        )
        .executeTakeFirst()
    ).numUpdatedRows,

  channel_opt_outs: async ({ tx, brandId }, { homeId }) =>
    (
      await tx
        .deleteFrom('channel_opt_outs')
        .where('brand_id', '=', brandId)
        .where('home_id', '=', homeId)
        .executeTakeFirst()
    ).numDeletedRows,

  /** A token that would have bound an appliance to this home. */
  claim_tokens: async ({ tx, brandId }, { homeId }) =>
    (
      await tx
        .deleteFrom('claim_tokens')
        .where('brand_id', '=', brandId)
        .where('home_id', '=', homeId)
        .executeTakeFirst()
    ).numDeletedRows,

  parameters: async ({ tx, brandId }, { homeId }) =>
    (
      await tx
        .deleteFrom('parameters')
        .where('brand_id', '=', brandId)
        .where('scope', '=', 'home')
        .where('scope_id', '=', homeId)
        .executeTakeFirst()
    ).numDeletedRows,

  notice_receipts: async ({ tx, brandId }, { homeId }) =>
    (
      await tx
        .deleteFrom('notice_receipts')
        .where('brand_id', '=', brandId)
        .where('notice_id', 'in', (eb) =>
          eb.selectFrom('notices').select('notice_id').where('brand_id', '=', brandId).where('home_id', '=', homeId),
        )
        .executeTakeFirst()
    ).numDeletedRows,

  notices: async ({ tx, brandId }, { homeId }) =>
    (await tx.deleteFrom('notices').where('brand_id', '=', brandId).where('home_id', '=', homeId).executeTakeFirst())
      .numDeletedRows,

  /** The link is dead, and what the home answered is gone; which need was offered at what price stays. */
  offers: async ({ tx, brandId }, { homeId }) =>
    (
      await tx
        .updateTable('offers')
        .set({ token_hash: sql<string>`'erased ' || offer_id`, answer: null, words_sealed: null })
        .where('brand_id', '=', brandId)
        .where('home_id', '=', homeId)
        .where('token_hash', 'not like', 'erased %')
        .executeTakeFirst()
    ).numUpdatedRows,

  /** What people said of a fault, and their ticket numbers; that a fault was reported stays. */
  fault_reports: async ({ tx, brandId }, { homeId }) =>
    (
      await tx
        .updateTable('fault_reports')
        .set({ text_sealed: null, external_ref: null, external_ref_sealed: null, external_ref_hash: null })
        .where('brand_id', '=', brandId)
        .where('home_id', '=', homeId)
        .where((eb) =>
          eb.or([
            eb('text_sealed', 'is not', null),
            eb('external_ref', 'is not', null),
            eb('external_ref_sealed', 'is not', null),
          ]),
        )
        .executeTakeFirst()
    ).numUpdatedRows,

  offer_stops: async ({ tx, brandId }, { homeId }) =>
    (
      await tx
        .deleteFrom('offer_stops')
        .where('brand_id', '=', brandId)
        .where('home_id', '=', homeId)
        .executeTakeFirst()
    ).numDeletedRows,

  /** Words; the stars stay with the partner they were given to. */
  ratings: async ({ tx, brandId }, { homeId }) =>
    (
      await tx
        .updateTable('ratings')
        .set({ text_sealed: null })
        .where('brand_id', '=', brandId)
        .where('home_id', '=', homeId)
        .where('text_sealed', 'is not', null)
        .executeTakeFirst()
    ).numUpdatedRows,

  /** Where it was, down to the district: enough for a count, too little to find a door. */
  cases: async ({ tx, brandId }, { homeId }) =>
    (
      await tx
        .updateTable('cases')
        .set({ region: sql<string>`left(region, 6)` })
        .where('brand_id', '=', brandId)
        .where('home_id', '=', homeId)
        .where(sql<boolean>`length(region) > 6`)
        .executeTakeFirst()
    ).numUpdatedRows,

  /** Reasons in somebody's own words, also those an earlier release kept in plain; the hub's own name nobody. */
  case_events: async ({ tx, brandId }, { caseIds }) =>
    caseIds.length === 0
      ? 0
      : (
          await tx
            .updateTable('case_events')
            .set({ why: null, words_sealed: null })
            .where('brand_id', '=', brandId)
            .where('case_id', 'in', caseIds)
            .where('actor_kind', '<>', 'hub')
            .where((eb) => eb.or([eb('why', 'is not', null), eb('words_sealed', 'is not', null)]))
            .executeTakeFirst()
        ).numUpdatedRows,

  /** Why somebody dismissed an alert of an appliance that stood here; that it was dismissed stays with the appliance. */
  alerts: async ({ tx, brandId }, { homeId }) =>
    (
      await tx
        .updateTable('alerts')
        .set({ dismissed_reason: null, dismissed_words_sealed: null, home_id: null })
        .where('brand_id', '=', brandId)
        .where('home_id', '=', homeId)
        .executeTakeFirst()
    ).numUpdatedRows,

  /** Why somebody asked for peace here. */
  silences: async ({ tx, brandId }, { homeId }) =>
    (
      await tx
        .updateTable('silences')
        .set({ reason: '', reason_sealed: null, home_id: null })
        .where('brand_id', '=', brandId)
        .where('home_id', '=', homeId)
        .executeTakeFirst()
    ).numUpdatedRows,

  /** Who came, when, what was written of it, and the technician's link. Parts, verdict and charge stay. */
  async work_orders({ tx, brandId }, { orderIds }) {
    let changed = 0
    for (const orderId of orderIds) {
      const order = await tx
        .selectFrom('work_orders')
        .select(['outcome', 'packet', 'technician', 'appointment', 'requested_slot', 'job_token_hash'])
        .where('brand_id', '=', brandId)
        .where('work_order_id', '=', orderId)
        .forUpdate()
        .executeTakeFirstOrThrow()
      const outcome = order.outcome && dropWords(order.outcome, 'outcome')
      const packet = {
        ...order.packet,
        site: { ...order.packet.site, street: null },
        links: { site: '', job: '', events: '' },
      }
      const same =
        order.technician === null &&
        order.appointment === null &&
        order.requested_slot === null &&
        order.job_token_hash.startsWith('erased ') &&
        JSON.stringify([outcome, packet]) === JSON.stringify([order.outcome, order.packet])
      if (same) continue
      await tx
        .updateTable('work_orders')
        .set({
          technician: null,
          appointment: null,
          requested_slot: null,
          outcome: outcome && JSON.stringify(outcome),
          packet: JSON.stringify(packet),
          job_token_hash: `erased ${orderId}`,
        })
        .where('brand_id', '=', brandId)
        .where('work_order_id', '=', orderId)
        .execute()
      changed++
    }
    return changed
  },

  async partner_events({ tx, brandId }, { orderIds }) {
    if (orderIds.length === 0) return 0
    const rows = await tx
      .selectFrom('partner_events')
      .select(['work_order_id', 'webhook_id', 'body'])
      .where('brand_id', '=', brandId)
      .where('work_order_id', 'in', orderIds)
      .execute()
    let changed = 0
    for (const row of rows) {
      const { appointment: _when, ...rest } = row.body
      const body = dropWords(rest)
      if (JSON.stringify(body) === JSON.stringify(row.body)) continue
      await tx
        .updateTable('partner_events')
        .set({ body: JSON.stringify(body) })
        .where('brand_id', '=', brandId)
        .where('work_order_id', '=', row.work_order_id)
        .where('webhook_id', '=', row.webhook_id)
        .execute()
      changed++
    }
    return changed
  },

  /** Why a partner asked for more; what it asked for stays with the charge. */
  quotes: async ({ tx, brandId }, { orderIds }) =>
    orderIds.length === 0
      ? 0
      : (
          await tx
            .updateTable('quotes')
            .set({ reason: '' })
            .where('brand_id', '=', brandId)
            .where('work_order_id', 'in', orderIds)
            .where('reason', '<>', '')
            .executeTakeFirst()
        ).numUpdatedRows,

  /** Queue, sent and dead letters. A body in flight is taken at the next sweep; a cancellation still goes out. */
  async deliveries({ tx, brandId, atMs }, { subjects }) {
    if (subjects.length === 0) return 0
    const all = tx
      .updateTable('deliveries')
      .where('brand_id', '=', brandId)
      .where('subject', 'in', subjects)
      .where('state', '<>', 'sending')
    const waiting = await all
      .set({ state: 'cancelled', last_error: 'the home was erased' })
      .where('state', '=', 'pending')
      .where('type', '<>', STILL_TOLD)
      .executeTakeFirst()
    const emptied = await all
      .set({ body: '', body_removed_at_ms: atMs })
      .where('body_removed_at_ms', 'is', null)
      .where('state', '<>', 'pending')
      .executeTakeFirst()
    return Number(waiting.numUpdatedRows) + Number(emptied.numUpdatedRows)
  },

  /** The key stays, so that a repeat of the old request does not make the home again; its answer is gone. */
  idempotency_keys: async ({ tx, brandId }, { homeId }) =>
    (
      await tx
        .updateTable('idempotency_keys')
        .set({ response: '' })
        .where('brand_id', '=', brandId)
        .where('home_id', '=', homeId)
        .where('response', '<>', '')
        .executeTakeFirst()
    ).numUpdatedRows,
}

/** @param last nothing is waited for any more. */
export async function tracesOf({ tx, brandId }: Work, homeId: string, last: boolean): Promise<TracesOfHome> {
  const cases = await tx
    .selectFrom('cases')
    .select('case_id')
    .where('brand_id', '=', brandId)
    .where('home_id', '=', homeId)
    .execute()
  const orders = await tx
    .selectFrom('work_orders')
    .select(['work_order_id', 'closed_at_ms'])
    .where('brand_id', '=', brandId)
    .where('home_id', '=', homeId)
    .orderBy('work_order_id')
    .execute()
  const offers = await tx
    .selectFrom('offers')
    .select('offer_id')
    .where('brand_id', '=', brandId)
    .where('home_id', '=', homeId)
    .execute()
  const notices = await tx
    .selectFrom('notices')
    .select('notice_id')
    .where('brand_id', '=', brandId)
    .where('home_id', '=', homeId)
    .execute()
  const caseIds = cases.map((row) => row.case_id)
  return {
    homeId,
    caseIds,
    orderIds: orders.filter((row) => last || row.closed_at_ms !== null).map((row) => row.work_order_id),
    subjects: [
      homeId,
      ...caseIds,
      ...orders.map((row) => row.work_order_id),
      ...offers.map((row) => row.offer_id),
      ...notices.map((row) => row.notice_id),
    ],
  }
}
