import type { AgreementDocument, Severity } from '#contracts'
import { durationMs } from '#platform'
import type { Work } from '../core.ts'
import type { VisitPlan } from '../orders/visit-plan.ts'
import type { CaseRecord } from './case-record.ts'

const DAY_MS = 86_400_000
/** Without a word of the agreement a partner comes within this. */
const APPOINTMENT_MS = 3 * DAY_MS
/** People answer when they are at home and have talked it over. */
const ANSWER_MS = 3 * DAY_MS

/**
 * The early date (nine in ten such parts last longer) up to which a need is only foreseen, by the newest night, or else
 * by what was known when the alert fired; `null` for a need that something measured stands behind, a person reported, or
 * that is a danger: those wait for nothing.
 */
async function foreseenDueMs(work: Work, record: CaseRecord): Promise<number | null> {
  if (record.safety !== null || record.wanted || record.severity === 'critical') return null
  if (
    record.evidence.length === 0 ||
    record.evidence.some(({ forecast, metric }) => !forecast && !OF_CALENDAR.has(metric))
  )
    return null
  const said = record.evidence.flatMap(({ forecast }) => (forecast ? [forecast.p10Ms] : []))
  if (said.length === 0) return null
  const night = await work.tx
    .selectFrom('component_health')
    .select(['p10_days', 'updated_at_ms'])
    .where('brand_id', '=', work.brandId)
    .where('device_id', '=', record.device_id)
    .where('component', '=', record.component)
    .where('updated_at_ms', '>', record.opened_at_ms)
    .executeTakeFirst()
  if (night?.p10_days != null) return night.updated_at_ms + night.p10_days * DAY_MS
  return Math.min(...said)
}

/** What the calendar says is true of many appliances that are well. */
const OF_CALENDAR: ReadonlySet<string> = new Set(['season', 'age'])

/** How long before a date a home is asked: for its answer, the part in its region, and the partner to come. */
function leadMsOf(plan: Pick<VisitPlan, 'partLeadMs' | 'candidates'>): number {
  const [first] = plan.candidates
  return plan.partLeadMs + (first ? appointmentMs(first.document) : APPOINTMENT_MS) + ANSWER_MS
}

function appointmentMs({ sla, hours }: Pick<AgreementDocument, 'sla' | 'hours'>): number {
  const arrive = sla?.arrive === undefined ? null : durationMs(sla.arrive)
  return Math.max(arrive ?? APPOINTMENT_MS, hours?.lead === undefined ? 0 : (durationMs(hours.lead) ?? 0))
}

/** When the home is to be asked about needs that are all only foreseen; `null`: at once. */
export async function askAtMs(
  work: Work,
  cases: readonly CaseRecord[],
  plan: Pick<VisitPlan, 'partLeadMs' | 'candidates'>,
): Promise<number | null> {
  const dues = await Promise.all(cases.map((record) => foreseenDueMs(work, record)))
  if (dues.some((due) => due === null)) return null
  return Math.min(...(dues as number[])) - leadMsOf(plan)
}

/**
 * How urgent an offer is: as the worst of its alerts; what part and visit would come too late for is no mere
 * information. A forecast alone never makes it critical.
 */
export function urgencyOf(worst: Severity, askMs: number | null, atMs: number): Severity {
  return worst === 'info' && askMs !== null && askMs < atMs - DAY_MS ? 'warning' : worst
}
