import {
  addToDays,
  type BatteryKind,
  batteryStateOf,
  driftOf,
  fitLifeModel,
  fitMultivariateBaseline,
  fitServiceLife,
  fitTrend,
  forecastReach,
  LevelTracker,
  type LifeUnit,
  MultivariateAnomaly,
  NEW_BATTERY,
  NO_DAYS,
  NO_DRIFT,
  remainingUse,
  StreamAnomaly,
  sawReset,
  wearPosition,
} from '#models'
import { seededRandom } from '#platform'
import { PartLife, type PartSpec } from '#rules'

/**
 * The models alone, in one thread. First what one reading costs a device that has all of them: own level and slope,
 * remaining life from its fleet, unusual readings alone and together, drift, daily points, a replacement seen, battery;
 * early and late in its history, since the cost must not grow. Then the nightly fit of a fleet, beside a straightforward
 * least-squares line through the same points.
 */
const READINGS = Number(process.env.BENCH_READINGS ?? 400_000)
const DEVICES = Number(process.env.BENCH_DEVICES ?? 100_000)
const DAYS = 90
const FLEET = 60
const HOUR_MS = 3_600_000
const PATH = { start: 10, limit: 250, growth: 'geometric', floor: 5 } as const
const BATTERY: BatteryKind = { fullV: 3.6, emptyV: 3, voltsPerC: 0.003 }

const { next } = seededRandom(1)
const started = process.hrtime.bigint
const microseconds = (from: bigint): number => Number(started() - from) / 1000

function unit(life: number): LifeUnit {
  const tracker = new LevelTracker({ fast: 3, slow: 15 })
  const points = Array.from({ length: Math.floor(life) }, (_, day) => {
    tracker.update(day, 10 * 25 ** (day / life) * (0.95 + 0.1 * next()))
    return tracker.read()!
  })
  return { points, endUse: life, covariates: [1] }
}

function device() {
  const options = { path: PATH, bandwidth: 0.05, doubt: 4, pointsLeast: 10, spanLeast: 0.02 }
  const life = fitLifeModel(
    Array.from({ length: FLEET }, () => unit(120 + 60 * next())),
    options,
  )
  if ('known' in life) throw new Error(life.reason)
  const row = () => [next(), next(), next(), next()]
  const machine = new MultivariateAnomaly(fitMultivariateBaseline(Array.from({ length: 400 }, row))!)
  const level = new LevelTracker({ fast: 72, slow: 360 })
  const stream = new StreamAnomaly()
  const [drift, days, positions, battery] = [
    structuredClone(NO_DRIFT),
    structuredClone(NO_DAYS),
    { recent: [] as number[] },
    { ...NEW_BATTERY },
  ]
  let hour = 0
  let heard = 0
  return (): number => {
    hour += 1
    const value = 100 + 20 * Math.sin(hour / 24) + next()
    level.update(hour / 24, value)
    const at = level.read()!
    const said = remainingUse(life, { at, covariates: [1], count: level.count, span: level.span })
    heard += said.known ? said.p50 : 0
    heard += stream.update(hour * HOUR_MS, value)?.score ?? 0
    heard += machine.update([value / 120, next(), next(), next()])?.score ?? 0
    heard += driftOf(drift, value) ?? 0
    addToDays(days, hour * HOUR_MS, value)
    heard += sawReset(positions, wearPosition(value, PATH)) ? 1 : 0
    heard += batteryStateOf(BATTERY, battery, 3.5 + 0.01 * next(), 15 + 5 * next())?.charge ?? 0
    return heard
  }
}

const update = device()
const batch = (): number => {
  const from = started()
  for (let i = 0; i < READINGS; i++) update()
  return microseconds(from) / READINGS
}
batch() // warm
const early = batch()
for (let i = 0; i < 3; i++) batch()
const late = batch()
process.stdout.write(
  `${early.toFixed(2)} µs for a reading through every model of a device, ${late.toFixed(2)} µs after ${(6 * READINGS).toLocaleString('en')} readings\n`,
)

const fleet = Array.from({ length: 1_000 }, () => {
  const [from, growth] = [10 + 20 * next(), 0.2 + next()]
  return Array.from({ length: DAYS }, (_, day) => [20_000 + day, from + growth * day + 2 * (next() - 0.5)]).flat()
})

function straightforward(points: readonly number[]): number {
  const count = points.length / 2
  let [x, y, xx, xy] = [0, 0, 0, 0]
  for (let i = 0; i < count; i++) {
    x += points[2 * i]!
    y += points[2 * i + 1]!
    xx += points[2 * i]! ** 2
    xy += points[2 * i]! * points[2 * i + 1]!
  }
  return (count * xy - x * y) / (count * xx - x * x)
}

let kept = 0
const timed = (refit: (points: readonly number[]) => void): number => {
  const from = started()
  for (let i = 0; i < DEVICES; i++) refit(fleet[i % fleet.length]!)
  return microseconds(from) / 1e6
}
const plain = timed((points) => void (kept += straightforward(points)))
const nightly = timed((points) => {
  const trend = fitTrend(points)
  if ('known' in trend) return
  const said = forecastReach(trend, 250, 20_000 + DAYS)
  if (said.known) kept += said.p50
})
process.stdout.write(
  `${nightly.toFixed(1)} s to refit ${DEVICES.toLocaleString('en')} devices of ${DAYS} days: four shapes, three origins each, a date with a band; a least-squares line alone ${plain.toFixed(2)} s → ratio ${(nightly / plain).toFixed(0)}\n`,
)

// As the hub does it at night: parts with a life of their own, a fleet's curve from the most lives it takes, and what is
// left of every part.
const PARTS = 200
const FLEETS_LIVES = 600
const spec: PartSpec = {
  component: 'filter',
  metric: 'dp',
  name: { en: 'dp', 'zh-CN': 'dp' },
  unit: 'Pa',
  levelIsUse: false,
  conditions: [],
  counterMetric: 'hours',
  counterUnit: 'h',
  counter: { perMsMax: 1.1 / HOUR_MS, slack: 1, rollsOverAt: Number.POSITIVE_INFINITY },
  path: { start: 50, limit: 250, growth: 'linear' },
  tracker: { fast: 40, slow: 200 },
}
let readings = 0
const lived = Array.from({ length: FLEETS_LIVES }, (_, i) => {
  const life = new PartLife(spec)
  const lasts = 1_500 + 1_000 * next()
  const fromMs = started()
  for (let hour = 0; hour < 1.1 * lasts; hour += 2) {
    readings++
    const level = 50 + (200 * hour) / lasts + 4 * (next() - 0.5)
    life.read(hour * HOUR_MS, (metric) => (metric === 'dp' ? level : hour), Number.NaN)
  }
  return { life, took: microseconds(fromMs), of: `${i}` }
})
const perReading = lived.reduce((sum, { took }) => sum + took, 0) / readings
const fitFrom = started()
const taught = fitServiceLife(
  lived.map(({ life, of }) => ({ ...life.seen(), of })),
  spec.path,
)
const fitSeconds = microseconds(fitFrom) / 1e6
if ('known' in taught) throw new Error(taught.reason)
const askFrom = started()
for (let i = 0; i < DEVICES; i++) {
  const said = lived[i % PARTS]!.life.remaining(taught)
  if (said.known) kept += said.p50
}
const askSeconds = microseconds(askFrom) / 1e6
process.stdout.write(
  `${perReading.toFixed(2)} µs for a reading to join the life of its part; ${fitSeconds.toFixed(1)} s to fit a fleet of ${FLEETS_LIVES} lives, ten folds and margins; ${askSeconds.toFixed(2)} s for what is left of ${DEVICES.toLocaleString('en')} parts\n`,
)
if (!Number.isFinite(kept)) process.exitCode = 1
