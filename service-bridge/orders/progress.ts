import { PARTNER_STATUS_RANK, type PartnerStatus } from '#contracts'

/** How far an order is, as its partner last said. */
export interface Progress {
  visit: number
  rank: number
  status: PartnerStatus | null
  /** When the partner says that was. */
  atMs: number
}

export const TERMINAL_RANK = 9

export type ProgressAnswer =
  | { kind: 'advance'; progress: Progress }
  /** Lower or equal (visit, rank): stored, changes nothing. */
  | { kind: 'old' }
  /** Said beside the order of progress: an objection or a quote. */
  | { kind: 'aside' }
  /** A second terminal status that says something else than the first. */
  | { kind: 'contradiction' }

/** The visit is over and the order is not: parts are awaited, or somebody was absent. */
const LEFT_RANK = 6
/** The same, said with `completed`: some of it is done, some could not be reached. */
const PARTLY_DONE_RANK = 7

/**
 * Orders what a partner says by (visit, rank), so that late, repeated and shuffled messages
 * do no harm. The first terminal status wins. A quote is ordered by its own version instead: it may
 * come before anybody accepted as well as from the middle of a visit, and makes no step of its own.
 */
export function progressTo(
  present: Progress,
  said: { status: PartnerStatus; visit: number; atMs: number; partlyDone?: boolean },
): ProgressAnswer {
  const rank = said.partlyDone ? PARTLY_DONE_RANK : PARTNER_STATUS_RANK[said.status]
  if (rank === null || said.status === 'quoted') return { kind: 'aside' }
  if (present.rank === TERMINAL_RANK) {
    return rank === TERMINAL_RANK && said.status !== present.status ? { kind: 'contradiction' } : { kind: 'old' }
  }
  const newer = said.visit > present.visit || (said.visit === present.visit && rank > present.rank)
  // A date may move again and again within one rank; its own time says which is the last.
  const moved =
    said.status === 'rescheduled' && said.visit === present.visit && rank === present.rank && said.atMs > present.atMs
  if (!newer && !moved) return { kind: 'old' }
  return { kind: 'advance', progress: { visit: said.visit, rank, status: said.status, atMs: said.atMs } }
}

/** Which trip to the home is under way or comes next. */
export function comingVisit(present: Pick<Progress, 'visit' | 'rank'>): number {
  return present.rank >= LEFT_RANK && present.rank < TERMINAL_RANK ? present.visit + 1 : present.visit
}

/** Statuses that would count now, of the visit under way or to come: what the technician's page offers. */
export function allowedStatuses(present: Progress): PartnerStatus[] {
  if (present.rank === TERMINAL_RANK) return []
  const all = Object.keys(PARTNER_STATUS_RANK) as PartnerStatus[]
  const visit = comingVisit(present)
  return all.filter(
    (status) => status === 'quoted' || progressTo(present, { status, visit, atMs: Infinity }).kind === 'advance',
  )
}
