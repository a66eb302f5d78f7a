import { sql } from 'kysely'
import type { Tx } from './tenancy.ts'

/**
 * The next number of a brand's series in a year, from 1, without gaps: a transaction that rolls
 * back gives its number back. The row stays locked until the end of the transaction.
 */
export async function nextNumber(tx: Tx, place: { brandId: string; series: string; year: number }): Promise<number> {
  const row = await tx
    .insertInto('number_series')
    .values({ brand_id: place.brandId, series: place.series, year: place.year, last: 1 })
    .onConflict((conflict) =>
      conflict.columns(['brand_id', 'series', 'year']).doUpdateSet({ last: sql<number>`number_series.last + 1` }),
    )
    .returning('last')
    .executeTakeFirstOrThrow()
  return row.last
}
