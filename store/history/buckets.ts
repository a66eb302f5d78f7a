import type { ReadingValue } from '#contracts'
import { HubError } from '#platform'
import { type Aggregation, BUCKETS_MAX, type Bucket, type DownsampleQuery } from './history.ts'

/** Refuses an answer too large to make. */
export function checkBuckets({ fromMs, toMs, everyMs }: DownsampleQuery): void {
  if (!(everyMs >= 1) || (toMs - fromMs) / everyMs > BUCKETS_MAX) {
    throw new HubError(
      'VALIDATION_FAILED',
      `The time asked for has more than ${BUCKETS_MAX} buckets; make "every" longer.`,
      {
        pointer: '/every',
      },
    )
  }
}

/** Gathers one metric's values, handed in by event time and then position, into buckets. */
export function createBuckets(query: Pick<DownsampleQuery, 'everyMs' | 'aggregation'>) {
  const buckets = new Map<number, Gathered>()
  const seen = new Set<ReadingValue>()
  let seenAtMs = Number.NaN
  return {
    add(measuredAtMs: number, value: ReadingValue): void {
      if (measuredAtMs !== seenAtMs) {
        seenAtMs = measuredAtMs
        seen.clear()
      }
      // A value repeated for the same moment counts once.
      if (seen.has(value)) return
      seen.add(value)
      const atMs = Math.floor(measuredAtMs / query.everyMs) * query.everyMs
      const gathered = buckets.get(atMs)
      if (gathered) gather(gathered, measuredAtMs, value)
      else buckets.set(atMs, start(measuredAtMs, value))
    },
    /** Adds the metric to the answer. */
    into(answer: Map<number, Bucket>, metric: string): void {
      for (const [atMs, gathered] of buckets) {
        const value = result(gathered, query.aggregation)
        if (value === null) continue
        const bucket = answer.get(atMs) ?? { atMs, values: {} }
        bucket.values[metric] = value
        answer.set(atMs, bucket)
      }
    },
  }
}

interface Gathered {
  count: number
  numbers: number
  sum: number
  min: number
  max: number
  last: ReadingValue
  lastAtMs: number
}

function start(atMs: number, value: ReadingValue): Gathered {
  const empty = { count: 0, numbers: 0, sum: 0, min: Infinity, max: -Infinity, last: value, lastAtMs: atMs }
  gather(empty, atMs, value)
  return empty
}

function gather(gathered: Gathered, atMs: number, value: ReadingValue): void {
  gathered.count++
  // Of several at one moment the first to arrive wins.
  if (atMs > gathered.lastAtMs) {
    gathered.last = value
    gathered.lastAtMs = atMs
  }
  if (typeof value === 'string') return
  const number = Number(value)
  gathered.numbers++
  gathered.sum += number
  gathered.min = Math.min(gathered.min, number)
  gathered.max = Math.max(gathered.max, number)
}

/** Text has only `last` and `count`. */
function result(gathered: Gathered, aggregation: Aggregation): ReadingValue | null {
  const { count, numbers, sum, min, max, last } = gathered
  if (aggregation === 'count') return count
  if (aggregation === 'last') return last
  if (numbers === 0) return null
  return { mean: sum / numbers, sum, min, max }[aggregation]
}
