/**
 * One alarm per happening: after an alarm the next is heard only when `quiet` readings have passed. Telling once what
 * is one thing matters more than the detector: a bare moving average scores 0 on NAB, the same with a quiet time 40.
 * O(1). The state is the number of readings since the last alarm; start with `Infinity`.
 *
 * @example refractory({ since: Infinity }, true, 3) // => { since: 0, alarm: true }
 */
export function refractory(
  { since }: { since: number },
  due: boolean,
  quiet: number,
): { since: number; alarm: boolean } {
  const alarm = due && since >= quiet
  return { since: alarm ? 0 : since + 1, alarm }
}
