import pg from 'pg'
import { inject, onTestFinished } from 'vitest'
import { newId, silentLogger } from '#platform'
import { type Database, openDatabase } from './tenancy.ts'
import { inMaintenance, TEMPLATE } from './testing/global-setup.ts'

export interface TestDatabase {
  db: Database
  appUrl: string
  ownerUrl: string
  /** Takes every row out again: for the next of thousands of histories, which would each wait long for a database. */
  empty(): Promise<void>
}

/** A migrated, empty database of this test's own; dropped when the test finishes. */
export async function testDatabase(options: { poolSize?: number } = {}): Promise<TestDatabase> {
  const { drop, ...database } = await makeDatabase(options)
  onTestFinished(drop)
  return database
}

/** The same for use outside one test (in `beforeAll`): the caller drops it. */
export async function makeDatabase(
  options: { poolSize?: number } = {},
): Promise<TestDatabase & { drop: () => Promise<void> }> {
  const clusterUrl = inject('postgresOwnerUrl')
  const name = newId('msg').replace('msg_', 'test_')
  await inMaintenance(clusterUrl, `CREATE DATABASE ${name} TEMPLATE ${TEMPLATE} STRATEGY WAL_LOG`)
  const named = (url: string): string => url.replace(`/${TEMPLATE}?`, `/${name}?`)
  const appUrl = named(inject('postgresAppUrl'))
  const db = await openDatabase({ url: appUrl, poolSize: options.poolSize ?? 4, logger: silentLogger })
  const drop = async (): Promise<void> => {
    await db.close()
    await inMaintenance(clusterUrl, `DROP DATABASE ${name} WITH (FORCE)`)
  }
  const ownerUrl = named(clusterUrl)
  return { db, appUrl, ownerUrl, drop, empty: () => emptied(ownerUrl) }
}

/** Only tables that hold something, and not what the migrations themselves keep. */
const EMPTY = `DO $$
  DECLARE names text;
  BEGIN
    SELECT string_agg(quote_ident(relname), ', ') INTO names FROM pg_class
     WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND pg_relation_size(oid) > 0
       AND relname <> 'schema_migrations';
    IF names IS NOT NULL THEN EXECUTE 'TRUNCATE ' || names || ' CASCADE'; END IF;
  END $$`

async function emptied(ownerUrl: string): Promise<void> {
  const client = new pg.Client(ownerUrl)
  await client.connect()
  try {
    await client.query(EMPTY)
  } finally {
    await client.end()
  }
}

/** A brand to hang test rows on. */
export async function testBrand(db: Database, key = 'acme'): Promise<string> {
  const brandId = newId('brand')
  await db.asHub((tx) =>
    tx
      .insertInto('brands')
      .values({ brand_id: brandId, key, name: JSON.stringify({ en: key }), created_at_ms: 0, updated_at_ms: 0 })
      .execute(),
  )
  return brandId
}
