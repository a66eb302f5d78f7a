import { describe, expect, test } from 'vitest'
import type { Condition, ProductDocument, RuleDocument } from '#contracts'
import { aDevice, aProduct, aRule, MINUTE, Story, T0 } from './testing/story.ts'

/** One story or two for each kind of condition; minutes since midnight UTC of 1 January 2026. */
const HOUR = 60
const DAY = 24 * HOUR
const rule = (when: Condition, over: Partial<RuleDocument> = {}): RuleDocument => {
  const { for: _for, keep: _keep, ...rest } = aRule({ latch: 'none' })
  return { ...rest, when, ...over }
}
const metrics: ProductDocument['metrics'] = [
  { key: 'run_h', unit: 'h', type: 'number' },
  { key: 'cycles', unit: '1', type: 'number', max: 1_000 },
  { key: 'water_l', unit: 'l', type: 'number' },
  { key: 'temp_c', unit: '°C', type: 'number' },
  { key: 'error', unit: '1', type: 'string' },
  { key: 'jam', unit: '1', type: 'boolean' },
]
const periodic = aProduct({
  metrics,
  components: [{ key: 'fan', kind: 'motor' }],
  reporting: { mode: 'periodic', every: '1m' },
})
const onChange = aProduct({ ...periodic, reporting: { mode: 'onChange', every: '1m' } })
const used = (story: Story): unknown => story.view().lastValue

describe('change', () => {
  const rises = rule({ change: { metric: 'temp_c', over: '5m', op: '>=', value: 10, clear: 5 } })

  test('the newest value less the one that stood so long before; unknown until there is one', () => {
    const story = new Story({ product: periodic, rules: [rises] })
    const at = (minute: number, temp_c: number) => story.read({ at: minute, values: { temp_c } })
    for (let minute = 0; minute < 5; minute++) at(minute, 20 + 4 * minute)
    expect(used(story)).toBeNull()
    at(5, 40)
    expect(story.told()).toEqual(['5 alert.firing'])
    expect(story.effects[0]).toMatchObject({ evidence: [{ metric: 'temp_c', value: 20, op: '>=', limit: 10 }] })
    // In the band it stays; below it, it ends.
    for (let minute = 6; minute <= 9; minute++) at(minute, 41)
    expect(story.state()).toBe('firing')
    at(10, 41)
    expect(story.told()).toEqual(['5 alert.firing', '10 alert.resolved cleared'])
  })

  test('what stood before a gap is not known: nothing is measured against it', () => {
    const story = new Story({ product: periodic, rules: [rises] })
    story.read({ at: 0, values: { temp_c: 20 } })
    story.read({ at: 9, values: { temp_c: 90 } })
    expect(story.told()).toEqual([])
  })

  test('on a device that reports on change it passes with time, by the tick', () => {
    const story = new Story({ product: onChange, rules: [rises] })
    story.read({ at: 0, values: { temp_c: 20 } })
    story.read({ at: 10, values: { temp_c: 35 } })
    expect(story.state()).toBe('firing')
    story.tick(14.9)
    expect(story.state()).toBe('firing')
    story.tick(15)
    expect(story.told()).toEqual(['10 alert.firing', '15 alert.resolved cleared'])
  })
})

describe('usage', () => {
  const count = (metric: string, over: object = {}) => rule({ usage: { metric, op: '>=', value: 500, ...over } })

  test('a counter that is reset by a power cut goes on counting', () => {
    const story = new Story({ product: periodic, rules: [count('water_l')] })
    const at = (minute: number, water_l: number) => story.read({ at: minute, values: { water_l } })
    at(0, 480)
    at(1, 0)
    at(2, 12)
    expect(used(story)).toBe(492)
    at(3, 20)
    expect(story.told()).toEqual(['3 alert.firing'])
  })

  test('one that rolls over in its range counts through', () => {
    const story = new Story({ product: periodic, rules: [count('cycles', { value: 1_010 })] })
    story.read({ at: 0, values: { cycles: 995 } })
    story.read({ at: 1, values: { cycles: 8 } })
    expect(used(story)).toBe(1_008)
    story.read({ at: 2, values: { cycles: 16 } })
    expect(story.state()).toBe('firing')
  })

  test('a hiccup to nothing and back counts nothing; a slight fall is rounding', () => {
    const story = new Story({ product: periodic, rules: [count('water_l')] })
    for (const [minute, water_l] of [400, 0, 401, 400, 401.5].entries()) story.read({ at: minute, values: { water_l } })
    expect(used(story)).toBe(401.5)
    expect(story.told()).toEqual([])
  })

  test('an hour meter cannot run faster than the hours: a jump counts nothing', () => {
    const story = new Story({ product: periodic, rules: [count('run_h')] })
    story.read({ at: 0, values: { run_h: 100 } })
    story.read({ at: 60, values: { run_h: 101 } })
    story.read({ at: 120, values: { run_h: 7_000 } })
    story.read({ at: 180, values: { run_h: 7_001 } })
    expect(used(story)).toBe(102)
  })

  test('any counter can be told how fast it may grow', () => {
    const story = new Story({ product: periodic, rules: [count('water_l', { perDayMax: 240 })] })
    story.read({ at: 0, values: { water_l: 100 } })
    story.read({ at: 60, values: { water_l: 120 } })
    story.read({ at: 120, values: { water_l: 600 } })
    expect(used(story)).toBe(120)
  })

  test('since service: from where the counter stood then; an open alert ends as serviced', () => {
    const story = new Story({ product: periodic, rules: [count('water_l', { sinceService: true })] })
    const at = (minute: number, water_l: number) => story.read({ at: minute, values: { water_l } })
    for (let minute = 0; minute < 5; minute++) at(minute, 496 + minute)
    expect(story.state()).toBe('firing')
    // Told at minute 5 of a service at 2.5: what was counted after it counts.
    story.control(5, {
      type: 'component.reset',
      deviceId: 'dev_1',
      component: 'fan',
      atMs: story.at(2.5),
      source: 'technician',
      caseId: null,
    })
    expect(story.told()).toEqual(['4 alert.firing', '5 alert.resolved serviced'])
    expect(used(story)).toBe(2)
    at(6, 510)
    expect(used(story)).toBe(12)
    // Another component's service is none of its business.
    story.control(7, {
      type: 'component.reset',
      deviceId: 'dev_1',
      component: 'pump',
      atMs: story.at(7),
      source: 'device',
      caseId: null,
    })
    at(8, 511)
    expect(used(story)).toBe(13)
  })

  test('a rule enabled after the service counts from it where the rated life was watched, and else says nothing', () => {
    const watched = aProduct({
      ...periodic,
      components: [{ key: 'fan', kind: 'motor', ratedLife: { metric: 'water_l', value: 9_000 } }],
    })
    for (const [product, expected] of [
      [watched, 40],
      [periodic, null],
    ] as const) {
      const story = new Story({ product, rules: [] })
      story.read({ at: 0, values: { water_l: 4_000 } })
      story.control(1, {
        type: 'component.reset',
        deviceId: 'dev_1',
        component: 'fan',
        atMs: story.at(1),
        source: 'device',
        caseId: null,
      })
      story.activate(2, count('water_l', { sinceService: true }))
      story.read({ at: 3, values: { water_l: 4_040 } })
      expect(used(story)).toBe(expected)
      expect(story.told()).toEqual([])
    }
  })

  test('a new version of the rule takes over what was counted', () => {
    const story = new Story({ product: periodic, rules: [count('water_l')] })
    for (const [minute, water_l] of [300, 0, 100].entries()) story.read({ at: minute, values: { water_l } })
    story.activate(3, count('water_l', { value: 600 }), { version: 2 })
    story.read({ at: 4, values: { water_l: 150 } })
    story.control(4, { type: 'rule.warmed', ruleKey: 'hepa-clogged', version: 2 })
    expect(used(story)).toBe(450)
    story.read({ at: 5, values: { water_l: 300 } })
    expect(story.told()).toEqual(['5 alert.firing'])
  })

  test('levels of usage escalate within one episode', () => {
    const { severity: _severity, ...base } = count('water_l')
    const levels: RuleDocument['levels'] = [
      { severity: 'info', value: 500 },
      { severity: 'warning', value: 600 },
    ]
    const story = new Story({ product: periodic, rules: [{ ...base, levels }] })
    story.read({ at: 0, values: { water_l: 510 } })
    story.read({ at: 1, values: { water_l: 610 } })
    expect(story.told()).toEqual(['0 alert.firing', '1 alert.escalated'])
  })
})

describe('age', () => {
  const installedAtMs = T0 - 8 * 365.25 * 86_400_000 + 30 * MINUTE
  const old = rule({ age: { op: '>=', value: '8y' } })

  test('is reached by time alone, to the tick, on a device that says nothing', () => {
    const story = new Story({ product: periodic, rules: [old], device: { installedAtMs } })
    story.tick(29.9)
    expect(story.told()).toEqual([])
    story.tick(30)
    expect(story.told()).toEqual(['30 alert.firing'])
    expect(story.effects[0]).toMatchObject({
      episode: { startedAtMs: story.at(30) },
      evidence: [{ metric: 'age', value: 2_922, op: '>=', limit: 2_922, unit: 'd' }],
    })
  })

  test('goes by the clock of the device once it has told it', () => {
    const story = new Story({ product: periodic, rules: [old], device: { installedAtMs } })
    // Five minutes slow.
    story.read({ at: 15, received: 20, values: { temp_c: 20 } })
    story.tick(34.9)
    expect(story.told()).toEqual([])
    story.tick(35)
    expect(story.told()).toEqual(['35 alert.firing'])
    expect(story.effects[0]).toMatchObject({ episode: { startedAtMs: story.at(30) } })
  })

  test('without a day of installation it is unknown, and known as soon as that is', () => {
    const story = new Story({ product: periodic, rules: [old] })
    story.tick(DAY)
    expect(story.told()).toEqual([])
    story.control(DAY + 1, { type: 'device.changed', device: aDevice({ installedAtMs }) })
    story.tick(DAY + 2)
    expect(story.state()).toBe('firing')
  })

  test('since service begins anew with it, and the alert ends as serviced', () => {
    const story = new Story({
      product: periodic,
      rules: [rule({ age: { op: '>=', value: 1, sinceService: true } })],
      device: { installedAtMs: T0 },
    })
    story.tick(DAY)
    expect(story.told()).toEqual(['1440 alert.firing'])
    story.control(DAY + HOUR, {
      type: 'component.reset',
      deviceId: 'dev_1',
      component: 'fan',
      atMs: story.at(DAY + HOUR),
      source: 'homeowner',
      caseId: null,
    })
    expect(story.told()).toEqual(['1440 alert.firing', '1500 alert.resolved serviced'])
    story.restart()
    story.tick(2 * DAY + HOUR - 1)
    expect(story.state()).toBe('inactive')
    story.tick(2 * DAY + HOUR)
    expect(story.state()).toBe('firing')
  })
})

describe('event', () => {
  const jams = rule({ event: { metric: 'jam', equals: true, count: 3, window: '10m' } })

  test('counts the times it became so, not the readings that say it still is; and fewer with time, by the tick', () => {
    const story = new Story({ product: periodic, rules: [jams] })
    const jam = (minute: number, value: boolean) => story.read({ at: minute, values: { jam: value } })
    for (const minute of [0, 1, 2, 3]) jam(minute, true)
    expect(used(story)).toBeNull()
    jam(4, false)
    jam(5, true)
    jam(6, false)
    expect(story.told()).toEqual([])
    jam(7, true)
    expect(story.told()).toEqual(['7 alert.firing'])
    expect(story.effects[0]).toMatchObject({ evidence: [{ metric: 'jam', value: 3, op: '>=', limit: 3 }] })
    story.tick(9.9)
    expect(story.state()).toBe('firing')
    story.tick(10)
    expect(story.told()).toEqual(['7 alert.firing', '10 alert.resolved cleared'])
  })

  test('a code sent each time it happens is counted by report', () => {
    const when = { metric: 'error', equals: 'E4', count: 3, window: '1h' }
    const byChange = new Story({ product: onChange, rules: [rule({ event: when })] })
    const byReport = new Story({ product: onChange, rules: [rule({ event: { ...when, each: 'report' } })] })
    for (const story of [byChange, byReport])
      for (const minute of [0, 10, 20]) story.read({ at: minute, values: { error: 'E4' } })
    expect(byChange.told()).toEqual([])
    expect(byReport.told()).toEqual(['20 alert.firing'])
    byReport.read({ at: 21, values: { error: 'E5' } })
    expect(byReport.state()).toBe('firing')
  })

  test('a late one is counted where it belongs: it makes the third, and splits what looked like one', () => {
    const story = new Story({ product: periodic, rules: [jams] })
    story.read({ at: 0, values: { jam: true } })
    story.read({ at: 2, values: { jam: true } })
    story.read({ at: 3, values: { jam: false } })
    story.read({ at: 4, values: { jam: true } })
    story.tick(5)
    expect(story.state()).toBe('inactive')
    // At minute 1 it was free: what began at 0 and what stood at 2 are two.
    story.read({ at: 1, received: 5, values: { jam: false } })
    expect(story.told()).toEqual(['5 alert.firing'])
    expect(story.effects[0]).toMatchObject({ episode: { startedAtMs: story.at(4) } })
  })
})

describe('season', () => {
  test('by the calendar of the home, over the end of the year, by the tick', () => {
    const winter = rule({
      all: [{ season: { from: '--11-15', to: '--01-01' } }, { metric: 'temp_c', op: '<', value: 5 }],
    })
    const story = new Story({ product: onChange, rules: [winter], device: { timeZone: 'Asia/Shanghai' } })
    story.read({ at: 10, values: { temp_c: 2 } })
    expect(story.told()).toEqual(['10 alert.firing'])
    // Midnight in Shanghai is 16:00 UTC.
    story.tick(16 * HOUR - 1)
    expect(story.state()).toBe('firing')
    story.tick(16 * HOUR)
    expect(story.told()).toEqual(['10 alert.firing', '960 alert.resolved cleared'])
  })

  test('a home that moves to another zone goes by its calendar from then on', () => {
    const story = new Story({
      product: periodic,
      rules: [rule({ season: { from: '--01-02', to: '--01-31' } })],
      device: { timeZone: 'America/New_York' },
    })
    story.tick(20 * HOUR)
    expect(story.state()).toBe('inactive')
    story.control(20 * HOUR, { type: 'device.changed', device: aDevice({ timeZone: 'Asia/Shanghai' }) })
    story.tick(20 * HOUR + 1)
    expect(story.told()).toEqual(['1200.1666666666667 alert.firing'])
  })

  test('a zone nobody knows freezes the rule and says so', () => {
    const story = new Story({
      product: periodic,
      rules: [rule({ season: { from: '--01-01', to: '--01-31' } })],
      device: { timeZone: 'Mars/Olympus' },
    })
    story.read({ at: 1, values: { temp_c: 2 } })
    expect(story.view()).toMatchObject({ state: 'inactive', quality: 'error' })
  })
})

describe('anomaly', () => {
  const odd = rule({ anomaly: { metric: 'temp_c', against: 'self', score: 0.5 } })
  const usual = (minute: number): number => 20 + Math.sin(minute / 7) + 0.3 * Math.sin(minute * 2.1)

  test('unknown until the usual course is known; then what breaks it fires, whatever restarts between', () => {
    const story = new Story({ product: periodic, rules: [odd] })
    for (let minute = 0; minute < 220; minute++) story.read({ at: minute, values: { temp_c: usual(minute) } })
    expect(story.view()).toMatchObject({ state: 'inactive', quality: 'stale' })
    for (let minute = 220; minute < 600; minute++) {
      story.read({ at: minute, values: { temp_c: usual(minute) } })
      if (minute % 50 === 0) story.restart()
    }
    expect(story.view()).toMatchObject({ state: 'inactive', quality: 'ok' })
    expect(story.told()).toEqual([])
    story.read({ at: 600, values: { temp_c: 29 } })
    // The point is whole when the next one begins.
    expect(story.told()).toEqual([])
    story.read({ at: 601, values: { temp_c: usual(601) } })
    expect(story.told()).toEqual(['601 alert.firing'])
    expect(story.effects[0]).toMatchObject({ evidence: [{ metric: 'temp_c', op: '>=', limit: 0.5 }] })
  })

  test('a late reading is judged where it belongs', () => {
    const inOrder = new Story({ product: periodic, rules: [odd] })
    const late = new Story({ product: periodic, rules: [odd] })
    for (let minute = 0; minute < 500; minute++) {
      inOrder.read({ at: minute, values: { temp_c: usual(minute) } })
      if (minute !== 495) late.read({ at: minute, values: { temp_c: usual(minute) } })
    }
    late.read({ at: 495, received: 499.5, values: { temp_c: usual(495) } })
    for (const story of [inOrder, late]) {
      story.read({ at: 500, values: { temp_c: 29 } })
      story.read({ at: 501, values: { temp_c: 20 } })
    }
    expect(late.view().lastValue).toBeGreaterThan(0.5)
    expect(late.view().lastValue).toBe(inOrder.view().lastValue)
    expect(late.state()).toBe('firing')
  })
})

describe('forecast', () => {
  const due = rule({ forecast: { metric: 'temp_c', reaches: 120, within: '14d' } })
  const slow = aProduct({ ...periodic, reporting: { mode: 'periodic', every: '6h' } })
  /** Four readings a day; noise that a seed repeats. */
  const read = (story: Story, days: number, course: (day: number) => number, from = 0): void => {
    for (let quarter = 0; quarter < 4 * days; quarter++) {
      const day = from + quarter / 4
      story.read({ at: day * DAY, values: { temp_c: course(day) + (((quarter * 7) % 5) - 2) / 4 } })
    }
  }

  test('fires when the device’s own trend leads to the limit in time, and says in how many days', () => {
    const story = new Story({ product: slow, rules: [due] })
    read(story, 60, (day) => 20 + 2 * day)
    const firing = story.effects.find((effect) => effect.kind === 'alert.firing')
    const firedDay = ((firing as { episode: { startedAtMs: number } }).episode.startedAtMs - T0) / (DAY * MINUTE)
    // The limit is reached on day 50.
    expect(firedDay).toBeGreaterThan(33)
    expect(firedDay).toBeLessThan(40)
    expect(firing).toMatchObject({ evidence: [{ metric: 'temp_c', op: '<=', limit: 14, unit: 'd' }] })
  })

  test('says nothing before it has ten days, and never for what stands still or moves away', () => {
    for (const course of [() => 60, (day: number) => 110 - day]) {
      const story = new Story({ product: slow, rules: [due] })
      read(story, 9, course)
      expect(used(story)).toBeNull()
      read(story, 60, course, 9)
      expect(story.told()).toEqual([])
    }
  })

  test('the same after a restart at every reading', () => {
    const tell = (restartAlways: boolean) => {
      const story = new Story({ product: slow, rules: [due], restartAlways })
      read(story, 45, (day) => 20 + 2 * day)
      return story.effects
    }
    expect(tell(true)).toEqual(tell(false))
  })

  test('a new part has no past: after a service nothing is said for ten days', () => {
    const story = new Story({ product: slow, rules: [due] })
    read(story, 40, (day) => 20 + 2 * day)
    expect(story.state()).toBe('firing')
    story.control(40 * DAY, {
      type: 'component.reset',
      deviceId: 'dev_1',
      component: 'fan',
      source: 'technician',
      atMs: T0 + 40 * DAY * MINUTE,
      caseId: null,
    })
    read(story, 9, () => 20, 40.25)
    expect(used(story)).toBeNull()
    read(story, 20, (day) => 20 + (day - 49), 49.25)
    // Ten days later it is known that nothing is due, which is beyond what a verification waits for.
    expect(story.told().at(-1)).toBe(`${50 * DAY} alert.resolved cleared`)
  })
})
