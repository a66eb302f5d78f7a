import { describe, expect, test } from 'vitest'
import { catalogEntry } from '#catalog'
import type { Condition, MetricCondition } from '#contracts'
import { seededRandom } from '#platform'
import { SERVICE_WINDOW } from '../fleet/truth.ts'
import { AirPurifier } from './air-purifier.ts'
import { CityClimate } from './climate.ts'
import type { DeviceModel } from './device-model.ts'
import { SmartLock } from './smart-lock.ts'
import { WashingMachine } from './washing-machine.ts'

/**
 * A rule of the catalog is worth something when it speaks with 5–25 % of the component's life
 * left. Here the physics lives until each rule's condition holds, read off naively from all
 * samples of the window, and says how worn the component then truly is.
 */

const DAY_MS = 86_400_000
const START_MS = Date.UTC(2026, 2, 1)
const LIVES = 6
/** As many half-hour samples as the longest window of these rules holds, with room. */
const SAMPLES_MAX = 500

function ruleOf(category: string, key: string): Condition {
  return catalogEntry(category)!.rules.find((rule) => rule.key === key)!.when
}

function windowMs(condition: MetricCondition): number {
  const [, count, unit] = /^(\d+)([hd])$/.exec(condition.window ?? '0h') ?? []
  return Number(count) * (unit === 'd' ? DAY_MS : 3_600_000)
}

/** Whether the condition holds over these samples, the newest last. */
function holds(condition: Condition, samples: readonly { atMs: number; values: Record<string, number> }[]): boolean {
  if ('all' in condition) return condition.all.every((child) => holds(child, samples))
  if ('any' in condition) return condition.any.some((child) => holds(child, samples))
  if (!('metric' in condition)) throw new Error('this naive reading knows metrics only')
  const fromMs = samples.at(-1)!.atMs - windowMs(condition)
  const inside = condition.agg ? samples.filter((sample) => sample.atMs > fromMs) : samples.slice(-1)
  const values = inside.map((sample) => sample.values[condition.metric]!)
  if (values.length < (condition.atLeast ?? 1)) return false
  const reduced = {
    mean: () => values.reduce((sum, value) => sum + value, 0) / values.length,
    min: () => Math.min(...values),
    max: () => Math.max(...values),
  }[(condition.agg ?? 'max') as 'mean' | 'min' | 'max']()
  const limit = typeof condition.value === 'number' ? condition.value : condition.value.default!
  return { '>': reduced > limit, '>=': reduced >= limit, '<': reduced < limit, '<=': reduced <= limit }[
    condition.op as '>'
  ]
}

interface Life {
  rule: string
  component: string
  make: (seed: number) => DeviceModel
  /** Kept alive meanwhile, so that the one under test can wear out. */
  keep?: string
  /** The condition must hold this many samples in a row, as `for` asks. */
  inARow: number
}

const climate = (seed: number) => new CityClimate(seededRandom(seed).fork('climate'))
const lives: Life[] = [
  {
    rule: 'hepa-clogged',
    component: 'hepa-filter',
    inARow: 3,
    make: (seed) => new AirPurifier({ climate: climate(seed), random: seededRandom(seed), initialWear: 0.7 }),
  },
  {
    rule: 'lock-cells-low',
    component: 'cells',
    inARow: 4,
    make: (seed) => new SmartLock({ climate: climate(seed), random: seededRandom(seed), initialWear: { cells: 0.6 } }),
  },
  {
    rule: 'lock-motor-slow',
    component: 'lock-motor',
    keep: 'cells',
    inARow: 48,
    make: (seed) =>
      new SmartLock({ climate: climate(seed), random: seededRandom(seed), initialWear: { 'lock-motor': 0.55 } }),
  },
  {
    rule: 'bearing-worn',
    component: 'drum-bearing',
    inARow: 2,
    make: (seed) => new WashingMachine({ random: seededRandom(seed), initialWear: { 'drum-bearing': 0.7 } }),
  },
  {
    rule: 'drain-slow',
    component: 'drain-filter',
    inARow: 2,
    make: (seed) => new WashingMachine({ random: seededRandom(seed), initialWear: { 'drain-filter': 0.6 } }),
  },
]

describe.each(lives)('$rule', ({ rule, component, make, keep, inARow }) => {
  test('speaks in the service window, life after life', () => {
    const wears: number[] = []
    for (let seed = 1; seed <= LIVES; seed++) {
      const model = make(seed)
      const condition = ruleOf(model.category, rule)
      const samples: { atMs: number; values: Record<string, number> }[] = []
      let held = 0
      for (let atMs = START_MS; held < inARow; atMs += model.everyMs) {
        expect(model.wear(component), 'nothing was said before it failed').toBeLessThan(1)
        if (keep && model.wear(keep) > 0.3) model.replace(keep)
        samples.push({ atMs, values: model.measure(atMs) as Record<string, number> })
        if (samples.length > SAMPLES_MAX) samples.shift()
        held = holds(condition, samples) ? held + 1 : 0
      }
      wears.push(model.wear(component))
    }
    expect(Math.min(...wears)).toBeGreaterThanOrEqual(SERVICE_WINDOW.opensAtWear)
    expect(Math.max(...wears)).toBeLessThanOrEqual(SERVICE_WINDOW.closesAtWear)
  })

  test('is silent on a component in mid-life', () => {
    const model = make(1)
    model.replace(component)
    const condition = ruleOf(model.category, rule)
    const samples: { atMs: number; values: Record<string, number> }[] = []
    for (let atMs = START_MS; atMs < START_MS + 20 * DAY_MS; atMs += model.everyMs) {
      samples.push({ atMs, values: model.measure(atMs) as Record<string, number> })
      if (samples.length > SAMPLES_MAX) samples.shift()
      expect(holds(condition, samples)).toBe(false)
    }
  })
})
