import type { ProductDocument } from '#contracts'

/** One metric as the decoder asks it. */
export interface MetricCheck {
  key: string
  /** Place in the product's list. */
  rank: number
  type: 'number' | 'boolean' | 'string'
  min: number
  max: number
}

export interface CompiledProduct {
  metrics: ReadonlyMap<string, MetricCheck>
  /** The hub dates every reading of this product. */
  serverClock: boolean
}

const compiled = new WeakMap<ProductDocument, CompiledProduct>()

/** Once per product document: documents are replaced by new versions, never changed. */
export function compileProduct(product: ProductDocument): CompiledProduct {
  const known = compiled.get(product)
  if (known) return known
  const metrics = new Map<string, MetricCheck>()
  for (const [rank, { key, type, min, max }] of product.metrics.entries()) {
    metrics.set(key, {
      key,
      rank,
      type,
      // Beyond 2⁵³ − 1 a number has already lost digits when it arrives: 2⁵³ + 1 reads as 2⁵³.
      min: Math.max(min ?? Number.MIN_SAFE_INTEGER, Number.MIN_SAFE_INTEGER),
      max: Math.min(max ?? Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER),
    })
  }
  const result = { metrics, serverClock: product.reporting?.clock === 'server' }
  compiled.set(product, result)
  return result
}
