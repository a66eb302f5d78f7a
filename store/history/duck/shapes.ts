import type { ReadingValue } from '#contracts'

export type MetricKind = 'number' | 'boolean' | 'text'

export interface ShapeMetric {
  key: string
  kind: MetricKind
}

/**
 * Which metrics a stored row has, and in which of its two lists and places. Numbers and
 * booleans share the list of doubles; text has its own.
 */
export interface Shape {
  readonly no: number
  readonly metrics: readonly ShapeMetric[]
  /** Per metric: its place in its list, from 0. */
  readonly places: readonly number[]
  readonly numberCount: number
  readonly textCount: number
  /** Place of a metric by its name and kind. */
  readonly placeOf: ReadonlyMap<string, number>
}

/** How a message with certain keys and types goes into a shape. */
export interface Fit {
  readonly shape: Shape
  /** Per value of the message, in its order: its place in its list. */
  readonly places: readonly number[]
}

/**
 * From here on a new combination of metrics is united with the closest known shape, instead of
 * getting one of its own: devices that report only what changed would make thousands.
 */
const SHAPES_MAX = 1_000
/** A shape this much larger than the message costs less than one more shape. */
const SPARE = { factor: 4, constant: 8 }
/** Key and type combinations remembered; past it they are looked up anew. */
const FITS_MAX = 20_000

/** The shapes of one file, growing as messages with new metrics come. */
export class ShapeBook {
  readonly shapes: Shape[] = []
  readonly #fits = new Map<string, Fit>()
  /** Keys, types and fit of the message before: nearly every message is like it, and comparing is cheaper than hashing. */
  #before: { keys: string[]; types: string[]; fit: Fit } | null = null

  constructor(shapes: readonly Shape[] = []) {
    this.shapes.push(...shapes)
  }

  /** The shape for these values, found or made. */
  fit(values: Readonly<Record<string, ReadingValue>>): Fit {
    if (this.#before && isLike(values, this.#before)) return this.#before.fit
    const fit = this.#fitBySignature(values)
    const keys = Object.keys(values)
    this.#before = { keys, types: keys.map((key) => typeof values[key]), fit }
    return fit
  }

  #fitBySignature(values: Readonly<Record<string, ReadingValue>>): Fit {
    let signature = ''
    for (const key in values) signature += `${key}\u0000${typeof values[key]}\u0000`
    const known = this.#fits.get(signature)
    if (known) return known
    const metrics = Object.entries(values).map(([key, value]) => ({ key, kind: kindOf(value) }))
    const fit = fitInto(this.#find(metrics) ?? this.#add(metrics), metrics)
    if (this.#fits.size >= FITS_MAX) this.#fits.clear()
    this.#fits.set(signature, fit)
    return fit
  }

  /** Drops shapes made since there were `count`: what they were made for was not written. */
  truncate(count: number): void {
    if (this.shapes.length === count) return
    this.shapes.length = count
    this.#fits.clear()
    this.#before = null
  }

  #find(metrics: readonly ShapeMetric[]): Shape | undefined {
    const roomy = this.shapes.length >= SHAPES_MAX
    const largest = roomy ? Number.POSITIVE_INFINITY : metrics.length * SPARE.factor + SPARE.constant
    const names = metrics.map(nameOf)
    return this.shapes
      .filter((shape) => shape.metrics.length <= largest && names.every((name) => shape.placeOf.has(name)))
      .sort((a, b) => a.metrics.length - b.metrics.length)[0]
  }

  #add(metrics: readonly ShapeMetric[]): Shape {
    const shape = makeShape(this.shapes.length + 1, this.shapes.length < SHAPES_MAX ? metrics : this.#united(metrics))
    this.shapes.push(shape)
    return shape
  }

  /** Joins the shape it shares most with, the largest of several: soon one shape has all a product reports. */
  #united(metrics: readonly ShapeMetric[]): ShapeMetric[] {
    const missing = (shape: Shape): ShapeMetric[] => metrics.filter((metric) => !shape.placeOf.has(nameOf(metric)))
    const rank = (shape: Shape): number => (metrics.length - missing(shape).length) * 1_000 + shape.metrics.length
    const closest = this.shapes.reduce((best, shape) => (rank(shape) > rank(best) ? shape : best))
    return [...closest.metrics, ...missing(closest)]
  }
}

/** The same keys in the same order, with values of the same types. */
function isLike(
  values: Readonly<Record<string, ReadingValue>>,
  { keys, types }: { keys: readonly string[]; types: readonly string[] },
): boolean {
  let i = 0
  for (const key in values) {
    if (key !== keys[i] || typeof values[key] !== types[i]) return false
    i++
  }
  return i === keys.length
}

export function makeShape(no: number, metrics: readonly ShapeMetric[]): Shape {
  const count = { doubles: 0, texts: 0 }
  const places = metrics.map((metric) => (metric.kind === 'text' ? count.texts++ : count.doubles++))
  const placeOf = new Map(metrics.map((metric, i) => [nameOf(metric), places[i]!]))
  return { no, metrics, places, numberCount: count.doubles, textCount: count.texts, placeOf }
}

/** A metric's key never has a colon. */
const nameOf = ({ key, kind }: ShapeMetric): string => `${key}:${kind}`

function fitInto(shape: Shape, metrics: readonly ShapeMetric[]): Fit {
  return { shape, places: metrics.map((metric) => shape.placeOf.get(nameOf(metric))!) }
}

function kindOf(value: ReadingValue): MetricKind {
  return typeof value === 'string' ? 'text' : (typeof value as 'number' | 'boolean')
}
