import { expect, onTestFinished, test } from 'vitest'
import { testDatabase } from '#store/testing'
import { demotionRows, proveDemotion } from './demotion.ts'
import { KILL_POINTS } from './killer.ts'
import { killsRows, proveKills } from './kills.ts'
import { proveStorm, stormRows } from './storm.ts'
import { table } from './table.ts'
import { type TrialHub, trialHub } from './trial-hub.ts'
import { proveYear, yearRows } from './year.ts'

/** The trials with small numbers: the same hub in a process of its own, the same town, the same claims. */
const PATIENCE_MS = 400_000

async function hubOnTestDatabase(): Promise<TrialHub> {
  const { appUrl, ownerUrl } = await testDatabase({ poolSize: 1 })
  const hub = await trialHub({ databaseUrls: { appUrl, ownerUrl } })
  onTestFinished(() => hub.close())
  return hub
}

test(
  'killed once at every point of delivery, the partners’ books are the hub’s',
  async () => {
    const result = await proveKills(await hubOnTestDatabase(), { homes: 16, days: 6, kills: 5, seed: 1 })
    expect(result.failures).toEqual([])
    expect(result.kills).toEqual(Object.fromEntries(KILL_POINTS.map((point) => [point, 1])))
    expect(result.orders).toBeGreaterThan(4)
    // The kill after the partner had it must have brought it twice, or nothing was tried.
    expect(result.repeats).toBeGreaterThan(0)
    expect(table(killsRows(result)).join('\n')).toContain('kill -9 before mark')
  },
  PATIENCE_MS,
)

test(
  'a rule that a firmware makes guess is in shadow soon, tells its brand once, and sends nobody any more',
  async () => {
    const result = await proveDemotion(await hubOnTestDatabase(), { days: 5, seed: 1 })
    expect(result.failures).toEqual([])
    expect(result.good.verdicts).toBeGreaterThan(6)
    expect(result.shadowAfter).toBeGreaterThan(3)
    expect(table(demotionRows(result)).join('\n')).toContain('in shadow after verdicts')
  },
  PATIENCE_MS,
)

test(
  'a rule that is wrong about a firmware asks nobody: one hold, told once, dropped or released by one call',
  async () => {
    const result = await proveStorm(await hubOnTestDatabase(), { homes: 60 })
    expect(result.failures).toEqual([])
    expect(result).toMatchObject({ buggy: 58, dropped: { cases: 58, offers: 0 }, released: { cases: 58 } })
    expect(table(stormRows(result)).join('\n')).toContain('fleet.held told')
  },
  PATIENCE_MS,
)

test(
  'weeks of some homes are counted, and nobody is disturbed at night',
  async () => {
    const result = await proveYear(await hubOnTestDatabase(), { homes: 12, days: 14, seed: 3 })
    expect(result.violations).toEqual([])
    expect(result).toMatchObject({ homes: 12, devices: 18, days: 14, contacts: { atNight: 0 } })
    expect(result.needs.all).toBeGreaterThan(0)
    expect(result.contacts.all).toBeGreaterThan(0)
    expect(result.readings).toBeGreaterThan(400)
    expect(table(yearRows(result)).join('\n')).toContain('contacts per home-year')
  },
  PATIENCE_MS,
)
