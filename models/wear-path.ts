/** How the level of a kind of component goes from new to its end of life. */
export interface WearPath {
  /** The level at which the component is worn out. */
  limit: number
  /** The level of a new one; on the other side of the limit's way. */
  start: number
  /**
   * `geometric` where wear multiplies (pressure drop of a filter, vibration of a bearing),
   * `linear` where it adds (battery voltage, capacity, anode mass).
   */
  growth: 'geometric' | 'linear'
  /** `geometric` only: added before the logarithm, about the sensor's noise, so that levels near zero stay finite. */
  floor?: number
}

/**
 * Where a level stands on the way from new (0) to worn out (1): the coordinate in which units
 * of a fleet are compared, whatever their metric and direction. Below 0 before the start,
 * beyond 1 past the limit; it also serves as the raw wear index of a component.
 *
 * @example wearPosition(300, { start: 0, limit: 600, growth: 'linear' }) // => 0.5
 */
export function wearPosition(level: number, { limit, start, growth, floor = 0 }: WearPath): number {
  if (growth === 'linear') return (level - start) / (limit - start)
  const least = Math.max(floor * 0.5, Number.MIN_VALUE)
  const log = (value: number) => Math.log(Math.max(value + floor, least))
  return (log(level) - log(start)) / (log(limit) - log(start))
}
