import { describe, expect, test } from 'vitest'
import { seededRandom } from '#platform'
import { watchPrecision } from './precision-watch.ts'
import { wilsonInterval } from './wilson.ts'

const BAR = 0.6
/** Far more verdicts than a rule version sees in its life. */
const LIFE = 1_000
const SEEDS = 2_000

const verdicts = (seed: number, shares: readonly number[]): boolean[] => {
  const random = seededRandom(seed)
  return shares.map((share) => random.chance(share))
}

describe('the watch over a rule’s precision', () => {
  test('a rule that is exactly as good as asked is accused in one life of a hundred at most', () => {
    const accused = Array.from({ length: SEEDS }, (_, seed) =>
      watchPrecision(verdicts(seed, new Array(LIFE).fill(BAR)), { bar: BAR }),
    ).filter(({ fellAt }) => fellAt !== null)
    expect(accused.length / SEEDS).toBeLessThanOrEqual(0.01)
    // The bound is not met by never accusing anybody.
    expect(accused.length).toBeGreaterThan(0)
  })

  test('a good rule made wrong on a day is accused within thirty verdicts of it', () => {
    let late = 0
    for (let seed = 0; seed < SEEDS; seed++) {
      const good = 20 + (seed % 200)
      // From that day it finds what is there by chance: one visit in twenty.
      const shares = [...new Array(good).fill(0.9), ...new Array(30).fill(0.05)]
      const { fellAt } = watchPrecision(verdicts(seed, shares), { bar: BAR })
      if (fellAt === null || fellAt > good + 30) late++
      else expect(fellAt).toBeGreaterThan(good)
    }
    expect(late / SEEDS).toBeLessThanOrEqual(0.01)
  })

  test('a rule that was never any good is accused after a handful', () => {
    expect(watchPrecision(new Array(30).fill(false), { bar: BAR }).fellAt).toBeLessThanOrEqual(14)
    expect(watchPrecision([], { bar: BAR })).toEqual({ evidence: 1, fellAt: null })
  })

  test('evidence is a fair bet: with the bar’s own share its mean stays at one', () => {
    // Over every sequence of twelve verdicts, weighted by its probability: exact, no sampling.
    let mean = 0
    for (let bits = 0; bits < 1 << 12; bits++) {
      const sequence = Array.from({ length: 12 }, (_, i) => (bits & (1 << i)) !== 0)
      const chance = sequence.reduce((product, right) => product * (right ? BAR : 1 - BAR), 1)
      mean += chance * watchPrecision(sequence, { bar: BAR, falseAlarm: 1e-12 }).evidence
    }
    expect(mean).toBeCloseTo(1, 10)
  })
})

describe('Wilson’s interval', () => {
  test('agrees with Newcombe (1998), Statistics in Medicine 17, 857–872, table I, method 3', () => {
    const cases: [hits: number, trials: number, low: number, high: number][] = [
      [81, 263, 0.2553, 0.3662],
      [15, 148, 0.0624, 0.1605],
      [0, 20, 0, 0.1611],
      [1, 29, 0.0061, 0.1718],
    ]
    for (const [hits, trials, low, high] of cases) {
      const [l, h] = wilsonInterval(hits, trials)
      expect(l).toBeCloseTo(low, 4)
      expect(h).toBeCloseTo(high, 4)
    }
  })

  test('stays between 0 and 1, and knows nothing of nothing', () => {
    expect(wilsonInterval(0, 0)).toEqual([0, 1])
    expect(wilsonInterval(0, 5)[0]).toBe(0)
    expect(wilsonInterval(5, 5)[1]).toBe(1)
  })
})
