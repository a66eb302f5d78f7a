/** One observation: what was known, what came of it, and how much it counts. */
export interface RidgeRow {
  inputs: readonly number[]
  target: number
  weight: number
}

/**
 * Coefficients of a weighted least-squares fit through the origin whose coefficients are pulled
 * towards zero, each with its own strength: the answer to "how much does each input move the
 * target, when few observations must not be over-read". Centre inputs and target first; then
 * zero means "the average is the best guess".
 *
 * Minimises Σ w (target − β·inputs)² + Σ penaltyₖ βₖ² by the normal equations and Cholesky's
 * decomposition. Source: Hoerl and Kennard, "Ridge regression", Technometrics 12 (1970).
 * ml-regression has neither weights nor penalties; with all weights 1 and penalties 0 the answer
 * is its MultivariateLinearRegression's, which the test compares.
 *
 * O(n·k² + k³). Null when the observations say nothing about some input and no penalty decides.
 *
 * @example weightedRidge([{ inputs: [1], target: 2, weight: 1 }], [1]) // => [1]
 */
export function weightedRidge(rows: readonly RidgeRow[], penalties: readonly number[]): number[] | null {
  const size = penalties.length
  const normal = new Float64Array(size * size)
  const right = new Float64Array(size)
  for (const { inputs, target, weight } of rows)
    for (let a = 0; a < size; a++) {
      const scaled = weight * inputs[a]!
      right[a]! += scaled * target
      for (let b = 0; b <= a; b++) normal[a * size + b]! += scaled * inputs[b]!
    }
  for (let a = 0; a < size; a++) normal[a * size + a]! += penalties[a]!
  return solveSymmetric(normal, right)
}

/** Solves A x = b for a symmetric, positive definite A given by its lower triangle; overwrites both. Null otherwise. */
export function solveSymmetric(lower: Float64Array, right: Float64Array): number[] | null {
  const size = right.length
  for (let col = 0; col < size; col++) {
    const before = lower[col * size + col]!
    let pivot = before
    for (let k = 0; k < col; k++) pivot -= lower[col * size + k]! ** 2
    // What is left of a column that the others explain is rounding, not information.
    if (!(pivot > 1e-12 * Math.abs(before))) return null
    const root = Math.sqrt(pivot)
    lower[col * size + col] = root
    for (let row = col + 1; row < size; row++) {
      let sum = lower[row * size + col]!
      for (let k = 0; k < col; k++) sum -= lower[row * size + k]! * lower[col * size + k]!
      lower[row * size + col] = sum / root
    }
  }
  for (let row = 0; row < size; row++) {
    let sum = right[row]!
    for (let k = 0; k < row; k++) sum -= lower[row * size + k]! * right[k]!
    right[row] = sum / lower[row * size + row]!
  }
  for (let row = size - 1; row >= 0; row--) {
    let sum = right[row]!
    for (let k = row + 1; k < size; k++) sum -= lower[k * size + row]! * right[k]!
    right[row] = sum / lower[row * size + row]!
  }
  return [...right]
}
