/**
 * Where a fan meets the duct it blows through.
 *
 * Fan: static pressure falls with the square of flow, and both follow the affinity laws
 * (flow ∝ speed, pressure ∝ speed²; ISO 5801). System: a filter in laminar flow (pressure
 * ∝ flow) behind a housing in turbulent flow (pressure ∝ flow²).
 */
export interface Fan {
  /** Static pressure at no flow and reference speed, Pa. */
  shutoffPa: number
  referenceRpm: number
  /** Loss of fan and housing together, Pa per (m³/h)². */
  turbulentLoss: number
}

export interface OperatingPoint {
  flowM3h: number
  /** Over the filter alone, what a differential sensor sees. */
  filterDropPa: number
}

/**
 * The flow at which the fan's pressure equals the system's: the positive root of
 * `turbulentLoss·Q² + resistance·Q − shutoff·(rpm/reference)² = 0`.
 *
 * @param filterResistance Pa per m³/h; above 0.
 * @example operatingPoint({ shutoffPa: 350, referenceRpm: 1350, turbulentLoss: 1 / 300 }, 1350, 1 / 6).flowM3h // => 300
 */
export function operatingPoint(fan: Fan, rpm: number, filterResistance: number): OperatingPoint {
  if (rpm <= 0) return { flowM3h: 0, filterDropPa: 0 }
  const pressurePa = fan.shutoffPa * (rpm / fan.referenceRpm) ** 2
  const { turbulentLoss } = fan
  const flowM3h =
    (-filterResistance + Math.sqrt(filterResistance ** 2 + 4 * turbulentLoss * pressurePa)) / (2 * turbulentLoss)
  return { flowM3h, filterDropPa: filterResistance * flowM3h }
}
