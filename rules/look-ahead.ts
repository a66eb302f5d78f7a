import type { EvidenceForecast, Text } from '#contracts'
import { lifeFactors, type TrendFamily } from '#models'
import type { ForecastTrail } from './forecast-trail.ts'
import type { Instance } from './instance.ts'
import { AT } from './instance-core.ts'
import type { ForecastLeaf, RemainingLeaf } from './leaf.ts'
import { asOfMs, type PartCourse } from './part-course.ts'

const DAY_MS = 86_400_000

/** What the fleet's experience says of the part, in full; `null` while nobody can say. */
export function lifeForecast({ windows, lives }: Instance, leaf: RemainingLeaf): EvidenceForecast | null {
  const fitted = lives.get(leaf.component)
  const course = windows[leaf.window] as PartCourse
  const at = course.read()
  const said = course.remaining(fitted?.life ?? null)
  if (!fitted || at === null || !said.known) return null
  const { part } = leaf
  const day = (days: number): number => Math.round(asOfMs(at.day) + days * DAY_MS)
  return {
    metric: part.metric,
    reaches: part.path.limit,
    unit: part.unit,
    p10Ms: day(Math.min(said.p10, said.p50)),
    p50Ms: day(said.p50),
    p90Ms: day(Math.max(said.p90, said.p50)),
    model: `${leaf.component}-life-${fitted.version}`,
    outOfDistribution: said.outOfDistribution,
    factors: lifeFactors(fitted.life, at, said, { ...part, metric: part.name }),
  }
}

/** What the device's own trend says, in full; `null` while it leads nowhere. */
export function trendForecast(
  { windows, limits, core, offset }: Instance,
  leaf: ForecastLeaf,
): EvidenceForecast | null {
  const trail = windows[leaf.window] as ForecastTrail
  const atMs = core[offset + AT]!
  const limit = limits[leaf.limitAt]!
  const said = trail.reach(limit, atMs)
  if (said === null) return null
  const day = (days: number): number => Math.round(atMs + days * DAY_MS)
  return {
    metric: leaf.metric,
    reaches: limit,
    unit: leaf.unit,
    p10Ms: day(said.p10),
    p50Ms: day(said.p50),
    p90Ms: day(said.p90),
    model: `trend-${said.family}`,
    outOfDistribution: false,
    factors: [trendWords(said.family, trail.days())],
  }
}

const SHAPES: Readonly<Record<TrendFamily, Text>> = {
  line: { en: 'evenly', 'zh-CN': '匀速' },
  exponential: { en: 'ever faster', 'zh-CN': '越来越快' },
  power: { en: 'with a changing pace', 'zh-CN': '速度逐渐变化' },
  piecewise: { en: 'at a new pace since it turned', 'zh-CN': '转折后以新的速度' },
}

function trendWords(family: TrendFamily, days: number): Text {
  const shape = SHAPES[family]
  return {
    en: `By its own daily means of ${days} days it moves ${shape.en} towards the limit`,
    'zh-CN': `根据该设备自身${days}天的日均值，正${shape['zh-CN']}接近限值`,
  }
}
