import type { QuarantineCode } from '#contracts'
import type { Device } from './device.ts'
import type { Turn } from './turn.ts'

/** Readings with an impossible time before it is the clock that is to blame, not a reading. */
const SKEWED_BEFORE_EVENT = 20

/** T15: counts readings refused for their time; says once that the device's clock is wrong. Returns whether it counted. */
export function noteSkew(turn: Turn, device: Device, code: QuarantineCode): boolean {
  if (code !== 'TIMESTAMP_FUTURE' && code !== 'TIMESTAMP_TOO_OLD') return false
  if (device.skewed >= SKEWED_BEFORE_EVENT) return false
  device.skewed++
  if (device.skewed === SKEWED_BEFORE_EVENT)
    turn.emit({
      kind: 'operator.event',
      brandId: device.brand.brandId,
      code: 'device.clock_skew',
      subject: device.facts.deviceId,
      detail: `${SKEWED_BEFORE_EVENT} readings came with a time ${code === 'TIMESTAMP_FUTURE' ? 'in the future' : 'too long ago'}; they wait in quarantine.`,
    })
  return true
}

/** A reading with a possible time after the event: the clock was set right, and a new fault would be told again. */
export function forgetSkew(device: Device): void {
  if (device.skewed >= SKEWED_BEFORE_EVENT) device.skewed = 0
}
