import { type ProblemKind, type ReportProblemBody, sealedAs } from '#contracts'
import { derivedId, HubError, sha256Hex } from '#platform'
import type { Happen } from '../cases/case-driver.ts'
import type { CaseRecord } from '../cases/case-record.ts'
import { flagOrderReview } from '../cases/review.ts'
import { type Core, THE_HOME, type Work } from '../core.ts'
import type { OfferRecord } from '../offers/offer-record.ts'
import type { OrderRecord } from '../orders/order-record.ts'
import { tellBrand } from '../outgoing.ts'
import { RATING_MS } from '../policy.ts'
import { fileReport } from './fault-report.ts'
import { reportRefColumns, reportRefHash } from './report-ref.ts'

/** Those that say something is broken; the others are about the visit, and a person answers them. */
const FAULTS: ReadonlySet<ProblemKind> = new Set(['still_broken', 'another_fault'])

/** Whether the home may complain: from when somebody was asked to come until long after. */
export function mayReport(offer: OfferRecord, order: OrderRecord | null, atMs: number): boolean {
  if (offer.state === 'self_service') return true
  return order !== null && (order.closed_at_ms === null || atMs < order.closed_at_ms + RATING_MS)
}

/**
 * What a home complains of during or after a visit. A fault is a fault report like any other (C2, C18); the rest is
 * kept, put before a person and told to the brand. Returns the log record to wait for, where there is one.
 */
export async function reportProblem(
  core: Core,
  happen: Happen,
  work: Work,
  options: {
    offer: OfferRecord
    order: OrderRecord | null
    cases: readonly CaseRecord[]
    body: ReportProblemBody
  },
): Promise<string | null> {
  const { offer, order, cases, body } = options
  if (!mayReport(offer, order, work.atMs)) throw new HubError('STATE_FORBIDS', 'There is no visit to report on.')
  const record = body.need === undefined ? cases[0] : cases.find((one) => one.case_id === body.need)
  if (!record) throw new HubError('VALIDATION_FAILED', 'The offer is not about this need.', { pointer: '/need' })
  // The same complaint of the same day, as by a button pressed twice, is one.
  const day = Math.floor(work.atMs / 86_400_000)
  const externalRef = sha256Hex(JSON.stringify([body, day]))
  if (FAULTS.has(body.kind)) {
    const device = await work.tx
      .selectFrom('devices')
      .select(['device_id', 'home_id', 'region', 'product_key', 'attributes'])
      .where('brand_id', '=', work.brandId)
      .where('device_id', '=', record.device_id)
      .where('home_id', '=', offer.home_id)
      .where('removed_at_ms', 'is', null)
      .executeTakeFirst()
    if (!device) throw new HubError('STATE_FORBIDS', 'The appliance no longer stands in this home.')
    const filed = await fileReport(core, happen, work, {
      source: offer.offer_id,
      externalRef,
      device,
      component: body.kind === 'still_broken' ? record.component : null,
      channel: 'page',
      symptom: body.symptomCode ?? null,
      problem: body.kind,
      text: body.text ?? null,
      reportedAtMs: work.atMs,
      by: THE_HOME,
    })
    return filed.changeId
  }
  await keepComplaint(core, work, { offer, record, body, externalRef })
  if (order) await flagOrderReview(core, work, order.work_order_id, `the home reports a problem: ${body.kind}`)
  return null
}

async function keepComplaint(
  core: Core,
  work: Work,
  complaint: { offer: OfferRecord; record: CaseRecord; body: ReportProblemBody; externalRef: string },
): Promise<void> {
  const { offer, record, body, externalRef } = complaint
  const hash = reportRefHash(core.box, work.brandId, offer.offer_id, externalRef)
  const reportId = derivedId('fr', work.brandId, offer.offer_id, hash)
  const row = await work.tx
    .insertInto('fault_reports')
    .values({
      brand_id: work.brandId,
      report_id: reportId,
      source: offer.offer_id,
      ...reportRefColumns(core.box, { reportId, ref: externalRef, hash }),
      device_id: record.device_id,
      home_id: offer.home_id,
      case_id: record.case_id,
      component: record.component,
      channel: 'page',
      symptom: body.symptomCode ?? null,
      problem: body.kind,
      text_sealed: body.text ? core.box.seal(body.text, sealedAs.faultReportText(reportId)) : null,
      joined: true,
      missed: false,
      diagnosis: '{}',
      reported_at_ms: work.atMs,
      received_at_ms: work.atMs,
    })
    .onConflict((conflict) => conflict.doNothing())
    .returning('report_id')
    .executeTakeFirst()
  if (!row) return
  await tellBrand(core, work, {
    type: 'offer.problem_reported',
    subject: offer.offer_id,
    cause: [reportId],
    data: { offerId: offer.offer_id, reportId, caseId: record.case_id, kind: body.kind },
  })
}
