import type { AgreementDocument } from '#contracts'
import {
  ACCEPTANCE_SHARE_MIN,
  RATINGS_MIN,
  RECENT_ANSWERS_MIN,
  SOLVED_SHARE_MIN,
  STARS_GOOD,
  STARS_MIN,
} from '../policy.ts'
import type { PartnerRatings } from '../views.ts'

/** What a visit asks of whoever comes. */
export interface VisitNeeds {
  region: string | null
  jobs: readonly string[]
  skills: readonly string[]
  certifications: readonly string[]
}

export interface AgreementCandidate {
  agreementId: string
  partnerKey: string
  partnerName: string
  document: AgreementDocument
  /** What the visit would cost under this agreement. */
  totalMinor: number
  /** How it answered its latest orders. */
  recent: RecentAnswers
  /** What homes thought of its visits; `null` without any stars. */
  ratings: PartnerRatings | null
  /** When the agreement last changed. */
  changedAtMs: number
}

export interface RecentAnswers {
  /** Orders it took, refused, or let lapse. */
  answered: number
  taken: number
}

/** A partner that lets orders lapse or refuses them is asked after all others; too few answers say nothing. */
function isReluctant({ answered, taken }: RecentAnswers): boolean {
  return answered >= RECENT_ANSWERS_MIN && taken / answered < ACCEPTANCE_SHARE_MIN
}

/**
 * What homes make of a partner: 1 well thought of, -1 badly, 0 neither or too few stars to say. Steps and no finer, so
 * that one home's stars do not move the work of a whole city.
 */
function esteem(ratings: PartnerRatings | null): -1 | 0 | 1 {
  if (!ratings || ratings.count < RATINGS_MIN) return 0
  const stars = ((ratings.attitude ?? 0) + (ratings.quality ?? 0) + (ratings.speed ?? 0)) / 3
  if (stars < STARS_MIN || (ratings.solvedShare ?? 0) < SOLVED_SHARE_MIN) return -1
  return stars >= STARS_GOOD ? 1 : 0
}

/** Why an agreement does not serve a visit; `null` when it does. */
export function unsuitable(document: AgreementDocument, needs: VisitNeeds): string | null {
  const { region } = needs
  if (region === null) return 'the region of the home is not known'
  if (!document.coverage.some((prefix) => region.startsWith(prefix))) return `region ${region} is not covered`
  const job = document.services && needs.jobs.find((code) => !document.services?.includes(code))
  if (job) return `job ${job} is not part of the agreement`
  const skill = needs.skills.find((wanted) => !document.skills.includes(wanted))
  if (skill) return `skill ${skill} is missing`
  const certification = needs.certifications.find((wanted) => !document.certifications?.includes(wanted))
  return certification ? `certification ${certification} is missing` : null
}

/** How closely an agreement names the region: the longest matching prefix. A local partner goes before a national one. */
function closeness(document: AgreementDocument, region: string): number {
  return Math.max(0, ...document.coverage.filter((prefix) => region.startsWith(prefix)).map((prefix) => prefix.length))
}

/** A partner the brand named goes first, one with a fixed price before one that bids for each job. */
const MODES = ['named', 'fixed', 'bids'] as const

function modeOf(document: AgreementDocument): number {
  return MODES.indexOf(document.settlement?.mode ?? 'fixed')
}

/** What the brand would owe the partner: the agreed settlement where there is one, else the price list. */
function costOf({ document, totalMinor }: AgreementCandidate): number {
  const { settlement } = document
  return settlement && settlement.mode !== 'bids' ? settlement.amountMinor : totalMinor
}

/**
 * Those that can come, the one to ask first at the front: whoever made a repair that did not hold, then those
 * that usually come and those homes do not complain of, the cheapest of them for the home where it pays, the brand's own
 * choice, the cheapest for the brand, the well thought of, the most local, and by key so that the order is stable.
 */
export function rankPartners<C extends AgreementCandidate>(
  candidates: readonly C[],
  needs: VisitNeeds,
  repairer: string | null = null,
  homePays = true,
): C[] {
  const region = needs.region ?? ''
  return candidates
    .filter((candidate) => unsuitable(candidate.document, needs) === null)
    .sort(
      (a, b) =>
        Number(b.partnerKey === repairer) - Number(a.partnerKey === repairer) ||
        Number(isReluctant(a.recent)) - Number(isReluctant(b.recent)) ||
        Number(esteem(a.ratings) < 0) - Number(esteem(b.ratings) < 0) ||
        (homePays ? a.totalMinor - b.totalMinor : 0) ||
        modeOf(a.document) - modeOf(b.document) ||
        costOf(a) - costOf(b) ||
        esteem(b.ratings) - esteem(a.ratings) ||
        closeness(b.document, region) - closeness(a.document, region) ||
        (a.partnerKey < b.partnerKey ? -1 : 1),
    )
}
