import { type CatalogEntry, catalogEntry } from '#catalog'
import type { Condition, ProductDocument, RuleDocument } from '#contracts'

/** Kinds whose rules look at levels and means over days: they can still speak when there are two reports a day. */
export const SLOW_KINDS = ['air-purifier', 'smart-lock', 'washing-machine'] as const

/**
 * Their catalog for devices that report at a slower beat: a rule that wants so many readings in a window wants the
 * same share of those that come. Thresholds, windows and everything else stay as they are.
 */
export function slowCatalog(reportsMs: number): CatalogEntry[] {
  return SLOW_KINDS.map((kind) => {
    const entry = catalogEntry(kind)!
    const share = everyMs(entry.product) / reportsMs
    const fewer = (count: number): number => Math.max(1, Math.floor(count * share))
    const product: ProductDocument = {
      ...entry.product,
      reporting: { ...entry.product.reporting!, every: seconds(reportsMs), batchEvery: seconds(reportsMs) },
      components: (entry.product.components ?? []).map((component) =>
        component.recovery
          ? {
              ...component,
              recovery: {
                ...component.recovery,
                when: withFewer(component.recovery.when as Condition, fewer),
                ...(component.recovery.minReadings === undefined
                  ? {}
                  : { minReadings: fewer(component.recovery.minReadings) }),
              },
            }
          : component,
      ),
    } as ProductDocument
    const rules = entry.rules.map(
      (rule) => ({ ...rule, when: withFewer(rule.when as Condition, fewer) }) as RuleDocument,
    )
    return { ...entry, product, rules }
  })
}

const UNITS: Record<string, number> = { s: 1_000, m: 60_000, h: 3_600_000 }

function everyMs(product: ProductDocument): number {
  const [, count, unit] = /^(\d+)([smh])$/.exec(product.reporting?.every ?? '') ?? []
  if (!count || !unit) throw new Error(`${product.key} does not say how often it reports`)
  return Number(count) * UNITS[unit]!
}

function seconds(ms: number): string {
  return `${ms / 1_000}s`
}

/** The same tree, with `atLeast` of every leaf seen by `fewer`. */
function withFewer<T>(node: T, fewer: (count: number) => number): T {
  if (Array.isArray(node)) return node.map((it) => withFewer(it, fewer)) as T
  if (node === null || typeof node !== 'object') return node
  return Object.fromEntries(
    Object.entries(node).map(([key, value]) => [
      key,
      key === 'atLeast' && typeof value === 'number' ? fewer(value) : withFewer(value, fewer),
    ]),
  ) as T
}
