/** Further apart than this, two names are not a slip of the finger. */
const EDITS_MAX = 3

/** ` Did you mean filter_dp_pa?`, or nothing when no known name is near. */
export function didYouMean(name: string, known: Iterable<string>): string {
  let best: string | null = null
  let fewest = Math.min(EDITS_MAX, Math.floor(name.length / 2)) + 1
  for (const candidate of known) {
    const edits = distance(name.toLowerCase(), candidate.toLowerCase())
    if (edits < fewest) {
      fewest = edits
      best = candidate
    }
  }
  return best === null ? '' : ` Did you mean ${best}?`
}

/** Levenshtein: insertions, deletions and replacements that turn one text into the other. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++)
      next.push(Math.min(next[j - 1]! + 1, row[j]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)))
    row = next
  }
  return row[b.length]!
}
