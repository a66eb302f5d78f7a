import {
  type AgreementDocument,
  type Charge,
  type EvidenceItem,
  instant,
  type JobPart,
  type JobTemplate,
  type OfferNeed,
  type OfferPartner,
  type SafetyKind,
  type Severity,
  type Text,
} from '#contracts'
import { durationMs } from '#platform'
import type { CaseRecord } from '../cases/case-record.ts'
import { partnerGates } from '../cases/gate.ts'
import type { Core, Work } from '../core.ts'
import { brandWords, type CaseFacts, caseFacts, type HomeFacts } from '../facts.ts'
import { CONSENT_TEXT, SHARED_DATA_KINDS } from '../homes/consent-text.ts'
import { componentName, metricName, whyInPlainWords } from '../notices/plain-words.ts'
import { type AgreementCandidate, rankPartners, type VisitNeeds } from '../orders/partner-choice.ts'
import { type PricedJob, priceLines, totalOf } from '../orders/price.ts'
import { ratingsOfAgreements } from '../orders/rating.ts'
import { recentAnswers } from '../orders/recent-answers.ts'
import { type VisitParts, visitParts } from '../orders/visit-parts.ts'
import { type CoverageAnswer, coverageOf } from '../orders/warranty.ts'
import { PARTNERS_OFFERED_MAX, SERIES_POINTS_MAX } from '../policy.ts'

/** What a home is asked, as it was when it was asked; kept with the offer and frozen on acceptance. */
export interface OfferTerms {
  brand: { key: string; name: Text }
  locale: 'zh-CN' | 'en'
  timeZone: string
  urgency: Severity
  safety: SafetyKind | null
  needs: OfferNeed[]
  why: Text
  charge: Charge
  partners: OfferPartner[]
  /** Whose hours the slots come from, and how long its parts take. */
  hours: Pick<AgreementDocument, 'hours'>
  partLeadMs: number
  /** All its jobs together; absent in offers of an earlier release. */
  visitMs?: number
  consentText: { version: string; sha256: string; text: Text }
}

/** What one visit to a home would be: its jobs, who could come, and the price. */
export interface VisitPlan {
  facts: CaseFacts[]
  jobs: JobTemplate[]
  needs: VisitNeeds
  candidates: AgreementCandidate[]
  charge: Charge | null
  partLeadMs: number
  /** How long all of it takes. */
  visitMs: number
  /** Somebody who could come is kept from it by a closed gate. */
  gated: boolean
}

const MINOR_CURRENCY = 'CNY'
const LANGUAGE_FALLBACK_DURATION = 'PT1H'

/** The rule's job from the catalog, with the rule's own parts and duration laid over it. */
export function jobOf(core: Core, facts: CaseFacts): JobTemplate {
  const { service } = facts
  const code = service?.job ?? 'inspect'
  const known = core.jobTemplateOf(code)
  const component = componentName(facts.product, facts.record.component)
  const base: JobTemplate = known ?? {
    code,
    title: { en: `Check the ${component.en}`, 'zh-CN': `检查${component['zh-CN']}` },
    kind: 'inspect',
    duration: LANGUAGE_FALLBACK_DURATION,
  }
  const parts: JobPart[] = service?.parts ?? base.parts ?? []
  return { ...base, duration: service?.duration ?? base.duration, parts }
}

export interface PlanLimits {
  /** Partners that had their chance. */
  without?: (candidate: AgreementCandidate) => boolean
  /** What the home agreed to: nobody dearer comes while it pays. */
  agreed?: Charge
}

export async function planVisit(
  core: Core,
  work: Work,
  cases: readonly CaseRecord[],
  { without, agreed }: PlanLimits = {},
): Promise<VisitPlan> {
  const facts = await Promise.all(cases.map((record) => caseFacts(work, record)))
  const jobs = facts.map((one) => jobOf(core, one))
  const region = cases[0]?.region ?? null
  const needs: VisitNeeds = {
    region,
    jobs: jobs.map((job) => job.code),
    skills: [...new Set(facts.flatMap((one) => one.service?.skills ?? []))],
    certifications: [...new Set(jobs.flatMap((job) => job.certifications ?? []))],
  }
  const agreements = await work.tx
    .selectFrom('agreements')
    .select(['agreement_id', 'partner_key', 'partner_name', 'document', 'updated_at_ms'])
    .where('brand_id', '=', work.brandId)
    .where('active', '=', true)
    .where('partner_state', '=', 'active')
    .execute()
  const priced = jobs.map((job) => ({ code: job.code, parts: job.parts ?? [] }))
  const recent = await recentAnswers(
    work,
    agreements.map((row) => row.partner_key),
  )
  const ratings = await ratingsOfAgreements(
    work,
    agreements.map((row) => row.agreement_id),
  )
  const repairer = facts.find((one) => one.failedRepair !== null)?.failedRepair?.partnerKey ?? null
  const able = rankPartners(
    agreements.map((row) => ({
      agreementId: row.agreement_id,
      partnerKey: row.partner_key,
      partnerName: row.partner_name,
      document: row.document,
      totalMinor: totalOf(priceLines(row.document, priced)),
      recent: recent.get(row.partner_key) ?? { answered: 0, taken: 0 },
      ratings: ratings.get(row.agreement_id) ?? null,
      changedAtMs: row.updated_at_ms,
    })),
    needs,
    repairer,
    facts.some((one) => coverOf(one, null, work.atMs).payer === 'homeowner'),
  )
  const left = without ? able.filter((candidate) => !without(candidate)) : able
  const closed = await partnerGates(work)
  const open = left.filter((one) => !closed.has(one.partnerKey))
  const [first] = open
  const parts = await visitParts(work, jobs, region)
  const charge = first ? chargeOf(first, facts, priced, parts, work.atMs) : null
  const price = agreed ?? charge
  // The price shown is the price paid: a dearer partner is not named while the home pays.
  const candidates = open
    .filter(
      (one) =>
        price?.payer !== 'homeowner' || chargeOf(one, facts, priced, parts, work.atMs).totalMinor <= price.totalMinor,
    )
    .slice(0, PARTNERS_OFFERED_MAX)
  return {
    facts,
    jobs,
    needs,
    candidates,
    charge,
    partLeadMs: parts.leadMs,
    visitMs: visitMsOf(jobs),
    gated: open.length < left.length,
  }
}

/** Jobs of one visit are done one after the other. */
function visitMsOf(jobs: readonly JobTemplate[]): number {
  const fallbackMs = durationMs(LANGUAGE_FALLBACK_DURATION)!
  return jobs.reduce((sum, job) => sum + (durationMs(job.duration) ?? fallbackMs), 0)
}

/** Who pays for one need; whose failed repair it was matters only once it is known who comes. */
function coverOf(facts: CaseFacts, partnerKey: string | null, atMs: number): CoverageAnswer {
  const { device, failedRepair } = facts
  return coverageOf({
    product: facts.product ?? {},
    component: facts.record.component,
    purchasedAtMs: device?.purchasedAtMs ?? null,
    installedAtMs: device?.installedAtMs ?? null,
    extended: device?.extended ?? null,
    atMs,
    rework: failedRepair === null ? null : failedRepair.partnerKey === partnerKey ? 'own' : 'of_another',
  })
}

function chargeOf(
  { document: agreement, partnerKey }: Pick<AgreementCandidate, 'document' | 'partnerKey'>,
  facts: readonly CaseFacts[],
  jobs: readonly PricedJob[],
  parts: VisitParts,
  atMs: number,
): Charge {
  const covers = facts.map((one) => coverOf(one, partnerKey, atMs))
  // One visit has one payer: the homeowner's part decides, so that nothing is shown as free that is not. What somebody
  // else covers stands among the lines at nothing, and with it the way there: they would have had to send somebody anyway.
  const cover = covers.find((one) => one.payer === 'homeowner') ?? covers[0]!
  const own = jobs.filter((_, index) => covers[index]!.payer === cover.payer)
  const covering = cover.payer === 'homeowner' ? covers.find((one) => one.payer !== 'homeowner') : undefined
  const lines = priceLines(agreement, own, parts.names).map((line) =>
    covering && line.kind === 'inspection' ? { ...line, amountMinor: 0, coveredBy: covering.payer } : line,
  )
  for (const [index, { payer }] of covers.entries()) {
    if (payer === cover.payer) continue
    const covered = priceLines(agreement, [jobs[index]!], parts.names).filter((line) => line.kind !== 'inspection')
    lines.push(...covered.map((line) => ({ ...line, amountMinor: 0, coveredBy: payer })))
  }
  return {
    currency: agreement.currency ?? MINOR_CURRENCY,
    payer: cover.payer,
    coverage: cover.coverage,
    lines,
    totalMinor: totalOf(lines),
    collectedBy: cover.payer === 'homeowner' ? 'partner' : 'brand',
    quoteVersion: 1,
  }
}

export function evidenceItems(facts: CaseFacts): EvidenceItem[] {
  const { rule_key: rule, rule_version: ruleVersion } = facts.record
  if (rule === null || ruleVersion === null) return []
  return facts.record.evidence.map((leaf) => ({
    rule,
    ruleVersion,
    metric: leaf.metric,
    name: metricName(facts.product, leaf.metric),
    value: leaf.value,
    op: leaf.op,
    limit: leaf.limit,
    unit: leaf.unit,
    since: instant(leaf.sinceMs),
    series: thinned(leaf.series, SERIES_POINTS_MAX).map(([atMs, value]) => [instant(atMs), value]),
  }))
}

/** At most `count` of the points, evenly, the last always among them. */
export function thinned<T>(points: readonly T[], count: number): T[] {
  if (points.length <= count) return [...points]
  return Array.from({ length: count }, (_, i) => points[Math.round(((i + 1) * points.length) / count) - 1]!)
}

export async function offerTerms(
  core: Core,
  work: Work,
  cases: readonly CaseRecord[],
  home: HomeFacts,
): Promise<OfferTerms | null> {
  const plan = await planVisit(core, work, cases)
  const [first] = plan.candidates
  if (!first || !plan.charge) return null
  const severities: Severity[] = ['critical', 'warning', 'info']
  return {
    brand: await brandWords(work),
    locale: home.locale,
    timeZone: home.timeZone,
    urgency: severities.find((severity) => cases.some((record) => record.severity === severity)) ?? 'info',
    safety: cases.find((record) => record.safety !== null)?.safety ?? null,
    needs: plan.facts.map((facts, index) => needOf(facts, plan.jobs[index]!, work.atMs)),
    why: whyOf(plan.facts[0]!, work.atMs),
    charge: plan.charge,
    partners: plan.candidates.map((one) => ({
      key: one.partnerKey,
      name: { en: one.partnerName, 'zh-CN': one.partnerName },
      shares: [...SHARED_DATA_KINDS],
    })),
    hours: first.document.hours ? { hours: first.document.hours } : {},
    partLeadMs: plan.partLeadMs,
    visitMs: plan.visitMs,
    consentText: CONSENT_TEXT,
  }
}

function whyOf(facts: CaseFacts, atMs: number): Text {
  const rule = facts.rule ?? {
    name: facts.record.cause?.text ?? componentName(facts.product, facts.record.component),
  }
  return whyInPlainWords({ rule, product: facts.product, evidence: facts.record.evidence, atMs })
}

function needOf(facts: CaseFacts, job: JobTemplate, atMs: number): OfferNeed {
  const { product, record } = facts
  const own = facts.service?.selfService
  const guide = job.selfService && (!own || own.guide === job.selfService.guide) ? job.selfService : own
  return {
    caseId: record.case_id,
    device: {
      category: product?.category ?? 'appliance',
      name: product?.name ?? { en: record.product_key, 'zh-CN': record.product_key },
      serial: facts.device?.serial ?? '',
    },
    component: { key: record.component, name: componentName(product, record.component) },
    cause: whyOf(facts, atMs),
    job: {
      code: job.code,
      title: job.title,
      duration: durationMs(job.duration) === null ? LANGUAGE_FALLBACK_DURATION : job.duration,
    },
    evidence: evidenceItems(facts),
    selfService: guide ? { ...guide, ...(own ? { minutes: own.minutes } : {}) } : null,
  }
}
