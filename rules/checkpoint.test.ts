import { expect, test } from 'vitest'
import { upgradeEntry } from './checkpoint-upgrades.ts'
import { createEvaluator } from './evaluator.ts'
import { aRule, Story } from './testing/story.ts'

test('an entry of an old format goes up step by step, and only up', () => {
  const upgrades = {
    1: (_kind: string, entry: Record<string, unknown>) => ({ ...entry, added: true }),
    2: (kind: string, entry: Record<string, unknown>) => ({ ...entry, kind }),
  }
  expect(upgradeEntry('hub', { f: 1 }, upgrades, 3)).toEqual({ f: 3, added: true, kind: 'hub' })
  expect(upgradeEntry('hub', { f: 3 }, upgrades, 3)).toEqual({ f: 3 })
  expect(() => upgradeEntry('hub', { f: 4 }, upgrades, 3)).toThrow('has format 4')
})

test('only what changed is written', () => {
  const story = new Story()
  story.series('200x3')
  expect(story.evaluator.takeDirty().map(({ key }) => key)).toEqual(['1:hub:/'])
  story.evaluator.apply({ kind: 'tick', seq: 10_000, receivedAtMs: story.at(4) })
  expect(story.evaluator.takeDirty().map(({ key }) => key)).toEqual(['1:hub:/'])
})

test('state comes back in pages, and records it has seen do nothing', () => {
  const story = new Story()
  story.series('260x12')
  const whole = createEvaluator()
  for (const record of story.records) whole.apply(record)
  const restored = createEvaluator()
  const entries = whole.takeDirty().sort((a, b) => (a.key < b.key ? -1 : 1))
  for (const entry of entries) restored.restore([entry])
  expect(restored.stateHash()).toBe(whole.stateHash())
  expect(restored.lastSeq()).toBe(story.records.length)
  expect(restored.apply(story.records.at(-1)!)).toEqual([])
})

test('a control change that stands in the log twice counts once', () => {
  const story = new Story({ rules: [aRule({ for: '2m' })] })
  story.series('260x4')
  const pause = {
    kind: 'control',
    changeId: 'chg_twice',
    brandId: 'brand_a',
    change: { type: 'rule.paused', ruleKey: 'hepa-clogged' },
  } as const
  story.append(story.at(4), pause)
  story.activate(5, aRule({ for: '2m' }), { activation: 'act_2' })
  story.append(story.at(6), pause)
  expect(story.evaluator.views()).toHaveLength(1)
})

test('a device with ten rules keeps less than two kilobytes beside its samples', () => {
  const rules = Array.from({ length: 10 }, (_, i) => aRule({ key: `rule-${i}` }))
  const story = new Story({ rules })
  story.series('200x200')
  // The same device with one rule keeps the same samples: the difference is nine rules' state.
  const single = new Story({ rules: rules.slice(0, 1) })
  single.series('200x200')
  const size = (of: Story) => {
    of.dp(1_000, 200)
    return of.sizeOf('3:device:brand_a/dev_1')
  }
  expect(((size(story) - size(single)) * 10) / 9).toBeLessThan(2_048)
})
