import { instant, type JobView, type PartnerEvent, type PartnerStatus } from '#contracts'
import { canonicalJson, HubError, sha256Hex, tokenHash } from '#platform'
import type { ServiceBridge } from '../bridge.ts'
import type { Happen } from '../cases/case-driver.ts'
import { type Core, inBrand, type Work } from '../core.ts'
import { homeFacts } from '../facts.ts'
import { readSite } from '../homes/site.ts'
import { applyPartnerEvent } from '../partners/apply-partner-event.ts'
import { doubtedRepairs } from './objection.ts'
import { lockOrder, type OrderRecord } from './order-record.ts'
import { allowedStatuses, comingVisit } from './progress.ts'
import { lastQuote } from './quote-record.ts'

/** Said once, before anything else. */
const ANSWERS: ReadonlySet<PartnerStatus> = new Set(['accepted', 'rejected'])

/** The technician's calls behind a link, for partners without an app of their own. */
export function createJobs(core: Core, happen: Happen): ServiceBridge['jobs'] {
  async function orderOfToken(token: string): Promise<{ brandId: string; workOrderId: string }> {
    const row = await core.db.asHub((tx) =>
      tx
        .selectFrom('work_orders')
        .select(['brand_id', 'work_order_id', 'job_expires_at_ms'])
        .where('job_token_hash', '=', tokenHash(token))
        .executeTakeFirst(),
    )
    if (!row) throw new HubError('NOT_FOUND', 'This link leads to no job.')
    if (core.clock.nowMs() >= row.job_expires_at_ms) throw new HubError('GONE', 'This job link has ended.')
    return { brandId: row.brand_id, workOrderId: row.work_order_id }
  }

  return {
    async view(token, options = {}) {
      const { brandId, workOrderId } = await orderOfToken(token)
      return inBrand(core, brandId, async (work) =>
        jobView(core, work, (await lockOrder(work, workOrderId))!, options.locale),
      )
    },

    async event(token, body) {
      const { brandId, workOrderId } = await orderOfToken(token)
      return inBrand(core, brandId, async (work) => {
        const order = (await lockOrder(work, workOrderId))!
        const { id, at, ...said } = body
        // Nothing was said in the future: a phone that runs ahead is put right.
        const event: PartnerEvent = { ...said, ...(at !== undefined && Date.parse(at) < work.atMs ? { at } : {}) }
        // A button pressed twice says the same thing, so it has the same id.
        const webhookId = `job_${id ?? sha256Hex(canonicalJson(body))}`
        await applyPartnerEvent(core, happen, work, order, {
          event,
          webhookId,
          source: 'job',
          by: { kind: 'technician', id: order.partner_key },
        })
        return jobView(core, work, (await lockOrder(work, workOrderId))!)
      })
    },

    async site(token) {
      const { brandId, workOrderId } = await orderOfToken(token)
      return readSite(core, { brandId, workOrderId }, { kind: 'technician', id: null })
    },
  }
}

async function jobView(core: Core, work: Work, order: OrderRecord, locale?: 'zh-CN' | 'en'): Promise<JobView> {
  const home = await homeFacts(work, order.home_id)
  const said = await work.tx
    .selectFrom('partner_events')
    .select(['status', 'visit', 'at_ms'])
    .where('brand_id', '=', work.brandId)
    .where('work_order_id', '=', order.work_order_id)
    .where('disposition', 'in', ['applied', 'needs_review'])
    .orderBy('at_ms')
    .limit(200)
    .execute()
  const siteOpen =
    ['accepted', 'in_progress'].includes(order.state) ||
    (order.state === 'completed' && work.atMs < (order.closed_at_ms ?? 0) + core.policy.siteAfterCloseMs)
  const progress = { visit: order.visit, rank: order.rank, status: order.status, atMs: 0 }
  const doubted = await doubtedRepairs(work, order)
  const allowed: PartnerStatus[] =
    order.closed_at_ms === null
      ? allowedStatuses(progress).filter((status) => order.accepted_at_ms === null || !ANSWERS.has(status))
      : doubted.length > 0 && order.objected_at_ms === null
        ? ['objected']
        : []
  return {
    // What the visit may cost changes when the home accepts a quote; the packet stays as it was sent.
    workOrder: { ...order.packet.workOrder, charge: order.charge },
    brand: order.packet.brand,
    items: order.packet.items,
    site: order.packet.site,
    locale: locale ?? 'zh-CN',
    timeZone: home?.timeZone ?? 'Asia/Shanghai',
    now: instant(work.atMs),
    status: order.status,
    visit: comingVisit(order),
    quote: await lastQuote(work, order.work_order_id),
    appointment: order.appointment,
    allowed,
    doubted,
    siteOpen,
    events: said.map((event) => ({ status: event.status, visit: event.visit, at: instant(event.at_ms) })),
  }
}
