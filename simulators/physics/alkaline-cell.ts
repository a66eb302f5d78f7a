/**
 * Four alkaline AA cells (LR6) in series, as a circuit: an open-circuit voltage that falls
 * with the charge drawn, behind a resistance that rises as the cells empty and as they cool.
 * Shape and numbers follow the low-drain discharge and internal-resistance curves that cell
 * makers publish for LR6 (1.6 V fresh, 0.8 V empty; 0.15 Ω at 20 °C, doubling by 0 °C).
 */
export interface AlkalinePack {
  cells: number
  /** At low drain and 20 °C, mAh. */
  capacityMah: number
  /** Per cell, fresh, at 20 °C, Ω. */
  freshOhm: number
}

export const LR6_PACK: AlkalinePack = { cells: 4, capacityMah: 2_400, freshOhm: 0.15 }

/** Open-circuit voltage of one cell by depth of discharge, at 20 °C. */
const OPEN_CIRCUIT_V: readonly (readonly [depth: number, volt: number])[] = [
  [0, 1.6],
  [0.05, 1.51],
  [0.2, 1.41],
  [0.4, 1.32],
  [0.6, 1.25],
  [0.75, 1.195],
  [0.85, 1.14],
  [0.92, 1.07],
  [0.97, 0.97],
  [1, 0.85],
  [1.1, 0.3],
]

/** Open-circuit voltage moves little with temperature, V per cell and K. */
const VOLT_PER_KELVIN = 0.0009
/** Resistance falls by this share per kelvin of warmth: doubled at 0 °C against 20 °C. */
const RESISTANCE_PER_KELVIN = Math.LN2 / 20

/** Volts of the whole pack while `amps` are drawn. Depth 0 is new, 1 empty. */
export function packVoltage(
  pack: AlkalinePack,
  { depth, temperatureC, amps }: { depth: number; temperatureC: number; amps: number },
): number {
  const open = interpolate(OPEN_CIRCUIT_V, depth) + VOLT_PER_KELVIN * (temperatureC - 20)
  return Math.max(0, pack.cells * (open - amps * cellResistance(pack, { depth, temperatureC })))
}

/** Ω of one cell: five times the fresh value when empty, and more in the cold. */
function cellResistance(pack: AlkalinePack, { depth, temperatureC }: { depth: number; temperatureC: number }): number {
  const emptying = 1 + 1.2 * depth + 2.8 * depth ** 4
  return pack.freshOhm * emptying * Math.exp(-RESISTANCE_PER_KELVIN * (temperatureC - 20))
}

/**
 * What the same pack would read at 20 °C: takes the cold out of a voltage measured under a
 * known load, so that two months can be compared.
 */
export function compensatedVoltage(
  pack: AlkalinePack,
  { volts, temperatureC, amps, depth }: { volts: number; temperatureC: number; amps: number; depth: number },
): number {
  const excessOhm = cellResistance(pack, { depth, temperatureC }) - cellResistance(pack, { depth, temperatureC: 20 })
  return volts + pack.cells * (amps * excessOhm - VOLT_PER_KELVIN * (temperatureC - 20))
}

function interpolate(curve: readonly (readonly [number, number])[], x: number): number {
  const above = curve.findIndex(([at]) => at >= x)
  if (above === 0) return curve[0]![1]
  if (above < 0) return curve.at(-1)![1]
  const [x0, y0] = curve[above - 1]!
  const [x1, y1] = curve[above]!
  return y0 + ((y1 - y0) * (x - x0)) / (x1 - x0)
}
