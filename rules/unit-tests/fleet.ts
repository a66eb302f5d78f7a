import type { Comparison, ControlChange, ProductDocument } from '#contracts'
import { fitServiceLife, LIVES_LEAST } from '#models'
import { PartLife } from '../part-life.ts'
import { type PartSpec, partSpecOf } from '../part-spec.ts'
import { msOf } from './happenings.ts'
import type { TestFleet } from './test-file.ts'

const DAY_MS = 86_400_000
/** Use a day where the counter's unit says nothing: the test may say its own. */
const USE_PER_DAY = 1

/**
 * What a fleet has taught, for tests: parts that went evenly from new to worn out in the days given. Fitted as a night
 * fits them, so that a rule is tried against a model of the kind it will meet.
 *
 * @throws {SyntaxError} in the author's words
 */
export function fleetModel(product: ProductDocument, component: string, fleet: TestFleet): ControlChange {
  const spec = partSpecOf(product, component)
  if (spec === null) throw new SyntaxError(`fleet: the product does not say how a ${component} wears.`)
  const fitted = fitServiceLife(
    fleet.lives.map((days) => lived(spec, msOf(days) / DAY_MS, fleet.usePerDay ?? USE_PER_DAY).seen()),
    spec.path,
  )
  if ('known' in fitted)
    throw new SyntaxError(`fleet: ${component}: no model (${fitted.reason}); it takes ${LIVES_LEAST} lives of weeks.`)
  const content = fitted as unknown as Record<string, unknown>
  return { type: 'model.fitted', productKey: product.key, component, kind: 'life', version: 1, content }
}

function lived(spec: PartSpec, days: number, usePerDay: number): PartLife {
  const life = new PartLife(spec)
  const { start, limit } = spec.path
  // A level settles behind its readings: it is watched until it is known to be worn out.
  for (let day = 0; day < 2 * days; day++) {
    const value = (metric: string): number => {
      if (metric === spec.metric && !spec.levelIsUse) return start + ((limit - start) * day) / days
      if (metric === spec.counterMetric) return usePerDay * day
      const condition = spec.conditions.find((it) => it.metric === metric)
      return condition ? condition.value + TOWARDS[condition.op] : Number.NaN
    }
    life.read((day + 0.5) * DAY_MS, value, 0)
  }
  return life
}

/** What makes a comparison hold, beside its value. */
const TOWARDS: Readonly<Record<Comparison, number>> = { '>': 1, '>=': 0, '<': -1, '<=': 0, '==': 0, '!=': 1 }
