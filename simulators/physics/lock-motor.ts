/**
 * The small brushed motor that throws the bolt through a gearbox: speed falls in a straight
 * line with torque and rises with voltage. Friction comes from wear of the drive and from a
 * door that has sagged, so that the bolt rubs on the strike plate.
 */
export interface LockMotor {
  nominalVolts: number
  /** Throw time at nominal voltage and no added friction, ms. */
  throwMs: number
  /** Share of the stall torque (at nominal voltage) that a new, aligned bolt needs. */
  loadShare: number
  /** A. */
  stallAmps: number
  /** The controller gives up after this long, ms. */
  giveUpMs: number
}

export const SL100_MOTOR: LockMotor = {
  nominalVolts: 6,
  throwMs: 800,
  loadShare: 0.25,
  stallAmps: 1.1,
  giveUpMs: 3_500,
}

export interface Throw {
  ms: number
  amps: number
  stalled: boolean
}

/**
 * One throw at `volts` under load with `friction` added to the aligned load (0 = as new).
 * Relative speed is `volts/nominal − load`; at nominal voltage without friction it is
 * `1 − loadShare`, which takes `throwMs`.
 */
export function throwBolt(motor: LockMotor, { volts, friction }: { volts: number; friction: number }): Throw {
  const load = motor.loadShare * (1 + friction)
  const speed = volts / motor.nominalVolts - load
  const ms = speed > 0 ? (motor.throwMs * (1 - motor.loadShare)) / speed : Number.POSITIVE_INFINITY
  const stalled = ms >= motor.giveUpMs
  return {
    ms: stalled ? motor.giveUpMs : ms,
    // Current is torque: the load's share of the stall current, all of it when stuck.
    amps: stalled ? (motor.stallAmps * volts) / motor.nominalVolts : motor.stallAmps * load,
    stalled,
  }
}
