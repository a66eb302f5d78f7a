import { type LifeDay, type RemainingDays, type SeenLife, type ServiceLife, type Unknown, wearOf } from '#models'
import { asOfMs, PartCourse } from './part-course.ts'
import type { PartSpec } from './part-spec.ts'
import { compare } from './truth.ts'

/** Points kept of a life: what a fleet learns from. At twice as many every other one is let go. */
const LIFE_POINTS = 48

/** What a life is stored as: the course's numbers, and the points of the way it has come. */
export interface SavedPartLife {
  course: readonly number[]
  /** Day, use, level, slope and pace of each point, one behind the other. */
  points: readonly number[]
  /** Every so many days a point is kept, and days closed since the last one kept. */
  stride: number
  skipped: number
  end: SeenLife['end']
}

/**
 * One life of one part as a fleet learns from it: its course, thinned to a few dozen points, and when it was worn out.
 * A life ends when its level has come to where its product says it is due; taken out before, it has no end.
 */
export class PartLife {
  readonly #spec: PartSpec
  readonly #course: PartCourse
  #points: LifeDay[]
  #stride: number
  #skipped: number
  #end: SeenLife['end']

  constructor(spec: PartSpec, saved?: SavedPartLife) {
    this.#spec = spec
    this.#course = new PartCourse(spec, saved?.course ?? [])
    this.#points = saved ? unpacked(saved.points) : []
    this.#stride = saved?.stride ?? 1
    this.#skipped = saved?.skipped ?? 0
    this.#end = saved?.end ?? null
  }

  save(): SavedPartLife {
    return {
      course: this.#course.save(),
      points: this.#points.flatMap(({ day, use, level, slope, pace }) => [day, use, level, slope, pace]),
      stride: this.#stride,
      skipped: this.#skipped,
      end: this.#end,
    }
  }

  /** A reading: what its metrics say, `NaN` for those it has not. */
  read(atMs: number, valueIn: (metric: string) => number, bornMs: number): void {
    const { metric, counterMetric, conditions } = this.#spec
    const counts = conditions.every((condition) => compare(condition.op, valueIn(condition.metric), condition.value))
    const level = counts ? valueIn(metric) : Number.NaN
    const counter = counterMetric === null ? Number.NaN : valueIn(counterMetric)
    if (this.#course.add(atMs, level, counter, bornMs)) this.#keep()
  }

  #keep(): void {
    const at = this.#course.read()
    // Of a part whose age nobody knows, nobody knows how long it lasted.
    if (at === null || at.day === this.#points.at(-1)?.day || Number.isNaN(at.pace) || Number.isNaN(at.use)) return
    if (this.#end === null && wearOf(at.level, this.#spec.path) >= 1) this.#end = { day: at.day, use: at.use }
    if (++this.#skipped < this.#stride && this.#points.length > 0) return
    this.#skipped = 0
    this.#points.push(at)
    if (this.#points.length < 2 * LIFE_POINTS) return
    this.#points = this.#points.filter((_, i) => i % 2 === 0)
    this.#stride *= 2
  }

  /** The part was renewed: what it has lived is told, and its successor's life begins, used by the same household. */
  renew(atMs: number): { seen: SeenLife; next: PartLife } {
    const next = this.#course.clone()
    next.forget(atMs)
    return {
      seen: this.seen(),
      next: new PartLife(this.#spec, { course: next.save(), points: [], stride: 1, skipped: 0, end: null }),
    }
  }

  /** It was put in when its counter stood at this, or (`null`) when nobody looked. */
  startAt(counter: { value: number; atMs: number } | null): void {
    this.#course.startAt(counter)
  }

  /** It failed, whatever its level: somebody said so. */
  failed(atMs: number): void {
    const at = this.#course.read()
    if (this.#end === null && at !== null) this.#end = { day: Math.floor(atMs / 86_400_000), use: at.use }
  }

  seen(): SeenLife {
    return { points: this.#points, end: this.#end }
  }

  /** Wear 0–1 as of the newest closed day; `null` before the first. */
  wear(): { wear: number; asOfMs: number; at: LifeDay } | null {
    const at = this.#course.read()
    return at === null ? null : { wear: wearOf(at.level, this.#spec.path), asOfMs: asOfMs(at.day), at }
  }

  remaining(life: ServiceLife | null): RemainingDays | Unknown {
    return this.#course.remaining(life)
  }
}

function unpacked(numbers: readonly number[]): LifeDay[] {
  const points: LifeDay[] = []
  for (let i = 0; i + 4 < numbers.length; i += 5) {
    const [day, use, level, slope, pace] = numbers.slice(i, i + 5) as [number, number, number, number, number]
    points.push({ day, use, level, slope, pace })
  }
  return points
}
