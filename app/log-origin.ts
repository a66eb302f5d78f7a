import type { LogReader } from '#contracts'
import { HubError } from '#platform'
import type { Database } from '#store'

/** Ticks and the hub's own words stand before a brand's; more than these at once need not be in memory. */
const RECORDS_AT_ONCE = 1_000

/**
 * Makes sure that an empty database does not follow a log that has brands' records: somebody's database is gone,
 * or its disk is not mounted. Started anyway, the hub would forget every home, device and order, call itself ready,
 * and decide over devices nobody knows.
 *
 * @throws HubError `LOG_MISMATCH` saying what to put back.
 */
export async function checkLogOrigin(db: Database, reader: LogReader): Promise<void> {
  if (reader.headSeq() === 0 || (await hasBrands(db)) || !speaksOfBrands(reader)) return
  throw new HubError(
    'LOG_MISMATCH',
    `The database is empty, but the telemetry log here has ${reader.headSeq()} records of another one. ` +
      'Bring back the database (embedded: the folder postgres in the data folder), or check DATABASE_URL. ' +
      'To begin anew, start with an empty data folder.',
  )
}

async function hasBrands(db: Database): Promise<boolean> {
  const brand = await db.asHub((tx) => tx.selectFrom('brands').select('brand_id').limit(1).executeTakeFirst())
  return brand !== undefined
}

function speaksOfBrands(reader: LogReader): boolean {
  for (let seq = reader.firstSeq() - 1; ; ) {
    const records = reader.read(seq, { records: RECORDS_AT_ONCE })
    if (records.length === 0) return false
    if (records.some((record) => 'brandId' in record && record.brandId !== null)) return true
    seq = records.at(-1)!.seq
  }
}
