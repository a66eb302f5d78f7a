import {
  type AgreementDocument,
  type Charge,
  type EvidenceItem,
  instant,
  type JobTemplate,
  type OfferNeed,
  type OfferPartner,
  type SafetyKind,
  type Severity,
  type Text,
} from '#contracts'
import { durationMs } from '#platform'
import type { CaseRecord } from '../cases/case-record.ts'
import { askAtMs, urgencyOf } from '../cases/foreseen.ts'
import type { Core, Work } from '../core.ts'
import { brandWords, type CaseFacts, type HomeFacts } from '../facts.ts'
import { CONSENT_TEXT, SHARED_DATA_KINDS } from '../homes/consent-text.ts'
import { componentName, metricName, whyInPlainWords } from '../notices/plain-words.ts'
import { FALLBACK_DURATION, planVisit } from '../orders/visit-plan.ts'
import { SERIES_POINTS_MAX } from '../policy.ts'

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
  const worst = severities.find((severity) => cases.some((record) => record.severity === severity)) ?? 'info'
  return {
    brand: await brandWords(work),
    locale: home.locale,
    timeZone: home.timeZone,
    urgency: urgencyOf(worst, await askAtMs(work, cases, plan), work.atMs),
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
      duration: durationMs(job.duration) === null ? FALLBACK_DURATION : job.duration,
    },
    evidence: evidenceItems(facts),
    selfService: guide ? { ...guide, ...(own ? { minutes: own.minutes } : {}) } : null,
  }
}
