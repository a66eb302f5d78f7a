import { quantileSorted } from 'simple-statistics'
import { solveSymmetric } from './weighted-ridge.ts'

/** What several sensors of one machine do together when it is well. Plain, for a versioned model. */
export interface MultivariateBaseline {
  means: number[]
  sds: number[]
  /** Inverse of the correlations, a little of the identity added: row by row. */
  precision: number[]
  /** Distance that the healthy rows stay below. */
  threshold: number
}

/** Readings over which sensors are smoothed: a fault lasts, a glitch does not. */
const MEMORY = 9
/** Added to every correlation of a sensor with itself: directions the healthy rows hardly used are not trusted to be impossible. */
const RIDGE = 0.3
/** Rows at the start whose smoothing has not settled. */
const SETTLING = 20
/** Of the healthy rows' distances this one is the usual worst; the threshold lies several times beyond, for what a short past has not shown. */
const USUAL_WORST = 0.999
const BEYOND = 5
/** Healthy rows per sensor, at least: fewer do not say how sensors go together. */
const ROWS_PER_SENSOR = 10

/**
 * Learns from rows of a healthy time how sensors stand and how they go together.
 * Mahalanobis distance on smoothed, standardised sensors (Hotelling's T², 1931, with a ridge on the correlations, which
 * also keeps what principal components would call the residual, Q): a pump whose current is high is well when its
 * flow is high too. The threshold is a multiple of the worst usual distance, by simple-statistics' `quantileSorted`.
 *
 * O(n·k² + k³). Null with too few rows.
 */
export function fitMultivariateBaseline(rows: readonly (readonly number[])[]): MultivariateBaseline | null {
  const healthy = rows.filter((row) => row.every(Number.isFinite))
  const size = healthy[0]?.length ?? 0
  if (size === 0 || healthy.length < SETTLING + ROWS_PER_SENSOR * size) return null
  const smoother = new RowSmoother()
  const smooth = healthy.map((row) => [...smoother.update(row)])
  const mean = (of: (row: readonly number[]) => number) => smooth.reduce((sum, row) => sum + of(row), 0) / smooth.length
  const means = Array.from({ length: size }, (_, k) => mean((row) => row[k]!))
  const sds = means.map((m, k) => Math.sqrt(mean((row) => (row[k]! - m) ** 2)) || 1)
  const standing = smooth.map((row) => row.map((value, k) => (value - means[k]!) / sds[k]!))
  const correlations = new Float64Array(size * size)
  for (const row of standing)
    for (let a = 0; a < size; a++)
      for (let b = 0; b <= a; b++) correlations[a * size + b]! += (row[a]! * row[b]!) / standing.length
  for (let a = 0; a < size; a++) correlations[a * size + a]! += RIDGE
  const precision = means.flatMap((_, column) => {
    const unitVector = Float64Array.from({ length: size }, (_, row) => (row === column ? 1 : 0))
    return solveSymmetric(correlations.slice(), unitVector)!
  })
  const distances = standing
    .slice(SETTLING)
    .map((row) => distanceOf(precision, row))
    .sort((a, b) => a - b)
  return { means, sds, precision, threshold: BEYOND * quantileSorted(distances, USUAL_WORST) }
}

function distanceOf(precision: readonly number[], standing: readonly number[]): number {
  return partsOf(precision, standing).reduce((sum, part) => sum + part, 0)
}

/** zₖ (P z)ₖ: what each sensor adds to the distance. */
function partsOf(precision: readonly number[], standing: readonly number[]): number[] {
  const size = standing.length
  return standing.map((z, a) => z * standing.reduce((sum, other, b) => sum + precision[a * size + b]! * other, 0))
}

export interface MultivariateScore {
  /** 0 usual, 0.5 at the threshold, towards 1. */
  score: number
  /** Each sensor's share of the distance; they add up to 1. A share below 0 makes the reading more usual. */
  shares: number[]
}

/** Follows a machine against its healthy baseline. O(k²) per row, state of k numbers. Null for a row with a silent sensor. */
export class MultivariateAnomaly {
  readonly #baseline: MultivariateBaseline
  readonly #smoother: RowSmoother

  constructor(baseline: MultivariateBaseline, saved?: SavedRow) {
    this.#baseline = baseline
    this.#smoother = new RowSmoother(saved)
  }

  update(row: readonly number[]): MultivariateScore | null {
    if (!row.every(Number.isFinite)) return null
    const { means, sds, precision, threshold } = this.#baseline
    const standing = this.#smoother.update(row).map((value, k) => (value - means[k]!) / sds[k]!)
    const parts = partsOf(precision, standing)
    const distance = parts.reduce((sum, part) => sum + part, 0)
    if (!(distance > 0)) return { score: 0, shares: parts.map(() => 0) }
    return { score: distance / (distance + threshold), shares: parts.map((part) => part / distance) }
  }

  save(): SavedRow {
    return this.#smoother.save()
  }
}

export interface SavedRow {
  count: number
  row: number[]
}

class RowSmoother {
  #count: number
  #row: number[]

  constructor(saved: SavedRow = { count: 0, row: [] }) {
    this.#count = saved.count
    this.#row = [...saved.row]
  }

  update(row: readonly number[]): readonly number[] {
    this.#count += 1
    const share = Math.max(1 / MEMORY, 1 / this.#count)
    this.#row = row.map((value, k) => (this.#count === 1 ? value : this.#row[k]! + share * (value - this.#row[k]!)))
    return this.#row
  }

  save(): SavedRow {
    return { count: this.#count, row: [...this.#row] }
  }
}
