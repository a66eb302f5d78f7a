import pg from 'pg'
import { expect, onTestFinished, test } from 'vitest'
import { sha256Hex, silentLogger } from '#platform'
import { type Migration, migrate, readMigrations } from './migrations.ts'
import { prepareDatabase } from './prepare-database.ts'
import { openDatabase } from './tenancy.ts'
import { testDatabase } from './testing.ts'

const migration = (id: string, sql: string): Migration => ({ id, sql, sha256: sha256Hex(sql) })

async function owner(url: string): Promise<pg.Client> {
  const client = new pg.Client(url)
  await client.connect()
  onTestFinished(() => client.end())
  return client
}

test('an up-to-date database is left as it is', async () => {
  const { ownerUrl } = await testDatabase()
  expect(await migrate(ownerUrl)).toEqual([])
})

test('a migration that fails half way leaves nothing, and the next run goes on from there', async () => {
  const { ownerUrl } = await testDatabase()
  const known = await readMigrations()
  const first = migration('9001_first', 'CREATE TABLE first (n integer)')
  const broken = migration('9002_second', 'CREATE TABLE second (n integer); SELECT 1 / 0')
  await expect(migrate(ownerUrl, { migrations: [...known, first, broken] })).rejects.toThrow('9002_second')
  const client = await owner(ownerUrl)
  const present = async (): Promise<string[]> =>
    (await client.query(`SELECT relname FROM pg_class WHERE relname IN ('first', 'second') ORDER BY 1`)).rows.map(
      (r) => r.relname,
    )
  expect(await present()).toEqual(['first'])
  const mended = migration('9002_second', 'CREATE TABLE second (n integer)')
  expect(await migrate(ownerUrl, { migrations: [...known, first, mended] })).toEqual(['9002_second'])
  expect(await present()).toEqual(['first', 'second'])
})

test('hubs starting at once migrate once', async () => {
  const { ownerUrl } = await testDatabase()
  const migrations = [...(await readMigrations()), migration('9001_once', 'CREATE TABLE once (n integer)')]
  const applied = await Promise.all([1, 2, 3].map(() => migrate(ownerUrl, { migrations })))
  expect(applied.flat()).toEqual(['9001_once'])
})

test('an applied migration that was edited is refused, and so is one from a newer release', async () => {
  const { ownerUrl } = await testDatabase()
  const known = await readMigrations()
  const edited = known.map((m, i) => (i === 0 ? migration(m.id, `${m.sql} -- edited`) : m))
  await expect(migrate(ownerUrl, { migrations: edited })).rejects.toMatchObject({ code: 'DB_VERSION' })
  await expect(migrate(ownerUrl, { migrations: known.slice(1) })).rejects.toMatchObject({ code: 'DB_VERSION' })
})

test('a role that may create roles gets the hub a restricted one, the same at every start', async () => {
  const { ownerUrl } = await testDatabase()
  const first = await prepareDatabase({ url: ownerUrl, logger: silentLogger })
  const second = await prepareDatabase({ url: ownerUrl, logger: silentLogger })
  expect(second).toEqual(first)
  expect(first.appUrl).not.toBe(ownerUrl)
  const db = await openDatabase({ url: first.appUrl, logger: silentLogger })
  expect(await db.asHub((tx) => tx.selectFrom('brands').selectAll().execute())).toEqual([])
  await db.close()
  const client = await owner(ownerUrl)
  const role = new URL(first.appUrl.replace('@/', '@host/')).username
  await client.query(`DROP OWNED BY ${role}; DROP ROLE ${role}`)
})

test('a restricted role of a current database is used as it is', async () => {
  const { appUrl } = await testDatabase()
  expect(await prepareDatabase({ url: appUrl, logger: silentLogger })).toEqual({ appUrl })
})

test('a restricted role cannot bring an old schema up to date, and says what can', async () => {
  const { appUrl, ownerUrl } = await testDatabase()
  await (await owner(ownerUrl)).query(`DELETE FROM schema_migrations WHERE id LIKE '0002%'`)
  await expect(prepareDatabase({ url: appUrl, logger: silentLogger })).rejects.toMatchObject({
    code: 'DB_VERSION',
    message: expect.stringContaining('DATABASE_OWNER_URL'),
  })
})

test('an owner that may not create roles is told what to do', async () => {
  const { ownerUrl } = await testDatabase()
  const client = await owner(ownerUrl)
  await client.query(`CREATE ROLE plain_owner LOGIN PASSWORD 'x'; ALTER TABLE brands OWNER TO plain_owner`)
  onTestFinished(async () => {
    const after = new pg.Client(ownerUrl)
    await after.connect()
    await after.query('ALTER TABLE brands OWNER TO hub_owner; DROP OWNED BY plain_owner; DROP ROLE plain_owner')
    await after.end()
  })
  const url = ownerUrl.replace(/\/\/[^@]+@/, '//plain_owner:x@')
  await expect(prepareDatabase({ url, logger: silentLogger })).rejects.toMatchObject({ code: 'DB_ROLE_BYPASSES_RLS' })
})
