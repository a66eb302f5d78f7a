import type { Comparison, Component, Metric, ProductDocument, Text } from '#contracts'
import type { LevelTrackerOptions, WearPath } from '#models'
import { paceOf, type UsagePace } from './usage-meter.ts'

/** How the life of a component is followed, as its product says it. */
export interface PartSpec {
  component: string
  /** The metric whose level shows the wear; the counter itself where use is all there is to see. */
  metric: string
  name: Text
  unit: string
  levelIsUse: boolean
  /** Readings count only while all of these hold. */
  conditions: readonly { metric: string; op: Comparison; value: number }[]
  /** What counts its use; `null`: the calendar. */
  counterMetric: string | null
  counterUnit: string | null
  counter: UsagePace | null
  path: WearPath
  tracker: LevelTrackerOptions
}

/** Life in days of a part of which nobody said how long it lasts. */
const LIFE_DAYS = 365
/** Of a rated life: how long a level takes to settle, and what a trend is read against. */
const FAST = 0.02
const SLOW = 0.1
/** Of the way from new to worn out: the least a geometric level is told apart by. */
const FLOOR = 0.02

/** How to follow a component's life; `null` when its product names neither wear nor a counter of its life. */
export function partSpecOf(product: ProductDocument, key: string): PartSpec | null {
  const component = product.components?.find((candidate) => candidate.key === key)
  if (!component) return null
  const { ratedLife, wear } = component
  const counterMetric = ratedLife && 'metric' in ratedLife ? ratedLife.metric : null
  const metric = wear?.metric ?? counterMetric
  if (metric === null) return null
  const unitOf = (name: string) => product.metrics.find((candidate) => candidate.key === name)
  const found = unitOf(metric)
  const counted = counterMetric === null ? null : unitOf(counterMetric)
  if (!found || found.type === 'string' || counted === undefined) return null
  const life = lifeOf(component)
  return {
    component: key,
    metric,
    name: found.name ?? nameOf(found),
    unit: found.unit,
    levelIsUse: wear === undefined,
    conditions: wear?.while ?? [],
    counterMetric,
    counterUnit: counted?.unit ?? null,
    counter: counted ? { ...paceOf(counted.unit), rollsOverAt: counted.max ?? Number.POSITIVE_INFINITY } : null,
    path: wear
      ? {
          start: wear.fresh,
          limit: wear.worn,
          growth: wear.growth ?? 'linear',
          ...(wear.growth === 'geometric' ? { floor: FLOOR * Math.abs(wear.worn - wear.fresh) } : {}),
        }
      : { start: 0, limit: life, growth: 'linear' },
    tracker: { fast: FAST * life, slow: SLOW * life },
  }
}

function nameOf({ key }: Metric): Text {
  return { en: key.replaceAll('_', ' '), 'zh-CN': key }
}

function lifeOf({ ratedLife }: Component): number {
  if (!ratedLife) return LIFE_DAYS
  return 'metric' in ratedLife ? ratedLife.value : ratedLife.days
}
