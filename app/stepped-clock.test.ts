import { expect, test } from 'vitest'
import { SteppedClock } from './stepped-clock.ts'

const HOUR_MS = 3_600_000

function clockWithDiary(scale = 1e9) {
  const diary: string[] = []
  const slept: number[] = []
  let realMs = 0
  const clock = new SteppedClock({
    startMs: 0,
    scale,
    real: { nowMs: () => realMs },
    sleep: async (ms) => {
      slept.push(ms)
      realMs += ms
    },
  })
  clock.attach({
    tick: async () => void diary.push(`tick ${clock.nowMs()}`),
    settle: async () => void diary.push('settle'),
  })
  return { clock, diary, slept, passRealMs: (ms: number) => (realMs += ms) }
}

test('a step stops at each timer, tells the log the time, and settles before and after it', async () => {
  const { clock, diary } = clockWithDiary()
  clock.setTimeout(() => diary.push('offer'), 600)
  expect(await clock.stepBy(1_000)).toBe(1_000)
  expect(diary).toEqual(['settle', 'tick 600', 'settle', 'offer', 'settle', 'tick 1000', 'settle'])
})

test('a timer set during a step is met in the same step, at its own time', async () => {
  const { clock } = clockWithDiary()
  const at: number[] = []
  clock.setTimeout(() => {
    at.push(clock.nowMs())
    clock.setTimeout(() => at.push(clock.nowMs()), 300)
  }, 200)
  await clock.stepBy(1_000)
  expect(at).toEqual([200, 500])
})

test('what keeps a timetable of its own is a stop as well', async () => {
  const clock = new SteppedClock({ startMs: 0, scale: 1e9 })
  const due = [300, 700]
  const stops: number[] = []
  clock.attach({
    tick: async () => void stops.push(clock.nowMs()),
    settle: async () => void (due[0] !== undefined && due[0] <= clock.nowMs() && due.shift()),
    nextDueMs: async () => due[0] ?? null,
  })
  await clock.stepBy(1_000)
  expect(stops).toEqual([300, 700, 1_000])
})

test('a cancelled timer does not run', async () => {
  const { clock } = clockWithDiary()
  let ran = false
  clock.setTimeout(() => (ran = true), 5)[Symbol.dispose]()
  await clock.stepBy(10)
  expect(ran).toBe(false)
})

test('steps asked for at once run one after the other', async () => {
  const { clock } = clockWithDiary()
  expect(await Promise.all([clock.stepTo(100), clock.stepTo(50), clock.stepTo(200)])).toEqual([100, 100, 200])
})

test('the scale is a ceiling: faster is held back, slower is not hurried', async () => {
  const { clock, slept, passRealMs } = clockWithDiary(3_600)
  await clock.stepBy(HOUR_MS)
  await clock.stepBy(HOUR_MS)
  expect(slept).toEqual([1_000, 1_000])
  passRealMs(5_000)
  await clock.stepBy(HOUR_MS)
  expect(slept).toEqual([1_000, 1_000])
})

test('a failed step leaves the clock usable', async () => {
  const { clock } = clockWithDiary()
  await expect(clock.stepBy(40 * 86_400_000)).rejects.toMatchObject({ code: 'VALIDATION_FAILED' })
  expect(await clock.stepBy(10)).toBe(10)
})
