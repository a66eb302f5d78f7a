import { expect, test } from 'vitest'
import { LIFECYCLE, NEXT_STATE, SIGNAL_COUNT, type Signal, STATES } from './alert-lifecycle.ts'
import { Story } from './testing/story.ts'

test('every state answers every signal, and only states that were entered are left', () => {
  const signals: Signal[] = ['true', 'false', 'unknown', 'gap', 'held', 'heldLatched', 'close']
  for (const state of STATES) expect(Object.keys(LIFECYCLE[state]).sort()).toEqual([...signals].sort())
  expect(NEXT_STATE).toHaveLength(STATES.length * SIGNAL_COUNT)
})

test('unknown opens and resolves nothing (I11)', () => {
  for (const state of STATES) {
    expect(LIFECYCLE[state].unknown.to).toBe(state)
    expect(LIFECYCLE[state].unknown.happening).toBeUndefined()
  }
})

test('what is open stays open until something resolves it', () => {
  for (const state of ['firing', 'recovering', 'cleared-latched'] as const)
    for (const step of Object.values(LIFECYCLE[state]))
      if (step.to === 'inactive' || step.to === 'pending') expect(step.happening).toBe('resolved')
})

test('fires after ten minutes, survives a gap, stays latched until serviced', () => {
  const story = new Story({ rules: [{ ...ruleOfContract }] })
  const timeline: [minute: number, value: number | null, state: string][] = [
    ...Array.from({ length: 5 }, (_, i): [number, number, string] => [i, 200, 'inactive']),
    ...Array.from({ length: 10 }, (_, i): [number, number, string] => [5 + i, 260, 'pending']),
    [15, 260, 'firing'],
    [16, 260, 'firing'],
    [20, 260, 'firing'],
    [22, 220, 'recovering'],
    ...Array.from({ length: 59 }, (_, i): [number, number, string] => [23 + i, 220, 'recovering']),
    [82, 220, 'cleared-latched'],
    [90, 220, 'cleared-latched'],
  ]
  for (const [minute, value, state] of timeline) {
    if (value !== null) story.dp(minute, value)
    expect([minute, story.state()]).toEqual([minute, state])
  }
  story.control(91, serviced)
  expect(story.state()).toBe('inactive')
  expect(story.told()).toEqual(['15 alert.firing', '82 alert.cleared', '91 alert.resolved serviced'])
  const [firing] = story.effects
  expect(firing).toMatchObject({ episode: { startedAtMs: story.at(5), component: 'hepa-filter' }, silent: false })
})

const ruleOfContract = {
  key: 'hepa-clogged',
  name: { en: 'HEPA filter clogged', 'zh-CN': '滤芯堵塞' },
  scope: { product: 'ap-300' },
  component: 'hepa-filter',
  severity: 'warning' as const,
  when: { metric: 'filter_dp_pa', op: '>' as const, value: 250, clear: 230 },
  for: '10m',
  keep: '1h',
}

const serviced = {
  type: 'component.reset',
  deviceId: 'dev_1',
  component: 'hepa-filter',
  atMs: Date.UTC(2026, 0, 1) + 91 * 60_000,
  source: 'technician',
  caseId: null,
} as const
