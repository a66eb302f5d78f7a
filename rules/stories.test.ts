import { describe, expect, test } from 'vitest'
import type { ControlChange, RuleDocument } from '#contracts'
import { aDevice, aProduct, aRule, Story } from './testing/story.ts'

/** The rows of the alert semantics as stories; minutes since midnight, one sample a minute unless said otherwise. */
const noFor = (over: Partial<RuleDocument> = {}): RuleDocument => {
  const { for: _for, keep: _keep, ...rest } = aRule(over)
  return { ...rest, ...over }
}
const onChange = aProduct({ reporting: { mode: 'onChange', every: '1m' } })
const silence = (over: Partial<Extract<ControlChange, { type: 'silence.started' }>>): ControlChange => ({
  type: 'silence.started',
  silenceId: 'sil_1',
  scope: {},
  kind: 'silence',
  untilMs: 0,
  ...over,
})

describe('T1–T10: the life of a condition', () => {
  test('T1: without for it fires on the first true sample, once', () => {
    const story = new Story({ rules: [noFor()] })
    story.series('200x2 260x3')
    expect(story.told()).toEqual(['2 alert.firing'])
  })

  test('T3: a device that reports on change goes true once and fires at ten minutes by the tick, not before', () => {
    const story = new Story({ product: onChange })
    story.dp(0, 260)
    story.tick(9.9)
    expect(story.state()).toBe('pending')
    story.tick(10)
    expect(story.told()).toEqual(['10 alert.firing'])
    expect(story.effects[0]).toMatchObject({ episode: { startedAtMs: story.at(0) } })
  })

  test('T3: ticks are implied by any record that passes their boundary', () => {
    const story = new Story({ product: onChange })
    story.dp(0, 260)
    // Nothing of this device, half an hour later: the boundary at ten minutes is served first, as of its own time.
    story.read({ at: 30, device: 'dev_other' })
    expect(story.told()).toEqual(['10 alert.firing'])
  })

  test('T4: nine minutes and fifty-nine seconds true, then false: never fires', () => {
    const story = new Story()
    for (let minute = 0; minute < 10; minute++) story.dp(minute, 260)
    story.dp(9 + 59 / 60, 200)
    story.tick(60)
    expect(story.effects).toEqual([])
  })

  test('T5: a gap while pending drops it, and the sample after it starts anew; a tick never judges a gap', () => {
    const story = new Story()
    story.series('260x5')
    story.tick(9)
    expect(story.state()).toBe('pending')
    story.dp(9, 260)
    expect(story.evaluator.counters().gaps).toBe(1)
    story.series('260x10', 10)
    expect(story.told()).toEqual(['19 alert.firing'])
    expect(story.effects[0]).toMatchObject({ episode: { startedAtMs: story.at(9) } })
  })

  test('T6: a gap while firing holds it, stale', () => {
    const story = new Story()
    story.series('260x12')
    story.tick(60)
    expect(story.view()).toMatchObject({ state: 'firing', quality: 'no-data' })
    story.series('240x3', 60)
    expect(story.told()).toEqual(['10 alert.firing'])
  })

  test('T7: a higher level that lasts escalates the same episode; down only after keep', () => {
    const levels: RuleDocument['levels'] = [
      { severity: 'warning', value: 250, clear: 230 },
      { severity: 'critical', value: 300, clear: 280 },
    ]
    const { severity: _severity, ...rule } = aRule({ levels, for: '2m', keep: '5m' })
    const story = new Story({ rules: [rule] })
    story.series('260x3 310 260x3 310x4 260x7')
    expect(story.told()).toEqual(['2 alert.firing', '9 alert.escalated', '16 alert.deescalated'])
    const ids = story.effects.map((effect) => 'episode' in effect && effect.episode.episodeId)
    expect(new Set(ids).size).toBe(1)
    expect(story.effects[1]).toMatchObject({ from: 'warning', episode: { severity: 'critical' } })
  })

  test('T8–T10: brief recoveries keep the episode; lasting health resolves it; then a new one gets a new id', () => {
    const story = new Story({ rules: [aRule({ for: '2m', keep: '5m' })] })
    story.series('260x4 200x3 260x2 200x6 260x3')
    expect(story.told()).toEqual(['2 alert.firing', '14 alert.resolved cleared', '17 alert.firing'])
    const [first, , second] = story.effects as { episode: { episodeId: string } }[]
    expect(first!.episode.episodeId).not.toBe(second!.episode.episodeId)
  })

  test('T10: keep must be known-false without a break: a gap starts it anew', () => {
    const story = new Story({ rules: [aRule({ for: '2m', keep: '10m' })] })
    story.series('260x4 200x4 _x5 200x4')
    expect(story.state()).toBe('recovering')
    story.series('200x8', 17)
    expect(story.told()).toEqual(['2 alert.firing', '23 alert.resolved cleared'])
  })

  test('a value that flutters around the threshold opens one episode', () => {
    const story = new Story({ rules: [noFor({ keep: '1m' })] })
    for (let i = 0; i < 600; i++) story.dp(i / 600, i % 2 === 0 ? 255 : 235)
    expect(story.told()).toEqual(['0 alert.firing'])
  })

  test('latched, true again for as long as it took to open: the same episode fires again', () => {
    const story = new Story({ rules: [aRule({ latch: 'until-serviced', for: '2m', keep: '3m' })] })
    story.series('260x3 200x4 260 200 260x3')
    expect(story.told()).toEqual(['2 alert.firing', '6 alert.cleared', '11 alert.reopened'])
    expect(new Set(story.effects.map((effect) => 'episode' in effect && effect.episode.episodeId)).size).toBe(1)
  })
})

describe('T11: silence', () => {
  test('hold: silence changes the quality, not the state, and resolves nothing', () => {
    const story = new Story({ rules: [aRule({ for: '2m' })] })
    story.series('260x4')
    story.tick(6)
    expect(story.view()).toMatchObject({ state: 'firing', quality: 'ok' })
    story.tick(7)
    expect(story.view()).toMatchObject({ state: 'firing', quality: 'no-data' })
    expect(story.told()).toEqual(['2 alert.firing'])
  })

  test('alert: an alert of its own about the device, after its own for, and gone with the first reading', () => {
    const story = new Story({ rules: [aRule({ noData: { alert: { for: '5m' } } })] })
    story.dp(0, 200)
    story.tick(8)
    expect(story.effects).toEqual([])
    story.tick(9)
    // Silent beyond three intervals from the boundary after minute 3, and five minutes more.
    const [firing] = story.effects
    expect(firing).toMatchObject({
      kind: 'alert.firing',
      atMs: story.at(8 + 1 / 6),
      episode: { subject: 'silence', component: '_silent', startedAtMs: story.at(3 + 1 / 6) },
    })
    story.dp(20, 200)
    expect(story.effects[1]).toMatchObject({ kind: 'alert.resolved', reason: 'cleared' })
    expect(story.state()).toBe('inactive')
  })

  test('resolve: only by explicit choice', () => {
    const story = new Story({ rules: [aRule({ for: '2m', noData: 'resolve' })] })
    story.series('260x4')
    story.tick(10)
    expect(story.told()[1]).toMatch(/alert.resolved no_data/)
  })

  test('a condition may be silence itself, of the device or of a metric, and starts at the tick boundary', () => {
    const when = { noData: { metric: 'filter_dp_pa', for: '10m' } }
    const story = new Story({ rules: [noFor({ when })] })
    story.dp(0, 200)
    for (let minute = 1; minute < 12; minute++) story.read({ at: minute, values: { fan_rpm: 900 } })
    expect(story.effects).toMatchObject([{ kind: 'alert.firing', episode: { startedAtMs: story.at(10 + 1 / 6) } }])
    story.dp(12, 200)
    expect(story.effects[1]).toMatchObject({ kind: 'alert.resolved' })
  })

  test('T17: after the hub was away, silence counts from its return', () => {
    const story = new Story({ rules: [aRule({ noData: { alert: { for: '1m' } } })] })
    story.dp(0, 200)
    story.control(120, { type: 'hub.resumed', downSinceMs: story.at(1) }, null)
    story.tick(123)
    expect(story.told()).toEqual(['120 operator.event hub.resumed'])
    story.tick(125)
    expect(story.effects[1]).toMatchObject({ kind: 'alert.firing', episode: { startedAtMs: story.at(123 + 1 / 6) } })
  })

  test('a device on change that is lost without goodbye no longer says what it said', () => {
    const story = new Story({ product: onChange })
    story.dp(0, 260)
    story.control(5, { type: 'presence', deviceId: 'dev_1', epoch: 1, state: 'disconnected', graceful: false })
    story.tick(60)
    expect(story.effects).toEqual([])
    expect(story.view()).toMatchObject({ state: 'pending', quality: 'stale' })
  })
})

describe('T12: a rule that cannot be evaluated', () => {
  test('is frozen, says so once an hour, and goes on when it can', () => {
    const when = { metric: 'filter_dp_pa', op: '>' as const, value: { param: 'dp_limit' } }
    const story = new Story({ rules: [noFor({ when })] })
    story.series('260x90')
    expect(story.told()).toEqual(['0 operator.event rule.error', '60 operator.event rule.error'])
    expect(story.view()).toMatchObject({ state: 'inactive', quality: 'error' })
    story.control(90, { type: 'parameter.set', scope: 'region', scopeId: '31', key: 'dp_limit', value: 250 })
    story.dp(91, 260)
    expect(story.state()).toBe('firing')
  })
})

describe('T13–T16: late, old, wrong and repeated', () => {
  test('T13: a late sample fills a gap, and the episode starts where it truly started', () => {
    const story = new Story()
    story.series('260x3 _x6 260x3')
    expect(story.state()).toBe('pending')
    for (let minute = 3; minute < 9; minute++) story.dp(minute, 260, 12)
    expect(story.effects).toMatchObject([
      { kind: 'alert.firing', episode: { startedAtMs: story.at(0) }, silent: false },
    ])
    expect(story.evaluator.counters().late).toBe(6)
  })

  test('T13: never un-opens: an episode that a late sample contradicts is marked and goes on through recovery', () => {
    const story = new Story({ rules: [aRule({ for: '2m', keep: '3m' })] })
    story.series('260 _ 260x2')
    expect(story.told()).toEqual(['2 alert.firing'])
    story.dp(1, 200, 3.5)
    expect(story.told()[1]).toBe('3.5 alert.revised')
    expect(story.state()).toBe('firing')
    story.series('200x5', 4)
    expect(story.told()[2]).toBe('7 alert.resolved cleared')
  })

  test('T14: further behind than lateness is history: counted, and nothing live changes', () => {
    const story = new Story()
    story.series('200x30')
    const hash = story.evaluator.views()
    story.dp(5.5, 400, 30)
    expect(story.evaluator.views()).toEqual(hash)
    story.read({ at: -9_000, received: 31, values: { filter_dp_pa: 400 }, imported: true })
    expect(story.evaluator.counters().backfill).toBe(2)
  })

  test('offline six hours, then the buffer: past faults are silent; what is still true is told once, with its true start', () => {
    const story = new Story({ rules: [aRule({ for: '10m', keep: '30m', latch: 'none' })] })
    story.series('200x5')
    const buffer = [...Array(60).fill(260), ...Array(120).fill(200), ...Array(180).fill(260)]
    buffer.forEach((value, i) => {
      story.dp(5 + i, value, 365 + i / 1_000)
    })
    expect(story.told().map((line) => line.replace(/^\S+ /, ''))).toEqual([
      'alert.firing historical',
      'alert.resolved cleared',
      'alert.firing historical',
      'alert.current',
    ])
    expect(story.effects[3]).toMatchObject({ episode: { startedAtMs: story.at(185) } })
  })

  test('T15: twenty readings from a wrong clock make one event, not before and not again', () => {
    const story = new Story()
    for (let i = 0; i < 60; i++) {
      const code = i % 2 === 0 ? 'TIMESTAMP_FUTURE' : 'TIMESTAMP_TOO_OLD'
      story.append(story.at(i), {
        kind: 'quarantined',
        brandId: 'brand_a',
        deviceId: 'dev_1',
        code,
        pointer: '/ts',
        detail: '',
        payload: new Uint8Array(),
        truncated: false,
        via: 'v1/devices/me/telemetry',
      })
    }
    expect(story.told()).toEqual(['19 operator.event device.clock_skew'])
  })

  test('T16: the same message a thousand times is one; at the same time with another value the first wins', () => {
    const story = new Story({ rules: [noFor()] })
    story.dp(0, 260)
    const hash = story.evaluator.stateHash()
    for (let i = 0; i < 999; i++) story.dp(0, 260)
    expect(story.evaluator.counters().duplicates).toBe(999)
    expect(story.evaluator.stateHash()).toBe(hash)
    story.dp(0, 100)
    expect(story.evaluator.counters().conflicts).toBe(1)
    expect(story.state()).toBe('firing')
  })

  test('metrics of one moment may come in several messages and are judged together, in any order', () => {
    const when = {
      all: [
        { metric: 'filter_dp_pa', op: '>' as const, value: 250 },
        { metric: 'fan_rpm', op: '>' as const, value: 1_000 },
      ],
    }
    const values = [{ filter_dp_pa: 260 }, { fan_rpm: 1_200 }]
    for (const order of [values, values.toReversed()]) {
      const story = new Story({ rules: [noFor({ when })] })
      for (const part of order) story.read({ at: 1, values: part })
      expect(story.state()).toBe('firing')
      expect(story.evaluator.counters().conflicts).toBe(0)
    }
  })

  test('T13: an episode that opened by the clock and has ended is marked too when a late sample contradicts it', () => {
    const story = new Story({ rules: [aRule({ for: '1m', keep: '0s' })] })
    story.dp(1, 260)
    // The tick at two minutes fires; the next sample resolves; then the one that says it was over in time.
    story.dp(3, 200)
    story.dp(2, 200, 4)
    expect(story.told()).toEqual(['2 alert.firing', '3 alert.resolved cleared', '4 alert.revised'])
    story.dp(1.5, 200, 5)
    expect(story.effects).toHaveLength(3)
  })

  test('T13: a late sample among more episodes than usual opens none of them again', () => {
    const story = new Story({ rules: [noFor({ keep: '0s', latch: 'none' })] })
    for (let spike = 0; spike < 20; spike++) {
      story.dp(spike, 260)
      story.dp(spike + 0.5, 200)
    }
    const opened = () => story.effects.flatMap((one) => (one.kind === 'alert.firing' ? [one.episode.episodeId] : []))
    expect(opened()).toHaveLength(20)
    story.dp(10.25, 260, 20)
    expect(story.evaluator.counters().late).toBe(1)
    expect(opened()).toHaveLength(20)
    // One that nobody had seen is told, once, with an id of its own.
    story.dp(10.75, 260, 20)
    story.dp(10.8, 200, 20)
    expect(opened()).toHaveLength(21)
    expect(new Set(opened()).size).toBe(21)
  })

  test('late samples from before the kept ones are backfill, and memory stays bounded', () => {
    const story = new Story()
    for (let i = 0; i < 2_000; i++) story.dp(i / 60, 200)
    // At most 96 samples a metric are kept, at least 64.
    for (let behind = 97; behind < 130; behind++) story.dp((1_999.5 - behind) / 60, 400, 34)
    expect(story.evaluator.counters()).toMatchObject({ backfill: 33, late: 0 })
    for (let behind = 1; behind < 60; behind += 6) story.dp((1_999.5 - behind) / 60, 200, 34)
    expect(story.evaluator.counters().late).toBe(10)
  })
})

describe('T18–T21, T27: versions, owners', () => {
  test('T18: saving a rule unchanged a hundred times, or only its words, does nothing', () => {
    const story = new Story({ rules: [aRule({ for: '2m' })] })
    story.series('260x5')
    const before = story.effects.length
    for (let version = 2; version < 102; version++)
      story.activate(5, aRule({ for: 'PT120S', name: { en: `Name ${version}`, 'zh-CN': '名' } }), { version })
    expect(story.effects).toHaveLength(before)
    expect(story.view()).toMatchObject({ state: 'firing', ruleVersion: 101 })
  })

  const raised = aRule({ for: '2m', when: { metric: 'filter_dp_pa', op: '>', value: 300 } })

  test('T19: the old version decides until the new one is warm; no longer true: resolved, rule_changed', () => {
    const story = new Story({ rules: [aRule({ for: '2m' })] })
    story.series('260x5')
    story.activate(5, raised, { version: 2 })
    expect(story.evaluator.warming()).toEqual([
      { brandId: 'brand_a', ruleKey: 'hepa-clogged', version: 2, readyAtMs: story.at(7) },
    ])
    story.series('260x2', 5)
    expect(story.state()).toBe('firing')
    story.control(7, { type: 'rule.warmed', ruleKey: 'hepa-clogged', version: 2 })
    expect(story.told()).toEqual(['2 alert.firing', '7 alert.resolved rule_changed'])
    expect(story.view()).toMatchObject({ state: 'inactive', ruleVersion: 2 })
  })

  test('T19: still true under the new version: the same episode goes on silently', () => {
    const story = new Story({ rules: [aRule({ for: '2m' })] })
    story.series('320x5')
    story.activate(5, raised, { version: 2 })
    story.control(7, { type: 'rule.warmed', ruleKey: 'hepa-clogged', version: 2 })
    story.series('200x70', 7)
    expect(story.told()).toEqual(['2 alert.firing', '67 alert.resolved cleared'])
    const [firing, resolved] = story.effects as { episode: { episodeId: string; ruleVersion: number } }[]
    expect(resolved!.episode.episodeId).toBe(firing!.episode.episodeId)
    expect([firing!.episode.ruleVersion, resolved!.episode.ruleVersion]).toEqual([1, 2])
  })

  test('T19: deciding before it is warm is told to the operator', () => {
    const story = new Story()
    story.activate(5, raised, { version: 2 })
    story.control(6, { type: 'rule.warmed', ruleKey: 'hepa-clogged', version: 2 })
    expect(story.told()).toEqual(['6 operator.event rule.warmup_short'])
  })

  test('T19: a change of one rule leaves its neighbours alone', () => {
    const story = new Story({ rules: [aRule({ for: '2m' }), aRule({ key: 'neighbour', for: '2m' })] })
    story.series('260x5')
    const neighbour = story.view('neighbour')
    story.activate(5, raised, { version: 2 })
    story.control(7, { type: 'rule.warmed', ruleKey: 'hepa-clogged', version: 2 })
    expect(story.view('neighbour')).toMatchObject({ state: neighbour.state, episodeId: neighbour.episodeId })
  })

  test('T20: paused, or out of scope: resolved, rule_removed; enabled again it opens anew', () => {
    const story = new Story({ rules: [aRule({ for: '2m' })] })
    story.series('260x5')
    story.control(5, { type: 'rule.paused', ruleKey: 'hepa-clogged' })
    expect(story.told()).toEqual(['2 alert.firing', '5 alert.resolved rule_removed'])
    story.activate(6, aRule({ for: '2m' }), { activation: 'act_again' })
    story.series('260x5', 6)
    expect(story.told()[2]).toBe('8 alert.firing')
  })

  test('T20: the device leaves the scope of a rule by its firmware or its tags', () => {
    const scope = { product: 'ap-300', firmware: { to: '1.9' } }
    const story = new Story({ rules: [aRule({ for: '2m', scope })] })
    expect(story.evaluator.views()).toEqual([])
    story.control(0, { type: 'attributes', deviceId: 'dev_1', values: { firmware: '1.4.2' } })
    story.series('260x5', 1)
    story.control(6, { type: 'attributes', deviceId: 'dev_1', values: { firmware: '1.10' } })
    expect(story.told()).toEqual(['3 alert.firing', '6 alert.resolved rule_removed'])
  })

  test('T21: a new owner sees nothing old, and its alerts are other alerts', () => {
    const story = new Story({ rules: [aRule({ for: '2m' })] })
    story.series('260x5')
    story.control(5, { type: 'device.moved', device: aDevice({ homeId: 'home_2' }) })
    expect(story.told()).toEqual(['2 alert.firing', '5 alert.resolved device_removed'])
    expect(story.view()).toMatchObject({ state: 'inactive', episodeId: null })
    story.series('260x4', 5)
    const activations = story.effects.map((effect) => 'episode' in effect && effect.episode.activation)
    expect(activations[2]).not.toBe(activations[0])
  })

  test('T21: a removed device resolves once; later packets do nothing; it leaves no state behind', () => {
    const story = new Story({ rules: [aRule({ for: '2m' })] })
    story.series('260x5')
    story.control(5, { type: 'device.removed', deviceId: 'dev_1' })
    story.series('260x5', 6)
    expect(story.told()).toEqual(['2 alert.firing', '5 alert.resolved device_removed'])
    expect(story.evaluator.counters().unknownDevice).toBe(5)
    expect(story.keptKeys().filter((key) => key.includes('dev_1'))).toEqual([])
  })

  test('T27: from shadow to active what is still true opens anew', () => {
    const story = new Story({ rules: [] })
    story.activate(0, aRule({ for: '2m' }), { mode: 'shadow' })
    story.series('260x5')
    story.activate(6, aRule({ for: '2m' }), { mode: 'active', activation: 'act_2' })
    expect(story.told()).toEqual(['2 alert.firing', '6 alert.resolved rule_changed', '6 alert.firing'])
    const modes = story.effects.map((effect) => 'episode' in effect && effect.episode.mode)
    expect(modes).toEqual(['shadow', 'shadow', 'active'])
  })

  test('a canary share applies to a stable part of the fleet, and raising it only adds', () => {
    const story = new Story({ rules: [] })
    for (let i = 0; i < 200; i++) story.control(0, { type: 'device.added', device: aDevice({ deviceId: `dev_c${i}` }) })
    const covered = (share: number) => {
      story.activate(0, aRule(), { canaryShare: share })
      return story.evaluator.views().map((view) => view.deviceId)
    }
    const fifth = covered(0.2)
    const half = covered(0.5)
    expect(fifth.length).toBeGreaterThan(20)
    expect(fifth.length).toBeLessThan(60)
    expect(half).toEqual(expect.arrayContaining(fifth))
    expect(covered(1)).toHaveLength(201)
  })

  test('parameters: device before home before region before product before brand before the rule', () => {
    const when = { metric: 'filter_dp_pa', op: '>' as const, value: { param: 'dp_limit', default: 250 } }
    const story = new Story({ rules: [noFor({ when })] })
    const set = (scope: 'device' | 'home' | 'region' | 'product' | 'brand', scopeId: string, value: number | null) =>
      story.control(0, { type: 'parameter.set', scope, scopeId, key: 'dp_limit', value })
    const limit = () => {
      // The highest value that does not fire, found by asking.
      for (let dp = 100; dp <= 400; dp += 50) {
        story.dp(story.records.length, dp)
        const firing = story.state() === 'firing'
        story.dp(story.records.length, 0)
        if (firing) return dp - 50
      }
      return null
    }
    expect(limit()).toBe(250)
    set('brand', 'brand_a', 350)
    expect(limit()).toBe(350)
    set('region', '31', 300)
    set('region', '310115', 200)
    expect(limit()).toBe(200)
    set('home', 'home_1', 150)
    set('device', 'dev_1', 100)
    expect(limit()).toBe(100)
    set('device', 'dev_1', null)
    expect(limit()).toBe(150)
  })
})

describe('T22, T24 and acknowledgement: who hears of it', () => {
  test('T22: ended inside a maintenance window is history; lasting past it is told once, with the true start', () => {
    const story = new Story({ rules: [aRule({ for: '2m', keep: '3m' })], restartAlways: true })
    story.control(0, silence({ kind: 'maintenance', untilMs: story.at(20) }))
    story.series('260x4 200x5 260x20')
    expect(story.told()).toEqual([
      '2 alert.firing maintenance',
      '7 alert.resolved cleared',
      '11 alert.firing maintenance',
      '20 alert.current',
    ])
    expect(story.effects[3]).toMatchObject({ episode: { startedAtMs: story.at(9) } })
  })

  test('while somebody works on the device all is kept from people but danger', () => {
    for (const [safety, told] of [
      [null, '2 alert.firing maintenance'],
      ['overheat', '2 alert.firing'],
    ] as const) {
      const story = new Story({ rules: [aRule({ for: '2m', ...(safety ? { safety } : {}) })] })
      story.control(0, silence({ kind: 'service', untilMs: story.at(60) }))
      story.series('260x5')
      expect(story.told()).toEqual([told])
    }
  })

  test('T22: of overlapping silences the last one counts; ended by hand it is over at once', () => {
    const story = new Story({ rules: [aRule({ for: '2m' })] })
    story.control(0, silence({ silenceId: 'sil_1', untilMs: story.at(5), scope: { region: '31' } }))
    story.control(0, silence({ silenceId: 'sil_2', untilMs: story.at(500), scope: { homeId: 'home_1' } }))
    story.control(0, silence({ silenceId: 'sil_3', untilMs: story.at(500), scope: { ruleKey: 'another' } }))
    story.series('260x10')
    expect(story.told()).toEqual(['2 alert.firing silenced'])
    story.control(10, { type: 'silence.ended', silenceId: 'sil_2' })
    expect(story.told()[1]).toBe('10 alert.current')
  })

  test('T24: the fourth episode within a day flaps: one notice for all, and calm again it would be told', () => {
    const story = new Story({ rules: [noFor({ keep: '1m' })], restartAlways: true })
    story.series('260 200x2 260 200x2 260 200x2 260 200x2 260 200x2')
    expect(story.told().filter((line) => line.includes('firing') || line.includes('flapping'))).toEqual([
      '0 alert.firing',
      '3 alert.firing',
      '6 alert.firing',
      '9 alert.firing flapping',
      '9 alert.flapping',
      '12 alert.firing flapping',
    ])
    story.dp(1_000, 260)
    story.tick(2_450)
    expect(story.told().at(-1)).toBe(`${1_440 + 12} alert.current`)
  })

  test('T22, case 25: by the clock of the home, over midnight; one that ends inside is history, one that lasts is told at its end', () => {
    const ended = new Story({ rules: [aRule({ for: '2m', keep: '5m', latch: 'none' })], restartAlways: true })
    const lasts = new Story({ rules: [aRule({ for: '2m' })], restartAlways: true })
    // 08:00 in Shanghai is 00:00 UTC, a Thursday; the window began on Wednesday evening.
    const window = { scope: {}, zone: 'home', days: [3], from: '22:00', to: '08:30' }
    for (const story of [ended, lasts]) story.control(-1, { type: 'maintenance.set', windowId: 'win_1', window })
    ended.series('260x5 200x40')
    lasts.series('260x40')
    expect(ended.told()).toEqual(['2 alert.firing maintenance', '10 alert.resolved cleared'])
    expect(lasts.told()).toEqual(['2 alert.firing maintenance', '30 alert.current'])
    expect(lasts.effects[1]).toMatchObject({ episode: { startedAtMs: lasts.at(0) } })
  })

  test('T22: windows and silences add up: told when the last of them is over, also when a window is taken away', () => {
    const story = new Story({ rules: [aRule({ for: '2m' })] })
    const window = { scope: {}, zone: 'Asia/Shanghai', days: [4], from: '08:00', to: '08:30' }
    story.control(0, { type: 'maintenance.set', windowId: 'win_1', window })
    story.control(0, { type: 'maintenance.set', windowId: 'win_2', window: { ...window, from: '08:20', to: '08:50' } })
    story.control(0, silence({ silenceId: 'sil_1', untilMs: story.at(60) }))
    story.series('260x55')
    expect(story.told()).toEqual(['2 alert.firing maintenance'])
    story.series('260x10', 55)
    expect(story.told()).toEqual(['2 alert.firing maintenance', '60 alert.current'])

    const taken = new Story({ rules: [aRule({ for: '2m' })] })
    taken.control(0, { type: 'maintenance.set', windowId: 'win_1', window })
    taken.series('260x5')
    taken.control(5, { type: 'maintenance.set', windowId: 'win_1', window: null })
    expect(taken.told()).toEqual(['2 alert.firing maintenance', '5 alert.current'])
  })

  describe('T23: inhibition', () => {
    const dirty = aRule({ for: '2m', keep: '2m', latch: 'none' })
    const fan = aRule({
      key: 'a-fan-slow',
      for: '2m',
      keep: '2m',
      latch: 'none',
      inhibitedBy: ['hepa-clogged'],
      when: { metric: 'fan_rpm', op: '<', value: 500 },
    })
    const both = (story: Story, at: number, filter_dp_pa: number, fan_rpm: number) =>
      story.read({ at, values: { filter_dp_pa, fan_rpm } })
    const stretch = (story: Story, from: number, to: number, dp: number, rpm: number): void => {
      for (let at = from; at < to; at++) both(story, at, dp, rpm)
    }

    test('of two that fire by the same reading only the inhibitor is told, whatever their names; the other when it has ended', () => {
      const story = new Story({ rules: [dirty, fan], restartAlways: true })
      stretch(story, 0, 5, 260, 300)
      stretch(story, 5, 10, 200, 300)
      expect(story.told()).toEqual([
        '2 alert.firing',
        '2 alert.firing inhibited',
        '7 alert.resolved cleared',
        '7 alert.current',
      ])
      expect(story.effects.map((effect) => 'episode' in effect && effect.episode.ruleKey)).toEqual([
        'hepa-clogged',
        'a-fan-slow',
        'hepa-clogged',
        'a-fan-slow',
      ])
      expect(story.effects[3]).toMatchObject({ episode: { startedAtMs: story.at(0) } })
    })

    test('ended while inhibited it is history', () => {
      const story = new Story({ rules: [dirty, fan] })
      stretch(story, 0, 5, 260, 300)
      stretch(story, 5, 20, 260, 900)
      expect(story.told()).toEqual(['2 alert.firing', '2 alert.firing inhibited', '7 alert.resolved cleared'])
    })

    test('who is dismissed or paused inhibits no longer; who is only tried out never did', () => {
      const dismissed = new Story({ rules: [dirty, fan] })
      stretch(dismissed, 0, 5, 260, 300)
      dismissed.control(5, { type: 'rule.paused', ruleKey: 'hepa-clogged' })
      expect(dismissed.told().slice(2)).toEqual(['5 alert.resolved rule_removed', '5 alert.current'])

      const shadow = new Story({ rules: [fan] })
      shadow.activate(-1, dirty, { mode: 'shadow' })
      stretch(shadow, 0, 5, 260, 300)
      expect(shadow.told()).toEqual(['2 alert.firing', '2 alert.firing'])
    })
  })

  test('case 19: an outage is said once; alerts about silence are kept quiet, others are not, and who stays silent is told after', () => {
    const story = new Story({ rules: [aRule({ for: '2m', noData: { alert: { for: '1m' } } })] })
    story.series('200x2')
    const seen = { devices: 320, silent: 312, sinceMs: story.at(1) }
    const outage = silence({ silenceId: 'out_1', scope: { region: '31' }, kind: 'outage', untilMs: story.at(60), seen })
    story.control(3, outage)
    expect(story.effects).toMatchObject([
      {
        kind: 'operator.event',
        code: 'silence.region',
        subject: '31',
        detail: expect.stringContaining('312 of 320 devices in region 31'),
      },
    ])
    story.tick(10)
    expect(story.told().slice(1)).toEqual(['5.166666666666667 alert.firing inhibited'])
    story.control(20, { type: 'silence.ended', silenceId: 'out_1' })
    expect(story.told().slice(2)).toEqual(['20 alert.current'])
  })

  test('acknowledged: silent from then on, unless it becomes more severe; only service or dismissal releases a latch', () => {
    const story = new Story({ rules: [aRule({ for: '2m', keep: '3m', latch: 'until-serviced' })] })
    story.series('260x3 200x4')
    const { episodeId } = story.view()
    story.control(7, { type: 'alert.acknowledged', deviceId: 'dev_1', episodeId: episodeId! })
    expect(story.state()).toBe('cleared-latched')
    story.control(8, { type: 'alert.dismissed', deviceId: 'dev_1', episodeId: episodeId! })
    expect(story.told()).toEqual(['2 alert.firing', '6 alert.cleared', '8 alert.resolved dismissed'])
    expect(story.state()).toBe('inactive')
  })

  test('dismissed while true: a new episode after its full for, with an id of its own', () => {
    const story = new Story({ rules: [aRule({ for: '2m' })] })
    story.series('260x4')
    story.control(4, {
      type: 'alert.dismissed',
      deviceId: 'dev_1',
      episodeId: story.view().episodeId!,
    })
    story.series('260x4', 5)
    expect(story.told()).toEqual(['2 alert.firing', '4 alert.resolved dismissed', '7 alert.firing'])
  })
})

describe('T26 and verification', () => {
  const filterRule = aRule({ component: 'hepa-filter', for: '2m', keep: '1h' })
  const reset = (atMs: number): ControlChange => ({
    type: 'component.reset',
    deviceId: 'dev_1',
    component: 'hepa-filter',
    atMs,
    source: 'technician',
    caseId: 'case_1',
  })
  const repaired = (story: Story, minute: number): ControlChange => ({
    type: 'verification.started',
    caseId: 'case_1',
    deviceId: 'dev_1',
    component: 'hepa-filter',
    attempt: 1,
    repairedAtMs: story.at(minute),
    partReplaced: true,
  })

  test('T26: the first known-false answer after service resolves and releases the latch', () => {
    const story = new Story({ rules: [filterRule] })
    story.series('260x4')
    story.control(4, reset(story.at(4)))
    expect(story.state()).toBe('firing')
    story.series('260 100', 5)
    expect(story.told()).toEqual(['2 alert.firing', '6 alert.resolved serviced'])
  })

  test('T26: a window knows nothing of the part that was there before', () => {
    for (const agg of ['mean', 'max', 'count'] as const) {
      const value = agg === 'count' ? 30 : 250
      const when = { metric: 'filter_dp_pa', op: '>', value, agg, window: '6h' } as const
      const story = new Story({ rules: [{ ...filterRule, when }], restartAlways: true })
      story.series('260x60')
      expect(story.state()).toBe('firing')
      story.control(60, reset(story.at(60)))
      story.series('100x10', 61)
      expect(story.told().slice(1)).toEqual(['61 alert.resolved serviced'])
    }
  })

  test('T26: nor when its readings come only after the repair', () => {
    const when = { metric: 'filter_dp_pa', op: '>', value: 250, agg: 'max', window: '6h' } as const
    const story = new Story({ rules: [{ ...filterRule, when }], restartAlways: true })
    story.series('260x10')
    story.control(20, reset(story.at(20)))
    for (let at = 10; at < 15; at++) story.dp(at, 260, 21)
    expect(story.told()).toEqual(['2 alert.firing'])
    story.series('100x10', 22)
    expect(story.told().slice(1)).toEqual(['22 alert.resolved serviced'])
  })

  test('T26: still true after the verification window: the same episode', () => {
    const story = new Story({ rules: [filterRule] })
    story.series('260x4')
    story.control(4, reset(story.at(4)))
    story.dp(5, 260)
    story.dp(4 + 1_441, 100)
    expect(story.told()).toEqual(['2 alert.firing'])
    expect(story.state()).toBe('recovering')
  })

  test('T26: a window longer than the verification window answers when it is full again; until then nothing is said', () => {
    const when = { metric: 'filter_dp_pa', op: '>', value: 250, agg: 'mean', window: '3d', atLeast: 3_000 } as const
    const story = new Story({ rules: [{ ...filterRule, when }] })
    story.series('260x3010')
    expect(story.state()).toBe('firing')
    story.control(3_010, reset(story.at(3_010)))
    // A day is over, and three thousand readings of the new part are not there yet.
    story.series('100x2990', 3_011)
    expect(story.told()).toEqual(['3001 alert.firing'])
    expect(story.state()).toBe('firing')
    story.series('100x20', 6_001)
    expect(story.told().slice(1)).toEqual(['6010 alert.resolved serviced'])
  })

  test('verified: the recovery held; what was latched is released', () => {
    const story = new Story({ rules: [filterRule], restartAlways: true })
    story.series('260x4')
    story.control(4, repaired(story, 4))
    story.series('100x11', 5)
    expect(story.told()).toEqual(['2 alert.firing', '15 verification.ended verified', '15 alert.resolved serviced'])
    expect(story.effects[1]).toMatchObject({ caseId: 'case_1', attempt: 1, readings: 10 })
  })

  const claimed = (story: Story, minute: number, more: object): ControlChange =>
    ({ ...repaired(story, minute), ...more }) as ControlChange

  test('not fixed: known-false at the end of the window, with enough readings', () => {
    const story = new Story({ rules: [filterRule] })
    story.control(0, claimed(story, 0, { partReplaced: false }))
    story.series('260x1440', 0)
    story.tick(1_440)
    expect(story.told()).toContain('1440 verification.ended not_fixed')
  })

  test('not observed: a part is claimed, and the signal stands where it stood or worse', () => {
    const story = new Story({ rules: [filterRule], restartAlways: true })
    story.series('260x20')
    story.control(20, repaired(story, 20))
    story.series('262x700 275x740', 20)
    story.tick(1_460)
    expect(story.told().at(-1)).toBe('1460 verification.ended not_observed')
  })

  test('a part that moved the signal without mending it was fitted: not fixed', () => {
    const story = new Story({ rules: [filterRule], restartAlways: true })
    story.series('260x20')
    story.control(20, repaired(story, 20))
    story.series('200x1440', 20)
    story.tick(1_460)
    expect(story.told().at(-1)).toBe('1460 verification.ended not_fixed')
  })

  test('what the case knows of before goes before readings that may be of the new part already', () => {
    for (const [before, end] of [
      [{ filter_dp_pa: 262 }, 'not_fixed'],
      [{}, 'not_observed'],
    ] as const) {
      const story = new Story({ rules: [] })
      // Fitted, tried out, and only then reported.
      story.series('200x20')
      story.control(20, claimed(story, 20, { before }))
      story.series('200x1440', 20)
      story.tick(1_460)
      expect(story.told().at(-1)).toBe(`1460 verification.ended ${end}`)
    }
  })

  test('with nothing known of before, nobody is told that a part was not fitted', () => {
    const story = new Story({ rules: [] })
    story.control(0, repaired(story, 0))
    story.series('260x1440', 0)
    story.tick(1_440)
    expect(story.told().at(-1)).toBe('1440 verification.ended not_fixed')
  })

  test('unverified: silent, too few readings, or nothing that says how a repair would show', () => {
    const silent = new Story({ rules: [filterRule] })
    silent.control(0, repaired(silent, 0))
    silent.series('260x20')
    silent.tick(1_440)
    expect(silent.told().at(-1)).toBe('1440 verification.ended unverified')

    const few = new Story({ rules: [] })
    few.control(0, repaired(few, 0))
    for (let i = 0; i < 4; i++) few.dp(1_436 + i, 260)
    few.tick(1_440)
    expect(few.told()).toEqual(['1440 verification.ended unverified'])

    const mute = new Story()
    mute.control(0, { ...repaired(mute, 0), component: 'fan' } as ControlChange)
    expect(mute.told()).toEqual(['0 verification.ended unverified'])
  })

  test('only readings after the repair count, those that came before its report too', () => {
    const story = new Story({ rules: [] })
    story.series('100x30')
    story.control(30, repaired(story, 25))
    story.series('100x4', 30)
    expect(story.told()).toEqual([])
    story.series('100x2', 34)
    expect(story.told()).toEqual(['35 verification.ended verified'])
  })

  test('cancelled: nobody hears of it any more', () => {
    const story = new Story({ rules: [] })
    story.control(0, repaired(story, 0))
    story.control(1, { type: 'verification.cancelled', caseId: 'case_1', deviceId: 'dev_1', component: 'hepa-filter' })
    story.series('100x20', 1)
    story.tick(2_000)
    expect(story.effects).toEqual([])
  })
})

describe('T25: restarts', () => {
  test('a restart after every single record changes nothing: not the timeline, not the ids, and nothing is told again', () => {
    const tell = (restartAlways: boolean) => {
      const story = new Story({
        restartAlways,
        rules: [
          aRule({ for: '2m', keep: '3m' }),
          aRule({ key: 'latched', component: 'hepa-filter', for: '2m', keep: '3m' }),
        ],
      })
      story.control(0, silence({ untilMs: story.at(6), scope: { ruleKey: 'latched' } }))
      story.series('260x9 200x6 _x4 260x3 200')
      story.dp(18, 260, 23)
      story.activate(23, aRule({ for: '2m', keep: '1m' }), { version: 2 })
      story.series('200x3', 24)
      story.control(27, { type: 'rule.warmed', ruleKey: 'hepa-clogged', version: 2 })
      story.tick(40)
      return story
    }
    const whole = tell(false)
    const restarted = tell(true)
    expect(restarted.effects).toEqual(whole.effects)
    expect(restarted.evaluator.stateHash()).toBe(whole.evaluator.stateHash())
    expect(whole.effects.length).toBeGreaterThan(5)
  })
})
