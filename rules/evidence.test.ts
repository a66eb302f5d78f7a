import { expect, test } from 'vitest'
import type { Evidence, RuleDocument } from '#contracts'
import { aProduct, aRule, Story } from './testing/story.ts'

type Said = Pick<Evidence, 'metric' | 'value' | 'op' | 'limit'>

const pick = (evidence: readonly Evidence[]): Said[] =>
  evidence.map(({ metric, value, op, limit }) => ({ metric, value, op, limit }))

/** What the alert said when it fired. */
function fired(rule: Partial<RuleDocument>, tell: (story: Story) => void): Said[] {
  const story = new Story({ rules: [aRule({ for: '0s', ...rule })] })
  tell(story)
  const firing = story.effects.find((effect) => effect.kind === 'alert.firing')
  return firing ? pick(firing.evidence) : []
}

test('the value is the one that was compared: the mean of the window, not the newest reading', () => {
  const when = { metric: 'filter_dp_pa', op: '<', value: 100, agg: 'mean', window: '5m' } as const
  const said = fired({ when }, (story) => {
    story.dp(0, 60)
  })
  expect(said).toEqual([{ metric: 'filter_dp_pa', value: 60, op: '<', limit: 100 }])
  const dropping = fired({ when }, (story) => void story.series('160 120 90 20'))
  expect(dropping).toEqual([{ metric: 'filter_dp_pa', value: 97.5, op: '<', limit: 100 }])
})

test('firing inside the band, it shows the worst value since the condition began', () => {
  const said = fired({ for: '10m' }, (story) => void story.series('262 258x4 240x8'))
  expect(said).toEqual([{ metric: 'filter_dp_pa', value: 262, op: '>', limit: 250 }])
})

test('a leaf that was beyond its limit only before the condition began shows what it is now held by', () => {
  const when: RuleDocument['when'] = {
    all: [
      { metric: 'filter_dp_pa', op: '>', value: 250, clear: 230 },
      { metric: 'fan_rpm', op: '>=', value: 1_100 },
    ],
  }
  const said = fired({ when }, (story) => {
    story.read({ at: 0, values: { filter_dp_pa: 260, fan_rpm: 400 } })
    story.read({ at: 1, values: { filter_dp_pa: 240, fan_rpm: 1_200 } })
  })
  expect(said).toEqual([
    { metric: 'filter_dp_pa', value: 240, op: '>', limit: 230 },
    { metric: 'fan_rpm', value: 1_200, op: '>=', limit: 1_100 },
  ])
})

test('of alternatives only those that hold are evidence; what must not be is told as it is', () => {
  const when: RuleDocument['when'] = {
    any: [
      { metric: 'filter_dp_pa', op: '>', value: 250 },
      { all: [{ metric: 'filter_dp_pa', op: '>', value: 200 }, { not: { metric: 'fan_rpm', op: '>', value: 500 } }] },
    ],
  }
  const said = fired({ when }, (story) => {
    story.read({ at: 0, values: { filter_dp_pa: 220, fan_rpm: 300 } })
  })
  expect(said).toEqual([
    { metric: 'filter_dp_pa', value: 220, op: '>', limit: 200 },
    { metric: 'fan_rpm', value: 300, op: '<=', limit: 500 },
  ])
})

test('a repair that did not hold is told by what the recovery lacks', () => {
  const story = new Story({ product: aProduct(), rules: [] })
  story.dp(0, 260)
  story.control(1, {
    type: 'verification.started',
    caseId: 'case_1',
    deviceId: 'dev_1',
    component: 'hepa-filter',
    attempt: 1,
    repairedAtMs: story.at(1),
    partReplaced: false,
  })
  for (let at = 2; at < 1_450; at += 2) story.dp(at, 180)
  const ended = story.effects.find((effect) => effect.kind === 'verification.ended')
  expect(ended && { end: ended.end, said: pick(ended.evidence) }).toEqual({
    end: 'not_fixed',
    said: [{ metric: 'filter_dp_pa', value: 180, op: '>=', limit: 150 }],
  })
})
