import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { AlertEffect, ReadingValue, RuleDocument } from '#contracts'
import { HubError, seededRandom } from '#platform'
import { canonicalRule } from './canonical-rule.ts'
import { parseRule } from './parse-rule.ts'
import { randomRule } from './testing/random-rule.ts'
import { aProduct, MINUTE, Story, T0 } from './testing/story.ts'

/** Random rule trees; a million by `RANDOM_RULES=1000000`. */
const RULES = Number(process.env.RANDOM_RULES ?? 4_000)
/** Every so many accepted ones are run over readings of every kind of strangeness. */
const RUN_EVERY = Number(process.env.RANDOM_RULES_RUN_EVERY ?? 8)
const PATIENCE_MS = 3_600_000

const product = aProduct({ components: [{ key: 'fan', kind: 'motor' }] })
/** What ingest lets through: finite numbers however large, texts, booleans. */
const STRANGE: readonly ReadingValue[] = [
  0,
  -0,
  1,
  -1,
  250,
  1e308,
  -1e308,
  Number.MIN_VALUE,
  2 ** 53 + 1,
  true,
  false,
  'E4',
  '',
]
const METRICS = ['filter_dp_pa', 'fan_rpm', 'door_open', 'mode'] as const

test(
  'random rule trees: none throws, none yields a number that is not finite, what is invalid is refused with a pointer',
  () => {
    const random = seededRandom(20_261_125)
    let accepted = 0
    let refused = 0
    for (let i = 0; i < RULES; i++) {
      const drawn = randomRule(random)
      let rule: RuleDocument | null = null
      try {
        rule = parseRule(drawn, product)
      } catch (error) {
        if (!(error instanceof HubError) || error.code !== 'RULE_INVALID') throw error
        refused++
        expect(error.problems.length).toBeGreaterThan(0)
        for (const { pointer, detail } of error.problems) {
          expect(pointer === '' || pointer.startsWith('/'), pointer).toBe(true)
          expect(detail.length).toBeGreaterThan(5)
          expect(leadsSomewhere(drawn, pointer), `${pointer} of ${JSON.stringify(drawn)}`).toBe(true)
        }
      }
      if (!rule) continue
      accepted++
      // What was accepted reads the same the second time, and has one meaning.
      expect(canonicalRule(parseRule(JSON.stringify(rule), product))).toBe(canonicalRule(rule))
      if (accepted % RUN_EVERY === 0) runOver(rule, i)
    }
    // Neither side is a formality.
    expect(accepted).toBeGreaterThan(RULES / 20)
    expect(refused).toBeGreaterThan(RULES / 20)
  },
  PATIENCE_MS,
)

function runOver(rule: RuleDocument, seed: number): void {
  const random = seededRandom(seed)
  const pick = <T>(items: readonly T[]): T => items[Math.floor(random.next() * items.length)]!
  const story = new Story({ rules: [rule], product, device: { installedAtMs: T0 - 400 * 86_400_000 } })
  const effects: AlertEffect[] = []
  for (let step = 0, at = 0; step < 12; step++) {
    at += pick([0.2, 1, 1, 5, 60, 1_440])
    const values: Record<string, ReadingValue> = {}
    for (const metric of METRICS) if (random.next() < 0.7) values[metric] = pick(STRANGE)
    effects.push(...story.read({ at, received: at + pick([0, 0.1]), values }))
    if (random.next() < 0.2) effects.push(...story.tick(at + 3))
    if (random.next() < 0.1)
      effects.push(
        ...story.control(at + 3, {
          type: 'component.reset',
          deviceId: 'dev_1',
          component: 'fan',
          atMs: T0 + at * MINUTE,
          source: 'device',
          caseId: null,
        }),
      )
  }
  everyNumberIsFinite(effects)
  everyNumberIsFinite(story.evaluator.views())
}

function everyNumberIsFinite(value: unknown, path = ''): void {
  if (typeof value === 'number') expect(Number.isFinite(value), path).toBe(true)
  else if (typeof value === 'object' && value !== null)
    for (const [key, member] of Object.entries(value)) everyNumberIsFinite(member, `${path}/${key}`)
}

/** The place named exists, or its parent does: what is missing stands nowhere. */
function leadsSomewhere(input: unknown, pointer: string): boolean {
  const path = pointer.split('/').slice(1)
  let node: unknown = input
  for (const [i, step] of path.entries()) {
    if (typeof node !== 'object' || node === null) return i === path.length
    const key = step.replaceAll('~1', '/').replaceAll('~0', '~')
    if (!Object.hasOwn(node, key)) return i >= path.length - 2
    node = (node as Record<string, unknown>)[key]
  }
  return true
}

test('case 44: whatever JSON it is, it is accepted or refused with a pointer, never thrown at', () => {
  fc.assert(
    fc.property(fc.anything({ withNullPrototype: true, withBigInt: true, withDate: true, withMap: true }), (input) => {
      try {
        parseRule(input)
      } catch (error) {
        expect(error).toBeInstanceOf(HubError)
        expect((error as HubError).problems.length).toBeGreaterThan(0)
      }
    }),
    { numRuns: 500 },
  )
})
