import { instant, sealedAs } from '#contracts'
import type { Core, Work } from '../core.ts'
import type { OfferTerms } from '../offers/offer-terms.ts'
import { wordsOf } from '../offers/offer-words.ts'
import { stopsOf } from '../offers/stop-offers.ts'
import { openWords } from '../orders/order-words.ts'
import { caseEventView, caseView, quoteView } from '../queries.ts'
import { reportView } from '../reports/fault-report.ts'

/** Reads of one home's address: a few per visit. */
const READS_MAX = 10_000

/** Everything the service loop keeps about a home, in plain and with nothing left out: who asks for it has the right to all. */
export async function exportTraces(core: Core, work: Work, homeId: string): Promise<Record<string, unknown>> {
  const { tx, brandId } = work
  const ofHome = { brandId, homeId }
  const cases = await tx
    .selectFrom('cases')
    .selectAll()
    .where('brand_id', '=', brandId)
    .where('home_id', '=', homeId)
    .orderBy('opened_at_ms')
    .execute()
  const events = await tx
    .selectFrom('case_events as e')
    .innerJoin('cases as c', (join) => join.onRef('c.brand_id', '=', 'e.brand_id').onRef('c.case_id', '=', 'e.case_id'))
    .selectAll('e')
    .where('c.brand_id', '=', brandId)
    .where('c.home_id', '=', homeId)
    .orderBy('e.ordinal')
    .execute()
  const offers = await tx
    .selectFrom('offers')
    .selectAll()
    .where('brand_id', '=', brandId)
    .where('home_id', '=', homeId)
    .orderBy('created_at_ms')
    .execute()
  const words = new Map<string, unknown>()
  for (const offer of offers)
    words.set(offer.offer_id, await wordsOf(core, work, { ...offer, terms: offer.terms as OfferTerms }))
  return {
    faultReports: await reportsOf(core, work, ofHome),
    offerStops: (await stopsOf(work, homeId)).map((stop) => ({
      category: stop.category,
      componentKind: stop.component_kind,
      stoppedAt: instant(stop.stopped_at_ms),
    })),
    ratings: await ratingsOf(core, work, ofHome),
    cases: cases.map((record) => ({
      ...caseView(record),
      evidence: record.evidence,
      events: events.filter((event) => event.case_id === record.case_id).map((event) => caseEventView(core, event)),
    })),
    offers: offers.map((offer) => ({
      id: offer.offer_id,
      state: offer.state,
      createdAt: instant(offer.created_at_ms),
      terms: offer.terms,
      answer: offer.answer,
      words: words.get(offer.offer_id) ?? null,
    })),
    workOrders: await ordersOf(core, work, ofHome),
    notices: await noticesOf(work, ofHome),
    dismissedAlerts: await dismissalsOf(core, work, ofHome),
    silences: await silencesOf(core, work, ofHome),
    channelOptOuts: await optOutsOf(work, ofHome),
    siteReads: await readsOf(work, ofHome),
  }
}

interface OfHome {
  brandId: string
  homeId: string
}

async function ordersOf(core: Core, { tx }: Work, { brandId, homeId }: OfHome): Promise<unknown[]> {
  const orders = await tx
    .selectFrom('work_orders')
    .selectAll()
    .where('brand_id', '=', brandId)
    .where('home_id', '=', homeId)
    .orderBy('created_at_ms')
    .execute()
  const events = await tx
    .selectFrom('partner_events as e')
    .innerJoin('work_orders as o', (join) =>
      join.onRef('o.brand_id', '=', 'e.brand_id').onRef('o.work_order_id', '=', 'e.work_order_id'),
    )
    .selectAll('e')
    .where('o.brand_id', '=', brandId)
    .where('o.home_id', '=', homeId)
    .orderBy('e.received_at_ms')
    .execute()
  const quotes = await tx
    .selectFrom('quotes as q')
    .innerJoin('work_orders as o', (join) =>
      join.onRef('o.brand_id', '=', 'q.brand_id').onRef('o.work_order_id', '=', 'q.work_order_id'),
    )
    .selectAll('q')
    .where('o.brand_id', '=', brandId)
    .where('o.home_id', '=', homeId)
    .orderBy('q.version')
    .execute()
  return orders.map((order) => {
    const open = <T>(value: T, path = ''): T => openWords(core.box, order.work_order_id, value, path)
    return {
      id: order.work_order_id,
      number: order.number,
      partner: order.partner_key,
      consent: order.consent_id,
      state: order.state,
      createdAt: instant(order.created_at_ms),
      closedAt: order.closed_at_ms === null ? null : instant(order.closed_at_ms),
      charge: order.charge,
      packet: order.packet,
      appointment: order.appointment,
      technician: open(order.technician, 'technician'),
      outcome: open(order.outcome, 'outcome'),
      // Asked for, and what the home answered.
      quotes: quotes
        .filter((quote) => quote.work_order_id === order.work_order_id)
        .map((quote) => quoteView(core, quote)),
      events: events
        .filter((event) => event.work_order_id === order.work_order_id)
        .map((event) => ({ receivedAt: instant(event.received_at_ms), source: event.source, body: open(event.body) })),
    }
  })
}

async function reportsOf(core: Core, { tx }: Work, { brandId, homeId }: OfHome): Promise<unknown[]> {
  const rows = await tx
    .selectFrom('fault_reports')
    .selectAll()
    .where('brand_id', '=', brandId)
    .where('home_id', '=', homeId)
    .orderBy('received_at_ms')
    .execute()
  return rows.map((row) => ({
    ...reportView(core, row),
    text: row.text_sealed && core.box.open(row.text_sealed, sealedAs.faultReportText(row.report_id)),
  }))
}

async function ratingsOf(core: Core, { tx }: Work, { brandId, homeId }: OfHome): Promise<unknown[]> {
  const rows = await tx
    .selectFrom('ratings')
    .selectAll()
    .where('brand_id', '=', brandId)
    .where('home_id', '=', homeId)
    .orderBy('rated_at_ms')
    .execute()
  return rows.map(({ work_order_id, attitude, quality, speed, solved, text_sealed, rated_at_ms }) => ({
    workOrder: work_order_id,
    attitude,
    quality,
    speed,
    solved,
    text: text_sealed && core.box.open(text_sealed, sealedAs.ratingText(work_order_id)),
    at: instant(rated_at_ms),
  }))
}

async function noticesOf({ tx }: Work, { brandId, homeId }: OfHome): Promise<unknown[]> {
  const notices = await tx
    .selectFrom('notices')
    .selectAll()
    .where('brand_id', '=', brandId)
    .where('home_id', '=', homeId)
    .orderBy('created_at_ms')
    .execute()
  const receipts = await tx
    .selectFrom('notice_receipts as r')
    .innerJoin('notices as n', (join) =>
      join.onRef('n.brand_id', '=', 'r.brand_id').onRef('n.notice_id', '=', 'r.notice_id'),
    )
    .selectAll('r')
    .where('n.brand_id', '=', brandId)
    .where('n.home_id', '=', homeId)
    .orderBy('r.at_ms')
    .execute()
  return notices.map((notice) => ({
    id: notice.notice_id,
    kind: notice.kind,
    reasonCode: notice.reason_code,
    channels: notice.channels,
    text: notice.text,
    status: notice.status,
    sendAfter: instant(notice.send_after_ms),
    receipts: receipts
      .filter((receipt) => receipt.notice_id === notice.notice_id)
      .map((receipt) => ({ status: receipt.status, channel: receipt.channel, at: instant(receipt.at_ms) })),
  }))
}

/** Alerts of its appliances that somebody ended by hand, and why. */
async function dismissalsOf(core: Core, { tx }: Work, { brandId, homeId }: OfHome): Promise<unknown[]> {
  const rows = await tx
    .selectFrom('alerts')
    .select(['episode_id', 'device_id', 'rule_key', 'dismissed_reason', 'dismissed_words_sealed'])
    .where('brand_id', '=', brandId)
    .where('home_id', '=', homeId)
    .orderBy('opened_at_ms')
    .execute()
  return rows.map((row) => ({
    alert: row.episode_id,
    device: row.device_id,
    rule: row.rule_key,
    words: row.dismissed_words_sealed
      ? core.box.open(row.dismissed_words_sealed, sealedAs.dismissWords(row.episode_id))
      : row.dismissed_reason,
  }))
}

async function silencesOf(core: Core, { tx }: Work, { brandId, homeId }: OfHome): Promise<unknown[]> {
  const rows = await tx
    .selectFrom('silences')
    .selectAll()
    .where('brand_id', '=', brandId)
    .where('home_id', '=', homeId)
    .orderBy('from_ms')
    .execute()
  return rows.map((row) => ({
    id: row.silence_id,
    from: instant(row.from_ms),
    until: instant(row.until_ms),
    words: row.reason_sealed ? core.box.open(row.reason_sealed, sealedAs.silenceReason(row.silence_id)) : row.reason,
  }))
}

async function optOutsOf({ tx }: Work, { brandId, homeId }: OfHome): Promise<unknown[]> {
  const rows = await tx
    .selectFrom('channel_opt_outs')
    .selectAll()
    .where('brand_id', '=', brandId)
    .where('home_id', '=', homeId)
    .orderBy('at_ms')
    .execute()
  return rows.map((row) => ({ channel: row.channel, at: instant(row.at_ms), notice: row.notice_id }))
}

/** Who asked for the address and when, answered or refused. */
async function readsOf({ tx }: Work, { brandId, homeId }: OfHome): Promise<unknown[]> {
  const rows = await tx
    .selectFrom('audit')
    .select(['at_ms', 'actor', 'action', 'subject', 'detail'])
    .where('brand_id', '=', brandId)
    .where('action', 'like', 'site.%')
    .where('subject', 'in', (eb) =>
      eb
        .selectFrom('work_orders')
        .select('work_order_id')
        .where('brand_id', '=', brandId)
        .where('home_id', '=', homeId),
    )
    .orderBy('ordinal')
    .limit(READS_MAX)
    .execute()
  return rows.map((row) => ({
    at: instant(row.at_ms),
    actor: row.actor,
    action: row.action,
    workOrder: row.subject,
    ...row.detail,
  }))
}
