import { connect as connectTo, createServer, type Socket } from 'node:net'
import { sql } from 'kysely'
import pg from 'pg'
import { expect, onTestFinished, test } from 'vitest'
import { silentLogger } from '#platform'
import { isForeignKeyViolation } from './database-errors.ts'
import { openDatabase, type Tx } from './tenancy.ts'
import { testBrand, testDatabase } from './testing.ts'

const open = (url: string) => openDatabase({ url, logger: silentLogger })

function home(brandId: string, homeId: string) {
  const times = { created_at_ms: 0, updated_at_ms: 0 }
  return {
    brand_id: brandId,
    home_id: homeId,
    time_zone: 'Asia/Shanghai',
    quiet_from: '21:00',
    quiet_to: '08:30',
    ...times,
  }
}

async function twoBrands() {
  const { db, ...urls } = await testDatabase()
  const [acme, globex] = [await testBrand(db, 'acme'), await testBrand(db, 'globex')]
  return { db, acme, globex, ...urls }
}

test('a brand sees its own rows, even when the query names no brand', async () => {
  const { db, acme } = await twoBrands()
  const seen = await db.asBrand(acme, (tx) => tx.selectFrom('brands').select('brand_id').execute())
  expect(seen).toEqual([{ brand_id: acme }])
  expect(await db.asHub((tx) => tx.selectFrom('brands').select('brand_id').execute())).toHaveLength(2)
})

test('a brand can neither write, change, move nor delete for another', async () => {
  const { db, acme, globex } = await twoBrands()
  await db.asBrand(globex, (tx) => tx.insertInto('homes').values(home(globex, 'home_g')).execute())
  await expect(
    db.asBrand(acme, (tx) => tx.insertInto('homes').values(home(globex, 'home_x')).execute()),
  ).rejects.toMatchObject({ code: '42501' })
  const changed = await db.asBrand(acme, (tx) => tx.updateTable('homes').set({ time_zone: 'UTC' }).executeTakeFirst())
  expect(changed.numUpdatedRows).toBe(0n)
  const deleted = await db.asBrand(acme, (tx) => tx.deleteFrom('homes').executeTakeFirst())
  expect(deleted.numDeletedRows).toBe(0n)
  await db.asBrand(acme, (tx) => tx.insertInto('homes').values(home(acme, 'home_a')).execute())
  await expect(
    db.asBrand(acme, (tx) => tx.updateTable('homes').set({ brand_id: globex }).execute()),
  ).rejects.toMatchObject({ code: '42501' })
})

test('a row cannot point to another brand’s, even in hub scope', async () => {
  const { db, acme, globex } = await twoBrands()
  await db.asHub((tx) => tx.insertInto('homes').values(home(globex, 'home_g')).execute())
  const person = {
    person_id: 'per_1',
    role: 'owner',
    channel: 'sms',
    locale: 'zh-CN',
    decides: true,
    pays: true,
  } as const
  const attempt = db.asHub((tx) =>
    tx
      .insertInto('people')
      .values({ ...person, brand_id: acme, home_id: 'home_g', created_at_ms: 0 })
      .execute(),
  )
  await expect(attempt).rejects.toSatisfy((error) => isForeignKeyViolation(error))
})

test('the hub’s own tables show a brand nothing', async () => {
  const { db, acme } = await twoBrands()
  const fact = { key: 'k', value: '1', updated_at_ms: 0 }
  await db.asHub((tx) => tx.insertInto('hub_facts').values(fact).execute())
  expect(await db.asBrand(acme, (tx) => tx.selectFrom('hub_facts').selectAll().execute())).toEqual([])
})

test('the scope ends with its transaction: a session taken up again shows nothing by itself', async () => {
  const { db, acme, appUrl } = await twoBrands()
  await db.asBrand(acme, async () => undefined)
  const client = new pg.Client(appUrl)
  await client.connect()
  onTestFinished(() => client.end())
  await client.query(`BEGIN; SELECT set_config('hub.brand', '${acme}', true); COMMIT`)
  expect((await client.query('SELECT * FROM brands')).rows).toEqual([])
})

test('what is no brand id opens nothing', async () => {
  const { db } = await twoBrands()
  const count = (tx: Tx) => tx.selectFrom('brands').selectAll().execute()
  for (const id of ['', 'hub', "x' OR true --", 'brand_x; drop']) {
    await expect(async () => db.asBrand(id, count)).rejects.toMatchObject({ code: 'NOT_FOUND' })
  }
})

test('an owner’s role is refused: row-level security would not hold for it', async () => {
  const { ownerUrl } = await testDatabase()
  await expect(open(ownerUrl)).rejects.toMatchObject({ code: 'DB_ROLE_BYPASSES_RLS' })
})

test('so is one that may become an owner, or has BYPASSRLS', async () => {
  const { ownerUrl } = await testDatabase()
  const client = new pg.Client(ownerUrl)
  await client.connect()
  onTestFinished(async () => {
    await client.query(`DROP OWNED BY sly_member, sly_bypass; DROP ROLE sly_member, sly_bypass`)
    await client.end()
  })
  await client.query(`CREATE ROLE sly_member LOGIN PASSWORD 'x'; GRANT hub_owner TO sly_member;
                      CREATE ROLE sly_bypass LOGIN BYPASSRLS PASSWORD 'x'`)
  for (const role of ['sly_member', 'sly_bypass']) {
    const url = ownerUrl.replace(/\/\/[^@]+@/, `//${role}:x@`)
    await expect(open(url), role).rejects.toMatchObject({ code: 'DB_ROLE_BYPASSES_RLS' })
  }
})

test('work that got in another’s way is done again, and then is there once', async () => {
  const { db } = await twoBrands()
  await db.asHub((tx) =>
    tx
      .insertInto('hub_facts')
      .values(['a', 'b'].map((key) => ({ key, value: '0', updated_at_ms: 0 })))
      .execute(),
  )
  const add = (tx: Tx, key: string) =>
    sql`UPDATE hub_facts SET value = to_jsonb(value::int + 1) WHERE key = ${key}`.execute(tx)
  let attempts = 0
  let arrived = 0
  let bothHere = (): void => undefined
  const meeting = new Promise<void>((resolve) => (bothHere = resolve))
  const crossing = (first: string, second: string) =>
    db.asHub(async (tx) => {
      attempts++
      await add(tx, first)
      if (++arrived === 2) bothHere()
      await meeting
      await add(tx, second)
    })
  await Promise.all([crossing('a', 'b'), crossing('b', 'a')])
  expect(attempts).toBe(3)
  const facts = await db.asHub((tx) => tx.selectFrom('hub_facts').select('value').execute())
  expect(facts.map(({ value }) => value)).toEqual([2, 2])
})

test('an error of the work rolls back, and the session stays usable', async () => {
  const { db } = await twoBrands()
  const attempt = db.asHub(async (tx) => {
    await tx.insertInto('hub_facts').values({ key: 'k', value: '1', updated_at_ms: 0 }).execute()
    throw new Error('changed my mind')
  })
  await expect(attempt).rejects.toThrow('changed my mind')
  expect(await db.asHub((tx) => tx.selectFrom('hub_facts').selectAll().execute())).toEqual([])
})

test('work that ignores a failed statement is not taken for done', async () => {
  const { db } = await twoBrands()
  const attempt = db.asHub(async (tx) => {
    await tx.insertInto('hub_facts').values({ key: 'k', value: '1', updated_at_ms: 0 }).execute()
    await sql`SELECT 1 / 0`.execute(tx).catch(() => undefined)
  })
  await expect(attempt).rejects.toThrow('rolled back')
})

test('big positions come back as the numbers they were', async () => {
  const { db } = await twoBrands()
  const seq = 2 ** 53 - 1
  await db.asHub((tx) => sql`INSERT INTO log_positions VALUES ('c', 0, 'log', ${seq}, ${seq}, 0, 0)`.execute(tx))
  const row = await db.asHub((tx) => tx.selectFrom('log_positions').select('state_seq').executeTakeFirstOrThrow())
  expect(row.state_seq).toBe(seq)
})

test('a database that is away is said to be', async () => {
  const { appUrl } = await testDatabase()
  await expect(open('postgresql://nobody:x@127.0.0.1:9/none')).rejects.toMatchObject({ code: 'DB_UNAVAILABLE' })
  await expect(open(appUrl.replace(/:[^:@]+@/, ':wrong@'))).rejects.toMatchObject({
    code: 'DB_UNAVAILABLE',
    message: expect.not.stringContaining('wrong@'),
  })
})

test('sessions lost while in use are STORE_UNAVAILABLE, and the pool recovers', async () => {
  const { db, ownerUrl } = await testDatabase()
  const owner = new pg.Client(ownerUrl)
  await owner.connect()
  onTestFinished(() => owner.end())
  const attempt = db.asHub(async (tx) => {
    await owner.query(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'beforehand' AND datname = current_database()`,
    )
    await tx.selectFrom('brands').selectAll().execute()
  })
  await expect(attempt).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' })
  expect(await db.asHub((tx) => tx.selectFrom('brands').selectAll().execute())).toEqual([])
})

/** A way to the database that can fall silent without a word, as a router does that forgot the session. */
async function silentWay(url: string) {
  const { username, password, pathname, searchParams } = new URL(url.replace('@/', '@local/'))
  const socketPath = `${searchParams.get('host')}/.s.PGSQL.${searchParams.get('port')}`
  const sockets = new Set<Socket>()
  let silent = false
  const server = createServer((client) => {
    const database = connectTo(socketPath)
    for (const [from, to] of [
      [client, database],
      [database, client],
    ] as const) {
      sockets.add(from)
      from.on('error', () => undefined).on('close', () => to.destroy())
      from.on('data', (chunk) => silent || to.write(chunk))
    }
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  const { port } = server.address() as { port: number }
  return {
    url: `postgresql://${username}:${password}@127.0.0.1:${port}${pathname}`,
    silence: (on: boolean) => void (silent = on),
  }
}

test('a database that falls silent in the middle of a session is away, and its session is not used again', async () => {
  const { appUrl } = await testDatabase()
  const way = await silentWay(appUrl)
  const db = await openDatabase({ url: way.url, logger: silentLogger, poolSize: 1, statementTimeoutMs: 400 })
  onTestFinished(() => db.close())
  const ask = () => db.asHub((tx) => tx.selectFrom('hub_facts').select('key').limit(1).execute())
  await ask()
  way.silence(true)
  await expect(ask()).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' })
  way.silence(false)
  expect(await ask()).toEqual([])
})

test('a plan kept for one brand shows another its own rows, in whatever session', async () => {
  const { acme, globex, appUrl } = await twoBrands()
  const db = await openDatabase({ url: appUrl, logger: silentLogger, poolSize: 2 })
  onTestFinished(() => db.close())
  const seenBy = (brandId: string) => db.asBrand(brandId, (tx) => tx.selectFrom('brands').select('key').execute())
  for (let i = 0; i < 30; i++) {
    const both = await Promise.all([seenBy(acme), seenBy(globex)])
    expect(both).toEqual([[{ key: 'acme' }], [{ key: 'globex' }]])
    expect(await db.asHub((tx) => tx.selectFrom('brands').select('key').execute())).toHaveLength(2)
  }
  const prepared = await db.asHub((tx) =>
    sql<{ name: string }>`SELECT name FROM pg_prepared_statements WHERE statement LIKE '%"brands"%'`.execute(tx),
  )
  expect(prepared.rows.length).toBeGreaterThan(0)
})

test('a column that is new under a kept plan costs the session and nothing else', async () => {
  const { acme, ownerUrl, appUrl } = await twoBrands()
  const db = await openDatabase({ url: appUrl, logger: silentLogger, poolSize: 1 })
  onTestFinished(() => db.close())
  const all = () => db.asBrand(acme, (tx) => tx.selectFrom('brands').selectAll().execute())
  for (let i = 0; i < 10; i++) await all()
  const owner = new pg.Client(ownerUrl)
  await owner.connect()
  await owner.query('ALTER TABLE brands ADD COLUMN colour text')
  await owner.end()
  expect(await all()).toMatchObject([{ key: 'acme', colour: null }])
  expect(await all()).toHaveLength(1)
})
