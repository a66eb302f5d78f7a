/** A label may be rounded, or a row repeated: this share of steps must count down. */
const COUNTS_DOWN_LEAST = 0.95
/** A step counts down when remaining life falls by what time rose, give or take a tenth. */
const STEP_TOLERANCE = 0.1

/**
 * Whether a column of "remaining life" is one: it must fall as time passes, second by second.
 * Brought histories have had their headings swapped; a model fitted on a column that rises or stands still
 * would be confidently wrong. Compares the sum of falls with the time passed between rows. O(n).
 * False for fewer than two rows.
 *
 * @example countsDown([0, 1, 2], [9, 8, 7]) // => true
 */
export function countsDown(times: ArrayLike<number>, remaining: ArrayLike<number>): boolean {
  let right = 0
  let steps = 0
  for (let i = 1; i < times.length; i++) {
    const passed = times[i]! - times[i - 1]!
    if (!(passed > 0)) continue
    steps += 1
    if (Math.abs(remaining[i - 1]! - remaining[i]! - passed) <= STEP_TOLERANCE * passed) right += 1
  }
  return steps > 0 && right >= COUNTS_DOWN_LEAST * steps
}
