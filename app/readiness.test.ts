import { expect, test } from 'vitest'
import type { TelemetryLog } from '#contracts'
import { ManualClock } from '#platform'
import type { Database } from '#store'
import { readinessOf } from './readiness.ts'

test('a database that hangs is named, and keeps nobody waiting', async () => {
  const hanging = { asHub: () => new Promise(() => undefined) } as unknown as Database
  const none = { log: null, rules: null, record: null, clock: new ManualClock() }
  const parts = await readinessOf({ db: hanging, ...none, stopping: () => true })
  expect(parts).toEqual([
    { part: 'database', ready: false, reason: expect.stringContaining('not answered') },
    { part: 'hub', ready: false, reason: 'The hub is stopping.' },
  ])
})

test('a machine whose clock fell behind the log says so; what was to be done by the clock waits for it', async () => {
  const db = { asHub: async () => [] } as unknown as Database
  const clock = new ManualClock()
  const aheadMs = [0, 60_000, 365 * 86_400_000]
  const notReady = async (ahead: number) => {
    const log = { health: () => ({ ok: true }), nowMs: () => clock.nowMs() + ahead } as unknown as TelemetryLog
    const parts = await readinessOf({ db, log, rules: null, record: null, clock, stopping: () => false })
    return parts.filter(({ ready }) => !ready)
  }
  expect(await Promise.all(aheadMs.map(notReady))).toEqual([
    [],
    [],
    [{ part: 'clock', ready: false, reason: expect.stringContaining('525600 minutes behind') }],
  ])
})
