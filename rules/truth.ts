import type { Comparison } from '#contracts'
import { FALSE, TRUE, type UNKNOWN } from './alert-lifecycle.ts'

/** Three-valued truth, by number: the signals of the same name. */
export type Truth = typeof FALSE | typeof TRUE | typeof UNKNOWN

/** Whether `left op right` holds; never with `NaN`, but for `!=`. */
export function compare(op: Comparison, left: number, right: number): boolean {
  switch (op) {
    case '>':
      return left > right
    case '>=':
      return left >= right
    case '<':
      return left < right
    case '<=':
      return left <= right
    case '==':
      return left === right
    case '!=':
      return left !== right
  }
}

/**
 * Threshold with hysteresis: true beyond `value`, false once `clear` is no longer passed either,
 * in between as before; before the first clear answer, unknown.
 *
 * @example threshold('>', 240, 250, 230, TRUE) // => TRUE: inside the band, as before
 */
export function threshold(op: Comparison, reading: number, value: number, clear: number, before: Truth): Truth {
  if (compare(op, reading, value)) return TRUE
  return compare(op, reading, clear) ? before : FALSE
}

/** Which side of a limit is the bad one: 1 above, −1 below, 0 neither. */
export function badSide(op: Comparison): -1 | 0 | 1 {
  if (op === '>' || op === '>=') return 1
  return op === '<' || op === '<=' ? -1 : 0
}
