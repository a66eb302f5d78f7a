/** What is told of a kind of battery: voltages under its usual load at 20 °C. */
export interface BatteryKind {
  fullV: number
  emptyV: number
  /** Voltage per degree to start from, before the battery has shown its own. Positive: warm reads high. */
  voltsPerC: number
}

/** Means over recent readings. Plain, for a checkpoint. */
export interface BatteryState {
  count: number
  meanC: number
  meanV: number
  /** Covariance of voltage with temperature, and variance of temperature. */
  together: number
  spreadC: number
  /** Smoothed voltage at 20 °C. */
  compensatedV: number
}

export const NEW_BATTERY: BatteryState = { count: 0, meanC: 0, meanV: 0, together: 0, spreadC: 0, compensatedV: 0 }

const REFERENCE_C = 20
/** Readings over which voltage is compared with temperature: a few days and nights of hours. */
const MEMORY = 200
/** Readings over which the compensated voltage is smoothed: a radio's burst pulls one reading down. */
const SMOOTH = 24
/** The kind's slope counts as much as this many readings at this variance of temperature. */
const PRIOR_READINGS = 50
const PRIOR_SPREAD_C2 = 10
/** No cell's voltage moves faster with temperature than this; more is something else that goes with the weather. */
const VOLTS_PER_C_MOST = 0.02
/** What a battery's voltage and a dwelling's temperature can be, generously. */
const VOLTS_MOST = 100
const [COLD_C, HOT_C] = [-60, 90]

export interface BatteryReading {
  /** Charge by voltage: 1 full, 0 empty. Flat in the middle, so a level to warn by, not a gauge. */
  charge: number
  compensatedV: number
  voltsPerC: number
}

/**
 * A battery's state from voltage and temperature. A cold night lowers voltage as an empty battery does; the battery's own
 * slope against temperature is learned (least squares with forgetting and the kind's slope as prior) and taken away.
 * Within a day temperature moves and charge does not, which is why the slope is read from deviations from recent means.
 *
 * Source: recursive least squares with exponential forgetting, Ljung, "System Identification" (1999), 11.2, for one input.
 * Updates `state` in place; O(1), six numbers. Null for what cannot be a voltage or a temperature.
 */
export function batteryStateOf(
  kind: BatteryKind,
  state: BatteryState,
  volts: number,
  temperatureC: number,
): BatteryReading | null {
  if (!(volts > 0 && volts < VOLTS_MOST) || !(temperatureC > COLD_C && temperatureC < HOT_C)) return null
  state.count += 1
  const share = Math.max(1 / MEMORY, 1 / state.count)
  const awayC = temperatureC - state.meanC
  const awayV = volts - state.meanV
  state.meanC += share * awayC
  state.meanV += share * awayV
  state.together = (1 - share) * (state.together + share * awayC * awayV)
  state.spreadC = (1 - share) * (state.spreadC + share * awayC * awayC)
  const readings = Math.min(state.count, MEMORY)
  const prior = PRIOR_READINGS * PRIOR_SPREAD_C2
  const slope = (readings * state.together + prior * kind.voltsPerC) / (readings * state.spreadC + prior)
  const voltsPerC = Math.min(Math.max(slope, -VOLTS_PER_C_MOST), VOLTS_PER_C_MOST)
  const now = volts - voltsPerC * (temperatureC - REFERENCE_C)
  state.compensatedV += (now - state.compensatedV) * Math.max(1 / SMOOTH, 1 / state.count)
  const charge = (state.compensatedV - kind.emptyV) / (kind.fullV - kind.emptyV)
  return { charge: Math.min(Math.max(charge, 0), 1), compensatedV: state.compensatedV, voltsPerC }
}
