import type { ProductDocument, RuleDocument } from '#contracts'
import { compileRecovery, compileRule } from './compile.ts'
import type { Plan } from './plan.ts'
import { type ReportingTimes, reportingTimes } from './reporting.ts'

/**
 * A product as the evaluator uses it: which metrics have a column in a device's rows, and the
 * plans of rules for it. A metric keeps its column for good; new ones are added behind.
 */
export class ProductLayout {
  readonly version: number
  readonly product: ProductDocument
  readonly times: ReportingTimes
  readonly metrics: string[]
  readonly columns: Map<string, number>
  /** One row of values, reused for every message of the product's devices. */
  readonly row: number[] = []
  #plans = new WeakMap<RuleDocument, Plan[]>()
  #recoveries = new Map<string, Plan | null>()

  constructor(product: ProductDocument, version: number, metrics: readonly string[]) {
    this.product = product
    this.version = version
    this.times = reportingTimes(product)
    this.metrics = [...metrics]
    this.columns = new Map(metrics.map((metric, column) => [metric, column]))
    // From the first day, so that a repair finds the readings taken between it and its report.
    // The counter of a rated life too, so that a service knows where it stood.
    for (const { key, ratedLife } of product.components ?? []) {
      this.recovery(key)
      if (ratedLife && 'metric' in ratedLife) this.of(ratedLife.metric)
    }
  }

  of(metric: string): number {
    const known = this.columns.get(metric)
    if (known !== undefined) return known
    this.columns.set(metric, this.metrics.length)
    return this.metrics.push(metric) - 1
  }

  /** The plans of a rule for this product; the same objects for the same document. */
  plans(rule: RuleDocument): readonly Plan[] {
    let plans = this.#plans.get(rule)
    if (!plans) {
      plans = compileRule(rule, this.product, this)
      this.#plans.set(rule, plans)
    }
    return plans
  }

  recovery(component: string): Plan | null {
    let plan = this.#recoveries.get(component)
    if (plan === undefined) {
      plan = compileRecovery(this.product, component, this)
      this.#recoveries.set(component, plan)
    }
    return plan
  }
}
