import { type FaultReportBody, sealedAs } from '#contracts'
import { HubError } from '#platform'
import { page, type Tx, writeAudit } from '#store'
import type { ServiceBridge } from '../bridge.ts'
import type { Happen } from '../cases/case-driver.ts'
import { beginWork, type Core, inBrand, type Work } from '../core.ts'
import { holds } from '../homes/consents.ts'
import { RATING_MS } from '../policy.ts'
import { notFound } from '../queries.ts'
import type { Actor } from '../views.ts'
import { fileReport, type ReportedDevice, reportView } from './fault-report.ts'

const DEVICE = ['device_id', 'home_id', 'region', 'product_key', 'attributes'] as const

/** Faults that people noticed, told by a brand's hotline, app or WeChat, or by a partner. */
export function createFaultReportCalls(
  core: Core,
  happen: Happen,
  afterCaller: (works: readonly Work[]) => void,
): ServiceBridge['faultReports'] {
  return {
    async file(tx, brandId, body, { by }) {
      const work = beginWork(tx, brandId, core.clock.nowMs())
      const device = await deviceNamed(tx, brandId, body)
      const filed = await fileReport(core, happen, work, inputOf(body, { device, by, source: 'brand' }))
      afterCaller([work])
      return filed
    },

    async fileAsPartner(tx, partnerKey, body, { by }) {
      if (body.channel !== 'partner') {
        throw new HubError('VALIDATION_FAILED', 'A partner reports on the channel "partner".', { pointer: '/channel' })
      }
      const { brandId, device } = await servedBy(tx, partnerKey, body, core.clock.nowMs())
      const work = beginWork(tx, brandId, core.clock.nowMs())
      const filed = await fileReport(core, happen, work, inputOf(body, { device, by, source: partnerKey }))
      afterCaller([work])
      const { liveWorkOrder, ...answer } = filed.answer
      // Another partner's order is none of its business.
      const own = liveWorkOrder?.partnerKey === partnerKey
      return { ...filed, answer: own && liveWorkOrder ? { ...answer, liveWorkOrder } : answer }
    },

    list: (brandId, filter) =>
      inBrand(core, brandId, async ({ tx }) => {
        let query = tx.selectFrom('fault_reports').selectAll().where('brand_id', '=', brandId)
        if (filter.deviceId !== undefined) query = query.where('device_id', '=', filter.deviceId)
        if (filter.homeId !== undefined) query = query.where('home_id', '=', filter.homeId)
        if (filter.caseId !== undefined) query = query.where('case_id', '=', filter.caseId)
        if (filter.missed !== undefined) query = query.where('missed', '=', filter.missed)
        const found = await page(query, filter, { by: ['received_at_ms', 'report_id'], direction: 'desc' })
        return { items: found.items.map((row) => reportView(core, row)), nextCursor: found.nextCursor }
      }),

    get: (brandId, reportId, { by }) =>
      inBrand(core, brandId, async (work) => {
        const row = await work.tx
          .selectFrom('fault_reports')
          .selectAll()
          .where('brand_id', '=', brandId)
          .where('report_id', '=', reportId)
          .executeTakeFirst()
        if (!row) throw notFound('fault report', reportId)
        const text = row.text_sealed && core.box.open(row.text_sealed, sealedAs.faultReportText(reportId))
        if (text !== null) {
          await writeAudit(work.tx, {
            brandId,
            atMs: work.atMs,
            actor: `${by.kind}:${by.id ?? ''}`,
            action: 'fault_report.text_read',
            subject: reportId,
          })
        }
        return { ...reportView(core, row), text, diagnosis: 'component' in row.diagnosis ? row.diagnosis : null }
      }),
  }
}

function inputOf(body: FaultReportBody, more: { device: ReportedDevice; by: Actor; source: string }) {
  return {
    ...more,
    externalRef: body.externalRef,
    component: null,
    channel: body.channel,
    symptom: body.symptomCode ?? null,
    problem: null,
    text: body.text ?? null,
    reportedAtMs: Date.parse(body.reportedAt),
  }
}

/** Which of the two names the appliance, and where it stands in the body. */
function nameOf(body: FaultReportBody): { column: 'device_id' | 'serial'; value: string; pointer: string } {
  if (body.device !== undefined && body.serial === undefined)
    return { column: 'device_id', value: body.device, pointer: '/device' }
  if (body.serial !== undefined && body.device === undefined)
    return { column: 'serial', value: body.serial, pointer: '/serial' }
  throw new HubError('VALIDATION_FAILED', 'Name the appliance by its id or its serial: one of the two.', {
    pointer: '/device',
  })
}

async function deviceNamed(tx: Tx, brandId: string, body: FaultReportBody): Promise<ReportedDevice> {
  const { column, value, pointer } = nameOf(body)
  const row = await tx
    .selectFrom('devices')
    .select(DEVICE)
    .where('brand_id', '=', brandId)
    .where(column, '=', value)
    .where('removed_at_ms', 'is', null)
    .executeTakeFirst()
  if (!row) throw new HubError('VALIDATION_FAILED', 'There is no such appliance.', { pointer })
  return row
}

/** A partner knows the appliances of its own orders, as long as their homes let it, and no others. */
async function servedBy(
  tx: Tx,
  partnerKey: string,
  body: FaultReportBody,
  atMs: number,
): Promise<{ brandId: string; device: ReportedDevice }> {
  const { column, value } = nameOf(body)
  const rows = await tx
    .selectFrom('work_orders as o')
    .innerJoin('order_items as i', (join) =>
      join.onRef('i.brand_id', '=', 'o.brand_id').onRef('i.work_order_id', '=', 'o.work_order_id'),
    )
    .innerJoin('cases as c', (join) => join.onRef('c.brand_id', '=', 'i.brand_id').onRef('c.case_id', '=', 'i.case_id'))
    // Still in the home that was visited: with whoever has the appliance now it has no business.
    .innerJoin('devices as d', (join) =>
      join
        .onRef('d.brand_id', '=', 'c.brand_id')
        .onRef('d.device_id', '=', 'c.device_id')
        .onRef('d.home_id', '=', 'o.home_id'),
    )
    .select(['o.brand_id', 'o.consent_id', 'd.device_id', 'd.home_id', 'd.region', 'd.product_key', 'd.attributes'])
    .where('o.partner_key', '=', partnerKey)
    .where(`d.${column}`, '=', value)
    .where('d.removed_at_ms', 'is', null)
    .where((eb) => eb.or([eb('o.closed_at_ms', 'is', null), eb('o.closed_at_ms', '>', atMs - RATING_MS)]))
    .orderBy('o.created_at_ms', 'desc')
    .execute()
  for (const { brand_id: brandId, consent_id, ...device } of rows) {
    const consent = await tx
      .selectFrom('consents')
      .selectAll()
      .where('brand_id', '=', brandId)
      .where('consent_id', '=', consent_id)
      .executeTakeFirst()
    if (consent && holds(consent, atMs)) return { brandId, device }
  }
  throw new HubError('NOT_FOUND', 'None of your orders of the last ninety days is about such an appliance.')
}
