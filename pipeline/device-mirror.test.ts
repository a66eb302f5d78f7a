import { expect, test } from 'vitest'
import { LastSeen } from './device-mirror.ts'

const HOUR = 3_600_000

test('a device is shown as seen within a minute of the log, however fast its clock goes', () => {
  const seen = new LastSeen()
  expect(seen.due()).toEqual([])
  for (const [step, atMs] of [0, HOUR, 2 * HOUR].entries()) {
    seen.note({ deviceId: 'dev_1', receivedAtMs: atMs })
    expect({ step, due: seen.due() }).toEqual({ step, due: [{ deviceId: 'dev_1', atMs }] })
  }
})

test('readings of one minute share a write, and the end of the day keeps what is left', () => {
  const seen = new LastSeen()
  seen.note({ deviceId: 'dev_1', receivedAtMs: 0 })
  expect(seen.due()).toHaveLength(1)
  seen.note({ deviceId: 'dev_1', receivedAtMs: 10_000 })
  seen.note({ deviceId: 'dev_2', receivedAtMs: 59_999 })
  seen.note({ deviceId: 'dev_1', receivedAtMs: 59_999 })
  expect(seen.due()).toEqual([])
  expect(seen.rest()).toEqual([
    { deviceId: 'dev_1', atMs: 59_999 },
    { deviceId: 'dev_2', atMs: 59_999 },
  ])
  expect(seen.rest()).toEqual([])
})
