import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import type { ProductDocument, RuleDocument } from '#contracts'
import { silentLogger } from '#platform'
import { type Database, type HistoryRow, openDuckHistory } from '#store'
import { testBrand, testDatabase } from '#store/testing'
import { aProduct } from '../testing/hub-parts.ts'
import { createBacktests } from './backtests.ts'
import { diffEpisodes } from './diff.ts'

const DAY = 86_400_000
const HOUR = 3_600_000
const NOW = Date.UTC(2026, 5, 1)
const FROM = NOW - 60 * DAY
const POLICY = { settleMs: 600_000, coolDownMs: 14 * DAY, offersPerHome: 2, offersPerHomeWindowMs: 14 * DAY }

const product: ProductDocument = {
  ...aProduct(),
  reporting: { mode: 'periodic', every: '1h' },
}

const clogged = (over: Partial<RuleDocument> = {}): RuleDocument => ({
  key: 'hepa-clogged',
  name: { en: 'HEPA filter clogged', 'zh-CN': '滤芯堵塞' },
  scope: { product: 'ap-300' },
  component: 'hepa-filter',
  severity: 'warning',
  when: { metric: 'filter_dp_pa', op: '>', value: 250, clear: 200 },
  for: '2h',
  dispatch: 'offer',
  ...over,
})

interface Life {
  device: string
  /** Pressure by hour since FROM. */
  dp(hour: number): number
  outcomes?: { atHour: number; component?: string; cause?: string }[]
}

/** Rises to its limit over so many days, from a new filter at `renewedAtHour`. */
const rising =
  (days: number, renewedAtHour = Number.POSITIVE_INFINITY) =>
  (hour: number) => {
    const age = hour >= renewedAtHour ? hour - renewedAtHour : hour
    return 100 + (150 * age) / (days * 24)
  }

async function fleet(lives: readonly Life[], { imported = true, known = true } = {}) {
  const { db } = await testDatabase()
  const brandId = await testBrand(db)
  const dir = mkdtempSync(join(tmpdir(), 'beforehand-what-if-'))
  const history = await openDuckHistory({ dir, logger: silentLogger })
  onTestFinished(async () => {
    await history.close()
    rmSync(dir, { recursive: true, force: true })
  })
  await register(db, brandId, lives, known)
  let seq = 0
  const rows: HistoryRow[] = []
  // As a file brings them: device after device, all received now.
  for (const { device, dp } of lives)
    for (let hour = 0; hour < 60 * 24; hour++) {
      const measuredAtMs = FROM + hour * HOUR
      const receivedAtMs = imported ? NOW : measuredAtMs
      const values = { filter_dp_pa: dp(hour) }
      rows.push({
        seq: ++seq,
        brandId,
        deviceId: device,
        measuredAtMs,
        receivedAtMs,
        serverTime: false,
        imported,
        values,
      })
    }
  if (!imported) {
    rows.sort((a, b) => a.receivedAtMs - b.receivedAtMs)
    for (const [i, row] of rows.entries()) row.seq = i + 1
  }
  await history.write(rows, { logId: 'log_test', seq })
  const backtests = createBacktests({
    db,
    history,
    logger: silentLogger,
    policy: POLICY,
    keepMs: 90 * DAY,
    upToDate: async () => ({ logId: 'log_test', nowMs: NOW }),
  })
  const run = (rule: RuleDocument = clogged(), over: object = {}) =>
    backtests.run({ brandId, rule, fromMs: FROM, toMs: NOW, ...over })
  return { db, brandId, backtests, run }
}

async function register(db: Database, brandId: string, lives: readonly Life[], known: boolean): Promise<void> {
  await db.asHub(async (tx) => {
    const times = { created_at_ms: 0, updated_at_ms: 0 }
    const of = { brand_id: brandId, product_key: product.key }
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
      .values(lives.map(({ device }) => ({ ...of, device_id: device, serial: device, owner_since_ms: 0, ...times })))
      .execute()
    const outcomes = lives.flatMap(({ device, outcomes = [] }) => outcomes.map((outcome) => ({ device, ...outcome })))
    for (const [i, { device, atHour, component = 'hepa-filter', cause = null }] of outcomes.entries())
      await tx
        .insertInto('outcomes')
        .values({
          brand_id: brandId,
          outcome_id: `out_${i}`,
          device_id: device,
          serial: device,
          component,
          at_ms: FROM + atHour * HOUR,
          cause,
          created_at_ms: 0,
        })
        .execute()
    if (known)
      await tx
        .insertInto('outcome_spans')
        .values({ brand_id: brandId, span_id: 'span_1', from_ms: FROM, to_ms: NOW })
        .execute()
  })
}

test('a rule over imported past: right, wrong and missed alerts, in the brand’s terms', async () => {
  const { run } = await fleet([
    // Full after 20 days, replaced on day 30.
    { device: 'dev_a', dp: rising(20, 720), outcomes: [{ atHour: 720 }] },
    // Full for three days and clean again; nobody ever came.
    { device: 'dev_b', dp: (hour) => (hour >= 240 && hour < 312 ? 300 : 120) },
    // Failed without a sign.
    { device: 'dev_c', dp: () => 120, outcomes: [{ atHour: 900 }] },
    // A fault that may have been anything is held against nobody.
    { device: 'dev_d', dp: () => 120, outcomes: [{ atHour: 500, component: 'fan' }] },
  ])
  const result = await run(clogged({ latch: 'none', keep: '1h' }))
  expect(result).toMatchObject({
    mode: 'what-if',
    rule: 'hepa-clogged',
    version: null,
    devices: 4,
    alerts: 3,
    samples: 4 * 60 * 24,
    cases: 3,
    offers: 3,
    workOrders: 1.5,
    acceptance: { rate: 0.5, from: 'default' },
    againstOutcomes: { confirmed: 1, noFault: 1, missed: 1, foreseen: 1, undecided: 1, precision: 0.5, recall: 0.5 },
    episodesOmitted: 0,
  })
  // Four devices over two months are eight device-months.
  expect(result.perThousandDeviceMonths).toBe(187.5)
  // It stood above the limit for two hours from the end of day 20; the repair came on day 30.
  expect(result.leadTimeDays!.p50).toBeCloseTo(30 - 20 - 3 / 24, 3)
  const [first] = result.episodes
  expect(first).toMatchObject({ device: 'dev_a', outcome: 'confirmed', reason: 'serviced', silent: false })
  expect(first!.evidence[0]!.metric).toBe('filter_dp_pa')
  expect(result.episodes.map(({ device, outcome }) => [device, outcome])).toEqual([
    ['dev_a', 'confirmed'],
    // The new filter is full again at the end, and nobody knows yet.
    ['dev_a', null],
    ['dev_b', 'noFault'],
  ])
})

test('without known repairs nothing is called wrong', async () => {
  const { run } = await fleet([{ device: 'dev_b', dp: (hour) => (hour >= 240 && hour < 312 ? 300 : 120) }], {
    known: false,
  })
  const { againstOutcomes } = await run(clogged({ latch: 'none' }))
  expect(againstOutcomes).toMatchObject({ noFault: 0, undecided: 1, precision: null, recall: null })
})

test('imported and live readings of the same life give the same episodes', async () => {
  const lives = [
    { device: 'dev_a', dp: rising(20, 720), outcomes: [{ atHour: 720 }] },
    { device: 'dev_b', dp: (hour: number) => 200 + 60 * Math.sin(hour / 31) },
  ]
  const [past, live] = [await fleet(lives), await fleet(lives, { imported: false })]
  const shape = async ({ run }: typeof past) => (await run()).episodes.map(({ id: _id, ...episode }) => episode)
  expect(await shape(past)).toEqual(await shape(live))
  expect((await shape(past)).length).toBe(3)
})

test('the warm-up is read before the span, reported, and what opened in it counts when it still stands', async () => {
  const { run } = await fleet([{ device: 'dev_a', dp: rising(20) }])
  const fromMs = FROM + 40 * DAY
  const result = await run(
    clogged({ when: { metric: 'filter_dp_pa', op: '>', value: 250, agg: 'mean', window: '3d' } }),
    {
      fromMs,
    },
  )
  expect(result.warmUpFrom).toBe(new Date(fromMs - 3 * DAY - 2 * HOUR).toISOString())
  expect(result.alerts).toBe(1)
  expect(Date.parse(result.episodes[0]!.openedAt)).toBeLessThan(fromMs)
})

test('ids of a what-if follow from the rule’s meaning: the same again is the same, an edit is another', async () => {
  const { run } = await fleet([{ device: 'dev_a', dp: rising(20) }])
  const ids = async (rule: RuleDocument) => (await run(rule)).episodes.map(({ id }) => id)
  expect(await ids(clogged())).toEqual(await ids(clogged({ notes: 'other words' })))
  expect(await ids(clogged())).not.toEqual(await ids(clogged({ for: '3h' })))
})

test('a diff pairs the stays of two versions: added, removed, moved', async () => {
  const { run } = await fleet([
    { device: 'dev_a', dp: rising(20) },
    { device: 'dev_b', dp: (hour) => (hour >= 240 && hour < 312 ? 270 : 120) },
  ])
  const one = await run(clogged({ latch: 'none' }))
  const two = await run(clogged({ latch: 'none', when: { metric: 'filter_dp_pa', op: '>', value: 280 } }))
  const diff = diffEpisodes(one.episodes, two.episodes)
  expect(diff.removed.map(({ device }) => device)).toEqual(['dev_b'])
  expect(diff.added).toEqual([])
  // Thirty pascals more take four days at seven and a half a day.
  expect(diff.moved.map(({ after, openedLaterMs }) => [after.device, openedLaterMs / DAY])).toEqual([['dev_a', 4]])
  expect(diffEpisodes(one.episodes, one.episodes)).toMatchObject({ added: [], removed: [], moved: [], same: 2 })
})

test('parameters as they were, or as they are', async () => {
  const { run, db, brandId } = await fleet([{ device: 'dev_a', dp: () => 220 }])
  await db.asHub(async (tx) => {
    await tx
      .insertInto('parameters')
      .values({
        brand_id: brandId,
        scope: 'brand',
        scope_id: '',
        key: 'limit',
        value: 210,
        set_at_ms: 0,
        set_by: 'test',
      })
      .execute()
    await tx
      .insertInto('control_records')
      .values({
        brand_id: brandId,
        change_id: 'chg_1',
        seq: 1,
        received_at_ms: NOW - DAY,
        type: 'parameter.set',
        device_id: null,
        change: JSON.stringify({ type: 'parameter.set', scope: 'brand', scopeId: '', key: 'limit', value: 210 }),
      })
      .execute()
  })
  const rule = clogged({ when: { metric: 'filter_dp_pa', op: '>', value: { param: 'limit', default: 250 } } })
  const opened = async (parameters: 'then' | 'today') =>
    (await run(rule, { parameters })).episodes.map(({ startedAt }) => Date.parse(startedAt))
  expect((await opened('today'))[0]).toBe(FROM)
  expect((await opened('then'))[0]).toBeGreaterThanOrEqual(NOW - DAY)
})

test('it can be stopped, says how far it is, and names what cannot be', async () => {
  const { backtests, brandId } = await fleet([{ device: 'dev_a', dp: rising(20) }])
  const told: number[] = []
  const options = { onProgress: ({ devicesDone }: { devicesDone: number }) => void told.push(devicesDone) }
  const request = { brandId, rule: clogged(), fromMs: FROM, toMs: NOW }
  await backtests.run(request, options)
  expect(told.at(-1)).toBe(1)
  const stop = new AbortController()
  stop.abort(new Error('enough'))
  await expect(backtests.run(request, { signal: stop.signal })).rejects.toThrow('enough')
  await expect(backtests.run({ ...request, rule: { key: 'no-such' } })).rejects.toMatchObject({ code: 'NOT_FOUND' })
  await expect(backtests.run({ ...request, productKey: 'other' })).rejects.toMatchObject({ code: 'VALIDATION_FAILED' })
  await expect(backtests.run({ ...request, asRun: true })).rejects.toThrow('A draft never ran')
})
