import { cpSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import pg from 'pg'
import { expect, onTestFinished, test, vi } from 'vitest'
import { HubApi } from '#simulators'
import { partnerServer, type SmallHouse, setUpHouse } from './testing/small-house.ts'
import { startLoad } from './testing/steady-load.ts'
import { ADMIN_KEY, testEnvironment, testHub } from './testing/test-hub.ts'

/** A copy of the database as it is now, as a backup would be. */
async function backUpDatabase(env: Record<string, string>): Promise<Record<string, string>> {
  const [, name] = /\/(\w+)\?/.exec(env.DATABASE_OWNER_URL!)!
  const copy = `${name}_backup`
  const other = (url: string, database: string): string => url.replace(`/${name}?`, `/${database}?`)
  const asOwner = async (...statements: string[]): Promise<void> => {
    const client = new pg.Client(other(env.DATABASE_OWNER_URL!, 'postgres'))
    await client.connect()
    try {
      for (const statement of statements) await client.query(statement)
    } finally {
      await client.end()
    }
  }
  await asOwner(
    `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '${name}'`,
    `CREATE DATABASE ${copy} TEMPLATE ${name} STRATEGY WAL_LOG`,
  )
  onTestFinished(() => asOwner(`DROP DATABASE ${copy} WITH (FORCE)`))
  return {
    DATABASE_URL: other(env.DATABASE_URL!, copy),
    DATABASE_OWNER_URL: other(env.DATABASE_OWNER_URL!, copy),
  }
}

async function idsOf({ brand }: SmallHouse, path: string): Promise<string[]> {
  return (await brand.get<{ items: { id: string }[] }>(path)).items.map(({ id }) => id)
}

/** What a replay has to find again, by its ids. */
async function whatHappened(house: SmallHouse): Promise<string[][]> {
  return [await idsOf(house, '/api/alerts'), await idsOf(house, '/api/cases'), await idsOf(house, '/api/work-orders')]
}

test('an older database beside the newer log asks for the same again; an older log is refused', async () => {
  const env = await testEnvironment()
  const partner = await partnerServer()
  onTestFinished(() => partner.server.close())
  const first = await testHub(env)
  const house = await setUpHouse(new HubApi(first.addresses.httpUrl, ADMIN_KEY), {
    nowMs: Date.now(),
    partnerUrl: partner.server.url,
    rule: { for: 'PT0S', dispatch: 'auto' },
    standingShare: true,
  })
  partner.setSecret(house.partnerSecret)
  await house.brand.post('/api/rules/hepa-clogged/activate', { settle: 'PT0S' })
  const [device] = house.devices
  await first.stop()
  const older = await backUpDatabase(env)
  const logDir = join(env.HUB_DATA_DIR!, 'log')
  cpSync(logDir, `${logDir}.older`, { recursive: true })

  const there = { ...env, HUB_HTTP_PORT: new URL(first.addresses.httpUrl).port }
  const second = await testHub(there)
  const load = await startLoad(second.addresses.mqttUrl, [device!])
  await load.publish(device!.id, 262.1)
  await vi.waitUntil(() => partner.events.length > 0, { timeout: 20_000 })
  await load.stop()
  await second.settle()
  const before = await whatHappened(house)
  expect(before.map((ids) => ids.length)).toEqual([1, 1, 1])
  await second.stop()

  const third = await testHub({ ...there, ...older })
  await third.settle()
  await vi.waitUntil(() => partner.server.counts.repeated > 0, { timeout: 20_000 })
  expect(await whatHappened(house)).toEqual(before)
  // The partner's own memory tells them apart by webhook-id: it is the same event again, and no second order.
  expect(partner.events.filter(({ type }) => type === 'beforehand.work_order.created')).toHaveLength(1)
  expect(partner.server.counts.badSignature).toBe(0)
  await third.stop()

  rmSync(logDir, { recursive: true })
  cpSync(`${logDir}.older`, logDir, { recursive: true })
  await expect(testHub(env)).rejects.toMatchObject({ code: 'LOG_MISMATCH' })
}, 120_000)
