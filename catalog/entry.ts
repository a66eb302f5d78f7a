import type { Static } from 'typebox'
import type { JobTemplate, ProductDocument, RuleDocument, Sku, Text } from '#contracts'

/** Something that is carried to a visit or bought for one. */
export interface CatalogPart {
  sku: Static<typeof Sku>
  name: Text
  /** What a homeowner pays for it outside the warranty, in fen. */
  priceMinor: number
  /** Usual days from order to the technician's van. */
  leadDays: number
}

/** Everything the hub needs to know of one kind of product to serve it from the first day. */
export interface CatalogEntry {
  category: string
  product: ProductDocument
  rules: readonly RuleDocument[]
  jobs: readonly JobTemplate[]
  parts: readonly CatalogPart[]
}
