import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import type { ControlChange, ControlRecord, ProductDocument, RuleDocument } from '#contracts'
import type { ServiceLife } from '#models'
import { ManualClock, seededRandom, silentLogger } from '#platform'
import { createEvaluator } from '#rules'
import {
  claimJob,
  type Database,
  type HistoryRow,
  type HistoryStore,
  LEASE_MS,
  openDuckHistory,
  waitingChanges,
  writeControlRecords,
} from '#store'
import { testBrand, testDatabase } from '#store/testing'
import { createBacktests } from '../backtest/backtests.ts'
import { aProduct } from '../testing/hub-parts.ts'
import { createNights } from './nights.ts'

const HOUR = 3_600_000
const DAY = 24 * HOUR
/** A morning in Shanghai, after the night's hour. */
const NOW = Date.UTC(2026, 5, 1)

const product: ProductDocument = aProduct({
  metrics: [
    { key: 'filter_dp_pa', unit: 'Pa', type: 'number' },
    { key: 'fan_rpm', unit: 'rpm', type: 'number' },
    { key: 'hours', unit: 'h', type: 'number' },
  ],
  components: [
    {
      key: 'hepa-filter',
      kind: 'filter',
      ratedLife: { metric: 'hours', value: 700 },
      wear: { metric: 'filter_dp_pa', fresh: 50, worn: 250, while: [{ metric: 'fan_rpm', op: '>=', value: 1_000 }] },
    },
    { key: 'fan', kind: 'motor' },
  ],
  reporting: { mode: 'periodic', every: '6h' },
})

interface Filter {
  device: string
  /** Hours it lasts; ten a day. */
  lasts: number
  /** Days it is watched, to `NOW`. */
  days: number
  /** Replaced this many days after the first reading. */
  replacedAtDay?: number
}

function filters(count: number, { days = 100, from = 0, seed = 3 } = {}): Filter[] {
  const { next } = seededRandom(seed)
  return Array.from({ length: count }, (_, i) => ({
    device: `dev_${String(from + i).padStart(3, '0')}`,
    lasts: 500 + 300 * next(),
    days,
  }))
}

function rowsOf(brandId: string, { device, lasts, days, replacedAtDay }: Filter, toMs = NOW): HistoryRow[] {
  const startMs = toMs - days * DAY
  return Array.from({ length: 4 * days }, (_, quarter) => {
    const atMs = startMs + quarter * 6 * HOUR
    const age = replacedAtDay !== undefined && quarter >= 4 * replacedAtDay ? quarter - 4 * replacedAtDay : quarter
    const low = quarter % 4 === 3
    const level = 50 + (200 * 2.5 * age) / lasts + (((quarter * 7) % 5) - 2)
    const values = { filter_dp_pa: low ? level / 3 : level, fan_rpm: low ? 600 : 1_300, hours: 2.5 * quarter }
    return { ...{ seq: 0, brandId, deviceId: device, measuredAtMs: atMs, receivedAtMs: atMs }, ...PLAIN, values }
  })
}

const PLAIN = { serverTime: false, imported: false }

async function house(given: readonly Filter[], { startMs = NOW, recorded = true } = {}) {
  const { db } = await testDatabase()
  const brandId = await testBrand(db)
  const dir = mkdtempSync(join(tmpdir(), 'beforehand-nights-'))
  const history = await openDuckHistory({ dir, logger: silentLogger })
  onTestFinished(async () => {
    await history.close()
    rmSync(dir, { recursive: true, force: true })
  })
  await register(
    db,
    brandId,
    given.map(({ device }) => device),
  )
  let seq = 0
  const record = async (rows: readonly HistoryRow[]): Promise<void> => {
    const ordered = [...rows].sort((a, b) => a.receivedAtMs - b.receivedAtMs)
    for (const row of ordered) row.seq = ++seq
    await history.write(ordered, { logId: 'log_test', seq })
  }
  if (recorded) await record(given.flatMap((filter) => rowsOf(brandId, filter)))
  const clock = new ManualClock(startMs)
  const readFrom: number[] = []
  const watched: HistoryStore = Object.create(history, {
    scanColumns: {
      value: (query: Parameters<HistoryStore['scanColumns']>[0]) => {
        readFrom.push(query.fromMs)
        return history.scanColumns(query)
      },
    },
    writeHealth: { value: history.writeHealth.bind(history) },
  })
  const nights = createNights({
    db,
    history: watched,
    clock,
    logger: silentLogger,
    upToDate: async () => clock.nowMs(),
  })
  return { db, brandId, history, clock, nights, record, readFrom }
}

async function register(db: Database, brandId: string, devices: readonly string[]): Promise<void> {
  const times = { created_at_ms: 0, updated_at_ms: 0 }
  const of = { brand_id: brandId, product_key: product.key }
  await db.asHub(async (tx) => {
    await tx
      .insertInto('products')
      .values({ ...of, current_version: 1, ...times })
      .execute()
    await tx
      .insertInto('product_versions')
      .values({
        ...of,
        version: 1,
        document: JSON.stringify(product),
        sha256: '',
        created_at_ms: 0,
        created_by: 'test',
      })
      .execute()
    await tx
      .insertInto('devices')
      .values(devices.map((id) => ({ ...of, device_id: id, serial: id, owner_since_ms: 0, ...times })))
      .execute()
  })
}

function reset(brandId: string, seq: number, device: string, atMs: number): ControlRecord {
  const change: ControlChange = {
    type: 'component.reset',
    deviceId: device,
    component: 'hepa-filter',
    atMs,
    source: 'technician',
    caseId: null,
  }
  return { kind: 'control', changeId: `chg_${seq}`, brandId, change, seq, receivedAtMs: atMs }
}

const fittedRecords = (db: Database) =>
  db.asHub(async (tx) => (await waitingChanges(tx, 100)).filter(({ change }) => change.type === 'model.fitted'))
const livesOf = (db: Database) =>
  db.asHub((tx) => tx.selectFrom('part_lives').selectAll().orderBy('device_id').orderBy('ordinal').execute())
const healthOf = (db: Database, device: string) =>
  db.asHub((tx) =>
    tx.selectFrom('component_health').selectAll().where('device_id', '=', device).executeTakeFirstOrThrow(),
  )

test('a night follows every life, fits the fleet, tells the log, and says of each part how it is', async () => {
  const { db, brandId, history, nights } = await house([...filters(20), { device: 'dev_young', lasts: 700, days: 40 }])
  const report = await nights.run()
  expect(report!.models).toMatchObject([
    { brandId, productKey: 'ap-300', component: 'hepa-filter', outcome: 'fitted', version: 1, lives: 20, censored: 1 },
  ])
  const [record] = await fittedRecords(db)
  expect(record!.change).toMatchObject({ type: 'model.fitted', component: 'hepa-filter', kind: 'life', version: 1 })
  const model = await db.asHub((tx) => tx.selectFrom('models').selectAll().executeTakeFirstOrThrow())
  expect(model).toMatchObject({ version: 1, lives: 20, censored: 1, change_id: record!.changeId })
  expect(model.held_out).toMatchObject({ lives: 20 })
  expect((model.to_ms - model.from_ms) / DAY).toBeGreaterThan(90)

  // Forty of seventy days: thirty are left.
  const young = await healthOf(db, 'dev_young')
  expect(young.wear).toBeGreaterThan(0.5)
  expect(young.wear).toBeLessThan(0.62)
  expect(Math.abs(young.p50_days! - 30)).toBeLessThan(8)
  expect(young.p10_days!).toBeLessThan(young.p50_days!)
  expect(young).toMatchObject({ model_version: 1, reason: null })
  expect((young.factors as { en: string }[])[0]!.en).toContain('way from new')
  const drawn = await history.health({ deviceId: 'dev_young', fromMs: 0, toMs: NOW + DAY })
  expect(drawn).toMatchObject([{ component: 'hepa-filter', productKey: 'ap-300', wear: young.wear }])

  // What is in the log decides what the evaluator says, by the very content that is stored.
  const evaluator = createEvaluator()
  const content = (record!.change as unknown as { content: ServiceLife }).content
  expect(content.curve.nodes.length).toBeGreaterThan(5)
  expect(() =>
    evaluator.apply({ kind: 'control', changeId: 'a', brandId, change: record!.change, seq: 1, receivedAtMs: NOW }),
  ).not.toThrow()
})

test('with too few lives it says why, and nothing decides', async () => {
  const { db, nights } = await house([...filters(6), ...filters(10, { days: 30, from: 50 })])
  const report = await nights.run()
  expect(report!.models).toMatchObject([{ outcome: 'refused', reason: 'no-fleet', version: null, lives: 6 }])
  expect(await fittedRecords(db)).toEqual([])
  expect(await db.asHub((tx) => tx.selectFrom('model_attempts').select(['outcome', 'reason']).execute())).toEqual([
    { outcome: 'refused', reason: 'no-fleet' },
  ])
  expect(await healthOf(db, 'dev_050')).toMatchObject({ p50_days: null, reason: 'no-fleet', model_version: null })
  expect((await healthOf(db, 'dev_050')).wear).toBeGreaterThan(0.3)
})

test('a service ends a life and begins the next; one that was taken out early is known to have lasted that long', async () => {
  const replaced: Filter = { device: 'dev_900', lasts: 700, days: 100, replacedAtDay: 40 }
  const { db, brandId, nights } = await house([...filters(12), replaced])
  const atMs = NOW - 60 * DAY
  await db.asHub((tx) =>
    writeControlRecords(tx, [reset(brandId, 1, 'dev_900', atMs), reset(brandId, 2, 'dev_900', atMs)]),
  )
  await nights.run()
  const lives = (await livesOf(db)).filter(({ device_id }) => device_id === 'dev_900')
  expect(lives).toMatchObject([
    { ordinal: 0, over: true, ended: false },
    { ordinal: 1, over: false, ended: false, born_ms: atMs },
  ])
  // Sixty of seventy days of the second.
  const health = await healthOf(db, 'dev_900')
  expect(health.wear).toBeGreaterThan(0.78)
  expect(health.p50_days!).toBeLessThan(20)
})

test('night after night only what is new is read, and the lives come out as if all had been read at once', async () => {
  const given = filters(14)
  const all = await house(given)
  await all.nights.run()
  const one = await house(given, { startMs: NOW - 100 * DAY, recorded: false })
  const rows = given.flatMap((filter) => rowsOf(one.brandId, filter))
  const ends = [75, 50, 25, 0].map((daysAgo) => NOW - daysAgo * DAY)
  for (const [i, until] of ends.entries()) {
    const since = ends[i - 1] ?? 0
    await one.record(rows.filter(({ receivedAtMs }) => receivedAtMs >= since && receivedAtMs < until))
    one.clock.advanceTo(until)
    await one.nights.run()
  }
  expect(one.readFrom).toEqual([0, ...ends.slice(0, 3)])
  const plain = async (db: Database) => (await livesOf(db)).map(({ brand_id: _, ...life }) => life)
  expect(await plain(one.db)).toEqual(await plain(all.db))
})

test('a past that is brought in later is read too', async () => {
  const { db, brandId, record, clock, nights } = await house(filters(12, { days: 30 }))
  expect((await nights.run())!.models[0]!.outcome).toBe('refused')
  const past = filters(12, { days: 100 }).flatMap((filter) => rowsOf(brandId, filter, NOW - 30 * DAY))
  await record(past.map((row) => ({ ...row, imported: true, receivedAtMs: NOW + HOUR })))
  clock.advanceTo(NOW + DAY)
  await db.asHub((tx) =>
    tx
      .insertInto('imports')
      .values({
        brand_id: brandId,
        import_id: 'imp_1',
        kind: 'telemetry',
        source: 'past',
        created_at_ms: NOW + HOUR,
        updated_at_ms: NOW + HOUR,
        done_at_ms: NOW + HOUR,
      })
      .execute(),
  )
  expect((await nights.run())!.models[0]).toMatchObject({ outcome: 'fitted', lives: 12 })
})

test('once a night; a missed one is made up for; of two hubs one does it, and one that was taken over writes nothing', async () => {
  const { db, clock, nights, history } = await house(filters(11))
  expect(await nights.run()).not.toBeNull()
  expect(await nights.run()).toBeNull()
  clock.advanceTo(NOW + 3 * DAY)
  const other = createNights({
    db,
    history,
    clock,
    logger: silentLogger,
    upToDate: async () => clock.nowMs(),
  })
  const reports = await Promise.all([nights.run(), other.run()])
  expect(reports.filter((report) => report !== null)).toHaveLength(1)

  // A third holds the job, is thought dead, and its work is fenced off.
  clock.advanceTo(NOW + 5 * DAY)
  const taken: HistoryStore = Object.create(history, {
    writeHealth: {
      value: async () => void (await db.asHub((tx) => claimJob(tx, 'nightly-fitting', clock.nowMs() + 2 * LEASE_MS))),
    },
  })
  const late = createNights({
    db,
    history: taken,
    clock,
    logger: silentLogger,
    upToDate: async () => clock.nowMs(),
  })
  const second = aProduct({ ...product, key: 'ap-400' })
  await db.asHub(async (tx) => {
    const of = { brand_id: (await tx.selectFrom('brands').select('brand_id').executeTakeFirstOrThrow()).brand_id }
    await tx
      .insertInto('products')
      .values({ ...of, product_key: 'ap-400', current_version: 1, created_at_ms: 0, updated_at_ms: 0 })
      .execute()
    await tx
      .insertInto('product_versions')
      .values({
        ...of,
        product_key: 'ap-400',
        version: 1,
        document: JSON.stringify(second),
        sha256: '',
        created_at_ms: 0,
        created_by: 'test',
      })
      .execute()
  })
  expect(await late.run()).toBeNull()
  expect(await db.asHub((tx) => tx.selectFrom('life_runs').select('product_key').execute())).toEqual([
    { product_key: 'ap-300' },
  ])
})

test('a backtest of a rule that asks for remaining life uses the model of the time', async () => {
  const { db, brandId, history, nights } = await house(filters(14))
  await nights.run()
  const { change } = (await fittedRecords(db))[0]!
  const at = async (receivedAtMs: number, seq: number) => {
    const record: ControlRecord = { kind: 'control', changeId: `chg_model_${seq}`, brandId, change, seq, receivedAtMs }
    await db.asHub((tx) => tx.deleteFrom('control_records').execute())
    await db.asHub((tx) => writeControlRecords(tx, [record]))
    const backtests = createBacktests({
      db,
      history,
      logger: silentLogger,
      policy: { settleMs: 600_000, coolDownMs: 14 * DAY, offersPerHome: 2, offersPerHomeWindowMs: 14 * DAY },
      keepMs: 120 * DAY,
      upToDate: async () => ({ logId: 'log_test', nowMs: NOW }),
    })
    const rule: RuleDocument = {
      key: 'filter-due',
      name: { en: 'Filter due', 'zh-CN': '滤芯将到期' },
      scope: { product: 'ap-300' },
      component: 'hepa-filter',
      when: { remaining: { component: 'hepa-filter', below: '10d' } },
      latch: 'until-serviced',
    }
    return backtests.run({ brandId, rule, fromMs: NOW - 90 * DAY, toMs: NOW })
  }
  const early = await at(NOW - 95 * DAY, 1)
  expect(early.alerts).toBe(14)
  // Before a part is worn out, whose life is fifty to eighty days of the hundred that are kept.
  const opened = early.episodes.map(({ openedAt }) => (Date.parse(openedAt) - (NOW - 100 * DAY)) / DAY)
  expect(Math.min(...opened)).toBeGreaterThan(30)
  expect(Math.max(...opened)).toBeLessThan(80)
  const late = await at(NOW - DAY, 2)
  for (const { openedAt } of late.episodes) expect(Date.parse(openedAt)).toBeGreaterThanOrEqual(NOW - DAY)
}, 60_000)

test('a home that does not agree to be watched is passed over, for good; an appliance that is gone leaves nothing', async () => {
  const { db, brandId, record, clock, nights } = await house(filters(4, { days: 40 }))
  await db.asHub(async (tx) => {
    const times = { created_at_ms: 0, updated_at_ms: 0 }
    const quiet = { quiet_from: '21:00', quiet_to: '08:30', time_zone: 'Asia/Shanghai' }
    await tx
      .insertInto('homes')
      .values({ brand_id: brandId, home_id: 'home_1', ...quiet, ...times })
      .execute()
    await tx.updateTable('devices').set({ home_id: 'home_1' }).where('device_id', '=', 'dev_000').execute()
  })
  await nights.run()
  expect(await healthOf(db, 'dev_000')).toMatchObject({ component: 'hepa-filter' })
  const said = (granted: boolean, seq: number): ControlRecord => ({
    ...{ kind: 'control', changeId: `chg_consent_${seq}`, brandId, seq, receivedAtMs: NOW + seq },
    change: { type: 'consent.monitoring', homeId: 'home_1', granted },
  })
  const knownDays = async () =>
    JSON.parse((await livesOf(db)).find(({ device_id }) => device_id === 'dev_000')!.life).course[10] as number
  const before = await knownDays()
  await db.asHub((tx) => writeControlRecords(tx, [said(false, 1)]))
  await db.asHub((tx) =>
    tx.updateTable('devices').set({ removed_at_ms: NOW }).where('device_id', '=', 'dev_001').execute(),
  )
  const further = (days: number) =>
    filters(4, { days: 40 }).flatMap((filter) => rowsOf(brandId, { ...filter, days }, clock.nowMs()))
  clock.advanceTo(NOW + 10 * DAY)
  await record(further(10))
  await nights.run()
  expect(
    await db.asHub((tx) => tx.selectFrom('component_health').select('device_id').orderBy('device_id').execute()),
  ).toEqual([{ device_id: 'dev_002' }, { device_id: 'dev_003' }])
  expect((await livesOf(db)).map(({ device_id }) => device_id)).toEqual(['dev_000', 'dev_002', 'dev_003'])
  expect(await knownDays()).toBe(before)
  // Agreed again: what was passed over stays unread.
  await db.asHub((tx) => writeControlRecords(tx, [said(true, 2)]))
  clock.advanceTo(NOW + 11 * DAY)
  await nights.run()
  expect(await knownDays()).toBe(before)
  expect(await healthOf(db, 'dev_000')).toMatchObject({ component: 'hepa-filter' })
})
