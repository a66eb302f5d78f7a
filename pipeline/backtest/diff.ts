import type { BacktestEpisode } from './backtest-result.ts'

/** What another version of a rule changes, episode by episode. */
export interface BacktestDiff {
  added: BacktestEpisode[]
  removed: BacktestEpisode[]
  /** Found by both, opened or ended at another time. */
  moved: { before: BacktestEpisode; after: BacktestEpisode; openedLaterMs: number }[]
  same: number
}

/**
 * Pairs the episodes of two runs over the same span: those of one device and component whose stays
 * overlap, longest overlap first, each in one pair at most.
 */
export function diffEpisodes(before: readonly BacktestEpisode[], after: readonly BacktestEpisode[]): BacktestDiff {
  const place = ({ device, component }: BacktestEpisode): string => `${device} ${component}`
  const byPlace = Map.groupBy(after, place)
  const pairs = before
    .flatMap((a) => (byPlace.get(place(a)) ?? []).map((b) => ({ a, b, overlapMs: overlap(a, b) })))
    .filter(({ overlapMs }) => overlapMs >= 0)
    .sort((x, y) => y.overlapMs - x.overlapMs || (x.a.startedAt < y.a.startedAt ? -1 : 1))
  const takenBefore = new Set<BacktestEpisode>()
  const takenAfter = new Set<BacktestEpisode>()
  const diff: BacktestDiff = { added: [], removed: [], moved: [], same: 0 }
  for (const { a, b } of pairs) {
    if (takenBefore.has(a) || takenAfter.has(b)) continue
    takenBefore.add(a)
    takenAfter.add(b)
    if (a.openedAt === b.openedAt && a.resolvedAt === b.resolvedAt) diff.same++
    else diff.moved.push({ before: a, after: b, openedLaterMs: Date.parse(b.openedAt) - Date.parse(a.openedAt) })
  }
  diff.removed = before.filter((episode) => !takenBefore.has(episode))
  diff.added = after.filter((episode) => !takenAfter.has(episode))
  return diff
}

/** How long two stays have in common; negative when they are apart. */
function overlap(a: BacktestEpisode, b: BacktestEpisode): number {
  const end = ({ resolvedAt }: BacktestEpisode): number =>
    resolvedAt === null ? Number.MAX_SAFE_INTEGER : Date.parse(resolvedAt)
  return Math.min(end(a), end(b)) - Math.max(Date.parse(a.startedAt), Date.parse(b.startedAt))
}
