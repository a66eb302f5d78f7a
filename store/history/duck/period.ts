/** One file holds the arrivals of a week: few enough files to open them all, small enough to drop one at a time. */
export const PERIOD_MS = 7 * 86_400_000
/** The epoch was a Thursday; weeks here begin on Monday, in UTC. */
const MONDAY_MS = 4 * 86_400_000

/** Start of the week a time of arrival falls into. */
export function periodStart(receivedAtMs: number): number {
  return Math.floor((receivedAtMs - MONDAY_MS) / PERIOD_MS) * PERIOD_MS + MONDAY_MS
}

const FILE_NAME = /^readings-(\d{4}-\d{2}-\d{2})\.(\d+)\.duckdb$/

/** A rewritten file gets the next generation, so that it stands beside the old one until it is complete. */
export function fileName(startMs: number, generation: number): string {
  return `readings-${new Date(startMs).toISOString().slice(0, 10)}.${generation}.duckdb`
}

export function parseFileName(name: string): { startMs: number; generation: number } | null {
  const [, day, generation] = FILE_NAME.exec(name) ?? []
  return day ? { startMs: Date.parse(day), generation: Number(generation) } : null
}
