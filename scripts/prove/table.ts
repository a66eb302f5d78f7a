/** The value below which this share of the numbers lies (nearest rank); 0 of nothing. */
export function quantile(numbers: readonly number[], share: number): number {
  const sorted = [...numbers].sort((a, b) => a - b)
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0
}

export type Row = readonly [what: string, ...values: (string | number)[]]

/** Rows in columns for a terminal: what on the left, numbers to the right. */
export function table(rows: readonly Row[]): string[] {
  const columns = Math.max(...rows.map((row) => row.length))
  const texts = rows.map((row) => row.map((cell) => (typeof cell === 'number' ? round(cell) : cell)))
  const widths = Array.from({ length: columns }, (_, i) => Math.max(...texts.map((row) => row[i]?.length ?? 0)))
  return texts.map((row) =>
    row
      .map((cell, i) => (i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!)))
      .join('  ')
      .trimEnd(),
  )
}

function round(value: number): string {
  return Number.isInteger(value) ? String(value) : value.toFixed(Math.abs(value) < 10 ? 2 : 1)
}

/** In percent, or a dash when there was nothing to count. */
export function percent(part: number, whole: number): string {
  return whole === 0 ? '–' : `${((100 * part) / whole).toFixed(1)} %`
}

/** How often each word occurs, the most frequent first. */
export function tally(words: Iterable<string>): Record<string, number> {
  const counts = new Map<string, number>()
  for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1)
  return Object.fromEntries([...counts].sort((a, b) => b[1] - a[1]))
}
