import type { ProductDocument } from '#contracts'
import type { Tx } from '#store'

/** What a product is now; `null` for one that never was or was removed. */
export async function currentProduct(tx: Tx, brandId: string, productKey: string): Promise<ProductDocument | null> {
  const row = await tx
    .selectFrom('products as p')
    .innerJoin('product_versions as v', (join) =>
      join
        .onRef('v.brand_id', '=', 'p.brand_id')
        .onRef('v.product_key', '=', 'p.product_key')
        .onRef('v.version', '=', 'p.current_version'),
    )
    .select('v.document')
    .where('p.brand_id', '=', brandId)
    .where('p.product_key', '=', productKey)
    .where('p.removed_at_ms', 'is', null)
    .executeTakeFirst()
  return row?.document ?? null
}
