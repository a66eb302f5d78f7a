import {
  type AgreementDocument,
  type Charge,
  type EvidenceItem,
  instant,
  type Severity,
  type Slot,
  type Text,
  type WorkOrderItem,
  type WorkOrderPacket,
} from '#contracts'
import { canonicalJson, derivedId, durationMs, sha256Hex, tokenHash } from '#platform'
import { nextNumber } from '#store'
import { type CaseRecord, changeCase } from '../cases/case-record.ts'
import type { Core, Work } from '../core.ts'
import { brandWords, type CaseFacts } from '../facts.ts'
import type { ConsentRecord } from '../homes/consents.ts'
import { jobToken, orderLinks } from '../links.ts'
import { componentName } from '../notices/plain-words.ts'
import { alternativesOf } from '../offers/alternatives.ts'
import { evidenceItems, thinned } from '../offers/offer-terms.ts'
import { tellBrand, tellPartner } from '../outgoing.ts'
import { HISTORY_MAX, JOB_LINK_MS, WEBHOOK_BODY_BYTES_MAX } from '../policy.ts'
import type { AgreementCandidate } from './partner-choice.ts'
import { armSla } from './sla.ts'
import type { VisitPlan } from './visit-plan.ts'

export interface OrderRequest {
  cases: readonly CaseRecord[]
  plan: VisitPlan
  partner: AgreementCandidate
  consent: ConsentRecord
  charge: Charge & { acceptedAt: string; acceptance: NonNullable<Charge['acceptance']> }
  /** What the home chose; empty when the partner is to agree a time with it. */
  slots: readonly Slot[]
  offerId: string | null
}

/** Hash over the charge as it was agreed, so that nobody can say later it was another. */
export function chargeHash(charge: Charge): string {
  const { acceptance: _acceptance, ...agreed } = charge
  return sha256Hex(canonicalJson(agreed))
}

const PRIORITY: Readonly<Record<Severity, 'normal' | 'high' | 'urgent'>> = {
  info: 'normal',
  warning: 'normal',
  critical: 'high',
}
/** An order without the partner's own promise is still to be done within this. */
const FINISH_MS = 14 * 86_400_000
const ACCEPT_MS = 4 * 3_600_000
const BOOK_MS = 24 * 3_600_000
const DAY_MS = 86_400_000

/** Order, items and outgoing event in the caller's transaction: all of it or nothing. Returns the order's id. */
export async function createOrder(core: Core, work: Work, request: OrderRequest): Promise<string> {
  const { cases, plan, partner, consent } = request
  const [first] = cases as [CaseRecord, ...CaseRecord[]]
  const ordinal = first.orders + 1
  const workOrderId = derivedId('wo', first.first_episode_id, first.case_id, ordinal)
  const year = new Date(work.atMs).getUTCFullYear()
  const count = await nextNumber(work.tx, { brandId: work.brandId, series: 'work_order', year })
  const number = `BH-${year}-${String(count).padStart(6, '0')}`
  const reworkOf = plan.facts.find((one) => one.failedRepair !== null)?.failedRepair?.workOrderId ?? null
  const sla = slaOf(partner.document, work.atMs, request.slots)

  const items: WorkOrderItem[] = []
  for (const [index, record] of cases.entries()) {
    items.push({
      id: derivedId('it', record.first_episode_id, record.case_id, record.orders + 1),
      caseId: record.case_id,
      ...(await itemOf(work, plan.facts[index]!, plan.jobs[index]!)),
    })
  }
  const links = orderLinks(core, workOrderId)
  const brand = await brandWords(work)
  const packet: WorkOrderPacket = {
    workOrder: {
      id: workOrderId,
      number,
      createdAt: instant(work.atMs),
      priority: cases.some((record) => record.safety !== null) ? 'urgent' : PRIORITY[first.severity],
      reworkOf,
      window: {
        notBefore: request.slots[0]?.from ?? instant(work.atMs + plan.partLeadMs),
        dueBy: sla.finishBy,
        slots: [...request.slots],
      },
      sla,
      requirements: {
        skills: [...plan.needs.skills],
        certifications: [...plan.needs.certifications],
        ...(partner.document.minRating === undefined ? {} : { minRating: partner.document.minRating }),
        ...(partner.document.maxDistanceKm === undefined ? {} : { maxDistanceKm: partner.document.maxDistanceKm }),
        genuineParts: true,
      },
      charge: request.charge,
      ...(partner.document.settlement ? { settlement: partner.document.settlement } : {}),
    },
    brand: { ...brand, accountNo: partner.document.accountNo },
    items,
    site: siteOf(first.region),
    links,
  }
  const small = within(packet, WEBHOOK_BODY_BYTES_MAX - ENVELOPE_BYTES)

  await work.tx
    .insertInto('work_orders')
    .values({
      brand_id: work.brandId,
      work_order_id: workOrderId,
      number,
      home_id: consent.home_id,
      offer_id: request.offerId,
      partner_key: partner.partnerKey,
      agreement_id: partner.agreementId,
      consent_id: consent.consent_id,
      state: 'sent',
      rework_of: reworkOf,
      charge: JSON.stringify(request.charge),
      charge_sha256: request.charge.acceptance.sha256,
      packet: JSON.stringify(small),
      job_token_hash: tokenHash(jobToken(core, workOrderId)),
      job_expires_at_ms: work.atMs + JOB_LINK_MS,
      accept_by_ms: Date.parse(sla.acceptBy),
      created_at_ms: work.atMs,
      updated_at_ms: work.atMs,
    })
    .execute()
  for (const [index, record] of cases.entries()) {
    await work.tx
      .insertInto('order_items')
      .values({
        brand_id: work.brandId,
        item_id: items[index]!.id,
        work_order_id: workOrderId,
        case_id: record.case_id,
      })
      .execute()
    await changeCase(work, record, { orders: record.orders + 1, work_order_id: workOrderId })
  }
  await armSla(work, workOrderId, sla)
  await tellPartner(work, partner.partnerKey, {
    type: 'work_order.created',
    subject: workOrderId,
    cause: [ordinal],
    data: small,
  })
  await tellBrand(core, work, {
    type: 'work_order.created',
    subject: workOrderId,
    cause: [ordinal],
    data: { workOrderId, number, partner: partner.partnerKey, cases: cases.map((record) => record.case_id) },
  })
  return workOrderId
}

/** The envelope's own members around the packet, generously. */
const ENVELOPE_BYTES = 1_000

/** The same packet with its series thinned until the body fits; numbers and texts stay. */
export function within(packet: WorkOrderPacket, bytesMax: number): WorkOrderPacket {
  let fitted = packet
  for (let points = 32; Buffer.byteLength(JSON.stringify(fitted)) > bytesMax && points >= 0; points -= 8) {
    fitted = {
      ...packet,
      items: packet.items.map((item) => ({
        ...item,
        device: { ...item.device, history: item.device.history.slice(0, Math.max(0, points / 4)) },
        diagnosis: {
          ...item.diagnosis,
          evidence: item.diagnosis.evidence.map((leaf) => ({ ...leaf, series: thinned(leaf.series, points) })),
        },
      })),
    }
  }
  return fitted
}

function slaOf(document: AgreementDocument, atMs: number, slots: readonly Slot[]) {
  const after = (text: string | undefined, elseMs: number): string =>
    instant(atMs + (text === undefined ? elseMs : (durationMs(text) ?? elseMs)))
  const lastSlotMs = Math.max(0, ...slots.map((slot) => Date.parse(slot.to)))
  const finishMs = Math.max(lastSlotMs + DAY_MS, atMs + (durationMs(document.sla?.finish ?? '') ?? FINISH_MS))
  const arriveMs = lastSlotMs > 0 ? lastSlotMs : atMs + (durationMs(document.sla?.arrive ?? '') ?? FINISH_MS)
  return {
    acceptBy: after(document.sla?.accept, ACCEPT_MS),
    bookBy: after(document.sla?.book, BOOK_MS),
    arriveBy: instant(arriveMs),
    finishBy: instant(finishMs),
  }
}

/** District and street code; never more of an address than this. */
function siteOf(region: string | null): WorkOrderPacket['site'] {
  if (region === null || region.length < 6) return { district: region, street: null }
  return { district: region.slice(0, 6), street: region.length === 9 ? region : null }
}

async function itemOf(
  work: Work,
  facts: CaseFacts,
  job: VisitPlan['jobs'][number],
): Promise<Omit<WorkOrderItem, 'id' | 'caseId'>> {
  const { record, product, device } = facts
  const evidence = evidenceItems(facts)
  return {
    device: {
      id: record.device_id,
      category: product?.category ?? 'appliance',
      product: record.product_key,
      ...(product?.name ? { productName: product.name } : {}),
      model: product?.model ?? null,
      serial: device?.serial ?? '',
      firmware: device?.firmware ?? null,
      installedAt: device?.installedAtMs ? instant(device.installedAtMs) : null,
      history: await historyOf(work, record.device_id),
    },
    job: {
      code: job.code,
      title: job.title,
      kind: job.kind,
      duration: job.duration,
      parts: job.parts ?? [],
      tools: job.tools ?? [],
      steps: job.steps ?? [],
      safety: job.safety ?? [],
    },
    diagnosis: {
      component: record.component,
      componentName: componentName(product, record.component),
      cause: causeOf(facts),
      confidence: record.rule_key === null ? null : await confirmedShare(work, record.rule_key),
      alternatives: facts.record.source === 'reported' ? await alternativesOf(work, facts) : [],
      faultCodes: [],
      evidence,
      ...forecastOf(facts),
      remoteActions: [],
      dataAgeSeconds: dataAgeSeconds(work.atMs, device?.lastSeenAtMs ?? null, evidence),
    },
  }
}

/** What was foreseen when the need arose, with what is behind it. */
function forecastOf({ record }: CaseFacts): Pick<WorkOrderItem['diagnosis'], 'forecast'> {
  const forecast = record.evidence.find((leaf) => leaf.forecast)?.forecast
  if (!forecast) return {}
  const { metric, reaches, p10Ms, p50Ms, p90Ms, model, outOfDistribution, factors } = forecast
  return {
    forecast: {
      metric,
      reaches,
      p10: instant(p10Ms),
      p50: instant(p50Ms),
      p90: p90Ms === null ? null : instant(p90Ms),
      model,
      ...(outOfDistribution ? { outOfDistribution } : {}),
      factors: [...factors],
    },
  }
}

/**
 * Age of the newest reading that is known of: the device's row is brought up to date every few seconds only, and
 * an order may follow its reading at once.
 */
export function dataAgeSeconds(
  atMs: number,
  lastSeenAtMs: number | null,
  evidence: readonly Pick<EvidenceItem, 'series'>[],
): number | null {
  const measured = evidence.flatMap(({ series }) => series.slice(-1).map(([at]) => Date.parse(at)))
  const newestMs = Math.max(lastSeenAtMs ?? Number.NEGATIVE_INFINITY, ...measured)
  return Number.isFinite(newestMs) ? Math.max(0, Math.round((atMs - newestMs) / 1_000)) : null
}

/** What is taken to be wrong: as the rule says, or as a person reported it. */
export function causeOf({ record, product, rule }: CaseFacts): { code: string; text: Text } {
  return (
    rule?.cause ??
    (rule ? { code: rule.key, text: rule.name } : record.cause) ?? {
      code: record.rule_key ?? 'reported',
      text: componentName(product, record.component),
    }
  )
}

async function historyOf(work: Work, deviceId: string): Promise<WorkOrderItem['device']['history']> {
  const rows = await work.tx
    .selectFrom('order_items as i')
    .innerJoin('cases as c', (join) => join.onRef('c.brand_id', '=', 'i.brand_id').onRef('c.case_id', '=', 'i.case_id'))
    .select(['i.finished_at_ms', 'i.verdict', 'i.parts', 'i.verified', 'c.component'])
    .where('i.brand_id', '=', work.brandId)
    .where('c.device_id', '=', deviceId)
    .where('i.finished_at_ms', 'is not', null)
    .orderBy('i.finished_at_ms', 'desc')
    .limit(HISTORY_MAX)
    .execute()
  return rows.map((row) => ({
    at: instant(row.finished_at_ms!),
    component: row.component,
    verdict: row.verdict,
    parts: row.parts,
    verified: row.verified,
  }))
}

/** Visits of a rule before which its share of confirmed findings is a guess. */
const VERDICTS_MIN = 5

/** How often technicians confirmed this rule; `null` until enough of them have looked. */
export async function confirmedShare(work: Work, ruleKey: string): Promise<number | null> {
  const row = await work.tx
    .selectFrom('order_items as i')
    .innerJoin('cases as c', (join) => join.onRef('c.brand_id', '=', 'i.brand_id').onRef('c.case_id', '=', 'i.case_id'))
    .select((eb) => [
      eb.fn.countAll<number>().as('all'),
      eb.fn.countAll<number>().filterWhere('i.verdict', '=', 'confirmed').as('confirmed'),
    ])
    .where('i.brand_id', '=', work.brandId)
    .where('c.rule_key', '=', ruleKey)
    .where('i.verdict', 'in', ['confirmed', 'other_cause', 'no_fault_found'])
    .executeTakeFirstOrThrow()
  const all = Number(row.all)
  return all < VERDICTS_MIN ? null : Math.round((Number(row.confirmed) / all) * 100) / 100
}
