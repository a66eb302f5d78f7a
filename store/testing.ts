import { inject, onTestFinished } from 'vitest'
import { newId, silentLogger } from '#platform'
import { type Database, openDatabase } from './tenancy.ts'
import { inMaintenance, TEMPLATE } from './testing/global-setup.ts'

export interface TestDatabase {
  db: Database
  appUrl: string
  ownerUrl: string
}

/** A migrated, empty database of this test's own; dropped when the test finishes. */
export async function testDatabase(options: { poolSize?: number } = {}): Promise<TestDatabase> {
  const { db, appUrl, ownerUrl, drop } = await makeDatabase(options)
  onTestFinished(drop)
  return { db, appUrl, ownerUrl }
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
  return { db, appUrl, ownerUrl: named(clusterUrl), drop }
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
