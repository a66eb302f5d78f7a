import type { Charge, JobPart, JobTemplate } from '#contracts'
import { durationMs } from '#platform'
import type { CaseRecord } from '../cases/case-record.ts'
import { partnerGates } from '../cases/gate.ts'
import type { Core, Work } from '../core.ts'
import { type CaseFacts, caseFacts } from '../facts.ts'
import { componentName } from '../notices/plain-words.ts'
import { PARTNERS_OFFERED_MAX } from '../policy.ts'
import { type AgreementCandidate, rankPartners, type VisitNeeds } from './partner-choice.ts'
import { type PricedJob, priceLines, totalOf } from './price.ts'
import { ratingsOfAgreements } from './rating.ts'
import { recentAnswers } from './recent-answers.ts'
import { type VisitParts, visitParts } from './visit-parts.ts'
import { type CoverageAnswer, coverageOf } from './warranty.ts'

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
/** Of a job that says nothing of how long it takes. */
export const FALLBACK_DURATION = 'PT1H'

/** The rule's job from the catalog, with the rule's own parts and duration laid over it. */
function jobOf(core: Core, facts: CaseFacts): JobTemplate {
  const { service } = facts
  const code = service?.job ?? 'inspect'
  const known = core.jobTemplateOf(code)
  const component = componentName(facts.product, facts.record.component)
  const base: JobTemplate = known ?? {
    code,
    title: { en: `Check the ${component.en}`, 'zh-CN': `检查${component['zh-CN']}` },
    kind: 'inspect',
    duration: FALLBACK_DURATION,
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

/** What a plan is made from, whoever had their chance and whatever was agreed. */
interface Ground {
  facts: CaseFacts[]
  jobs: JobTemplate[]
  needs: VisitNeeds
  /** Who can do all of it, in rank. */
  able: AgreementCandidate[]
  closed: ReadonlySet<string>
  priced: PricedJob[]
  parts: VisitParts
}

/** By transaction: guards and effects of one happening ask for the same visit again and again. */
const grounds = new WeakMap<Work, Map<string, Promise<Ground>>>()

export async function planVisit(
  core: Core,
  work: Work,
  cases: readonly CaseRecord[],
  { without, agreed }: PlanLimits = {},
): Promise<VisitPlan> {
  const ground = await groundOf(core, work, cases)
  const { jobs, needs, able, closed, priced, parts } = ground
  // What was read of a case before it moved on is read no more.
  const facts = ground.facts.map((one, index) => ({ ...one, record: cases[index]! }))
  const left = without ? able.filter((candidate) => !without(candidate)) : able
  const open = left.filter((one) => !closed.has(one.partnerKey))
  const [first] = open
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

function groundOf(core: Core, work: Work, cases: readonly CaseRecord[]): Promise<Ground> {
  const ofWork = grounds.get(work) ?? new Map<string, Promise<Ground>>()
  grounds.set(work, ofWork)
  // An order or a repair since makes it another visit.
  const key = cases.map((record) => `${record.case_id} ${record.orders} ${record.attempts}`).join(' ')
  const ground = ofWork.get(key) ?? readGround(core, work, cases)
  ofWork.set(key, ground)
  return ground
}

async function readGround(core: Core, work: Work, cases: readonly CaseRecord[]): Promise<Ground> {
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
    facts.find((one) => one.failedRepair !== null)?.failedRepair?.partnerKey ?? null,
    facts.some((one) => coverOf(one, null, work.atMs).payer === 'homeowner'),
  )
  const [closed, parts] = [await partnerGates(work), await visitParts(work, jobs, region)]
  return { facts, jobs, needs, able, closed, priced, parts }
}

/** Jobs of one visit are done one after the other. */
function visitMsOf(jobs: readonly JobTemplate[]): number {
  const fallbackMs = durationMs(FALLBACK_DURATION)!
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
