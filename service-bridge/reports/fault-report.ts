import type { Selectable } from 'kysely'
import {
  type Diagnosis,
  type FaultReport,
  type FaultReportAnswer,
  instant,
  type ProblemKind,
  type ReportChannel,
  sealedAs,
  type Text,
  WHOLE_DEVICE,
} from '#contracts'
import { derivedId, HubError } from '#platform'
import { type DevicesTable, type FaultReportsTable, submitChange } from '#store'
import type { Happen } from '../cases/case-driver.ts'
import { type CaseRecord, lockCase } from '../cases/case-record.ts'
import type { Core, Work } from '../core.ts'
import { caseFacts, productDocument } from '../facts.ts'
import { componentName } from '../notices/plain-words.ts'
import { alternativesOf } from '../offers/alternatives.ts'
import { lockHome } from '../offers/offer-bundle.ts'
import { evidenceItems } from '../offers/offer-terms.ts'
import { causeOf, confirmedShare, dataAgeSeconds } from '../orders/create-order.ts'
import { tellBrand } from '../outgoing.ts'
import { FORESEEN_MS, REPORT_AGE_MS_MAX } from '../policy.ts'
import type { Actor } from '../views.ts'
import { openReportRef, reportRefColumns, reportRefHash } from './report-ref.ts'
import { needOf } from './reported-need.ts'

export type ReportRecord = Selectable<FaultReportsTable>
export type ReportedDevice = Pick<
  Selectable<DevicesTable>,
  'device_id' | 'home_id' | 'region' | 'product_key' | 'attributes'
>

export interface ReportInput {
  /** Whose ticket numbers: `brand`, a partner's key, or an offer's id. */
  source: string
  externalRef: string
  device: ReportedDevice
  /** Where the teller knows it; else the symptom may point to one. */
  component: string | null
  channel: ReportChannel
  symptom: string | null
  problem: ProblemKind | null
  text: string | null
  reportedAtMs: number
  by: Actor
}

export interface FiledReport {
  answer: FaultReportAnswer
  /** The record of the log that says so; the same for the same report. */
  changeId: string
}

/** Clocks of hotlines and apps are a little ahead of ours. */
const AHEAD_MS_MAX = 10 * 60_000

/**
 * C2: a fault that a person noticed joins the open need of its component, or opens one with what is known of it. The
 * same reference twice is one report. Throws VALIDATION_FAILED for a time that cannot be, CONFLICT for a reference
 * that was used for another appliance.
 */
export async function fileReport(core: Core, happen: Happen, work: Work, input: ReportInput): Promise<FiledReport> {
  refuseUnlessNow(work.atMs, input.reportedAtMs)
  if (input.device.home_id !== null) await lockHome(work, input.device.home_id)
  const refHash = reportRefHash(core.box, work.brandId, input.source, input.externalRef)
  const reportId = derivedId('fr', work.brandId, input.source, refHash)
  if (!(await begin(core, work, reportId, refHash, input))) return answerAgain(core, work, { reportId, refHash, input })
  const changeId = derivedId('chg', reportId)

  const product = await productDocument(work, input.device.product_key)
  const symptom = symptomOf(product, input.symptom)
  const component = input.component ?? symptom?.component ?? null
  const { record, joined } = await needOf(core, happen, work, {
    ...input,
    component,
    reportId,
    symptomName: symptom?.name ?? null,
  })
  const missed = await unforeseen(work, input, component)
  const diagnosis = await diagnose(work, record)
  const stored = await work.tx
    .updateTable('fault_reports')
    .set({ case_id: record.case_id, component: record.component, joined, missed, diagnosis: JSON.stringify(diagnosis) })
    .where('brand_id', '=', work.brandId)
    .where('report_id', '=', reportId)
    .returningAll()
    .executeTakeFirstOrThrow()
  work.control = true
  await submitChange(work.tx, {
    brandId: work.brandId,
    changeId,
    nowMs: work.atMs,
    change: {
      type: 'fault.reported',
      deviceId: input.device.device_id,
      component,
      symptom: input.symptom,
      atMs: input.reportedAtMs,
    },
  })
  await tellBrand(core, work, {
    type: 'case.reported',
    subject: record.case_id,
    cause: [reportId],
    data: {
      reportId,
      caseId: record.case_id,
      deviceId: input.device.device_id,
      component: record.component,
      channel: input.channel,
      symptom: input.symptom,
      joined,
      missed,
    },
  })
  return { answer: await answerOf(core, work, stored, record), changeId }
}

function refuseUnlessNow(atMs: number, reportedAtMs: number): void {
  const pointer = '/reportedAt'
  if (reportedAtMs > atMs + AHEAD_MS_MAX)
    throw new HubError('VALIDATION_FAILED', `The hub's time is ${instant(atMs)}.`, { pointer })
  if (reportedAtMs < atMs - REPORT_AGE_MS_MAX)
    throw new HubError('VALIDATION_FAILED', 'Reports older than thirty days are history; import them.', { pointer })
}

/** Puts the report's row down first: of two with the same reference the later waits here, and finds it told. */
async function begin(core: Core, work: Work, reportId: string, hash: string, input: ReportInput): Promise<boolean> {
  const row = await work.tx
    .insertInto('fault_reports')
    .values({
      brand_id: work.brandId,
      report_id: reportId,
      source: input.source,
      ...reportRefColumns(core.box, { reportId, ref: input.externalRef, hash }),
      device_id: input.device.device_id,
      home_id: input.device.home_id,
      channel: input.channel,
      symptom: input.symptom,
      problem: input.problem,
      text_sealed: input.text ? core.box.seal(input.text, sealedAs.faultReportText(reportId)) : null,
      joined: false,
      missed: false,
      diagnosis: '{}',
      reported_at_ms: input.reportedAtMs,
      received_at_ms: work.atMs,
    })
    .onConflict((conflict) => conflict.doNothing())
    .returning('report_id')
    .executeTakeFirst()
  return row !== undefined
}

async function answerAgain(
  core: Core,
  work: Work,
  { reportId, refHash, input }: { reportId: string; refHash: string; input: ReportInput },
): Promise<FiledReport> {
  const stored = await work.tx
    .selectFrom('fault_reports')
    .selectAll()
    .where('brand_id', '=', work.brandId)
    .where((eb) =>
      eb.or([
        // The id alone once the home is forgotten, and its reference with it.
        eb('report_id', '=', reportId),
        eb.and([eb('source', '=', input.source), eb('external_ref_hash', '=', refHash)]),
      ]),
    )
    .executeTakeFirstOrThrow()
  if (stored.device_id !== input.device.device_id) {
    throw new HubError('CONFLICT', 'This reference was used for a report of another appliance.', {
      pointer: '/externalRef',
    })
  }
  const record = await lockCase(work, stored.case_id ?? '')
  if (!record) throw new HubError('GONE', 'What this report led to is no longer kept.')
  return { answer: await answerOf(core, work, stored, record), changeId: derivedId('chg', stored.report_id) }
}

/** The component that people mean by this symptom, and how they call it; `null` when the product does not know it. */
function symptomOf(
  product: Awaited<ReturnType<typeof productDocument>>,
  code: string | null,
): { component: string; name: Text | null } | null {
  for (const component of product?.components ?? []) {
    const symptom = component.symptoms?.find((one) => one.code === code)
    if (symptom) return { component: component.key, name: symptom.name ?? null }
  }
  return null
}

/** No alert of it in the thirty days before somebody noticed: the fault was not foreseen. */
async function unforeseen(work: Work, input: ReportInput, component: string | null): Promise<boolean> {
  let query = work.tx
    .selectFrom('alerts')
    .select('episode_id')
    .where('brand_id', '=', work.brandId)
    .where('device_id', '=', input.device.device_id)
    .where('mode', '=', 'active')
    .where('started_at_ms', '<=', input.reportedAtMs)
    .where((eb) =>
      eb.or([eb('resolved_at_ms', 'is', null), eb('resolved_at_ms', '>', input.reportedAtMs - FORESEEN_MS)]),
    )
  if (component !== null) query = query.where('component', '=', component)
  return (await query.executeTakeFirst()) === undefined
}

/** What the hub knows about a need: for whoever takes the call, and for whoever comes. */
async function diagnose(work: Work, record: CaseRecord): Promise<Diagnosis> {
  const facts = await caseFacts(work, record)
  const evidence = evidenceItems(facts)
  return {
    component: record.component,
    componentName: record.component === WHOLE_DEVICE ? WHOLE_NAME : componentName(facts.product, record.component),
    cause: causeOf(facts),
    confidence: record.rule_key === null ? null : await confirmedShare(work, record.rule_key),
    evidence,
    alternatives: await alternativesOf(work, facts),
    faultCodes: [],
    remoteActions: [],
    dataAgeSeconds: dataAgeSeconds(work.atMs, facts.device?.lastSeenAtMs ?? null, evidence),
  }
}

const WHOLE_NAME: Text = { en: 'the appliance', 'zh-CN': '整机' }

async function answerOf(core: Core, work: Work, row: ReportRecord, record: CaseRecord): Promise<FaultReportAnswer> {
  const order =
    record.work_order_id === null
      ? undefined
      : await work.tx
          .selectFrom('work_orders')
          .select(['work_order_id', 'number', 'state', 'partner_key', 'appointment'])
          .where('brand_id', '=', work.brandId)
          .where('work_order_id', '=', record.work_order_id)
          .where('closed_at_ms', 'is', null)
          .executeTakeFirst()
  return {
    report: reportView(core, row),
    case: { id: record.case_id, component: record.component, state: record.state },
    joined: row.joined,
    ...(order
      ? {
          liveWorkOrder: {
            id: order.work_order_id,
            number: order.number,
            state: order.state,
            partnerKey: order.partner_key,
            appointment: order.appointment,
          },
        }
      : {}),
    diagnosis: row.diagnosis,
  }
}

export function reportView({ box }: Pick<Core, 'box'>, row: ReportRecord): FaultReport {
  return {
    id: row.report_id,
    deviceId: row.device_id,
    homeId: row.home_id,
    caseId: row.case_id,
    component: row.component,
    channel: row.channel,
    symptomCode: row.symptom,
    problem: row.problem,
    externalRef: openReportRef(box, row),
    hasText: row.text_sealed !== null,
    reportedAt: instant(row.reported_at_ms),
    receivedAt: instant(row.received_at_ms),
    joined: row.joined,
    missed: row.missed,
  }
}
