import { expect, onTestFinished, test } from 'vitest'
import type { AlertEffect, ControlChange, LogEntry, LogReader, RuleDocument } from '#contracts'
import { type Clock, derivedId, type Random, seededRandom, silentLogger } from '#platform'
import { createEvaluator, type Evaluator } from '#rules'
import { type Database, readFact, readPosition, type Tx, writeFact } from '#store'
import { testDatabase } from '#store/testing'
import { createRulesRunner, RULES_CONSUMER, type RulesRunner } from './rules-runner.ts'
import { aDevice, aProduct, aReading, testLog } from './testing/hub-parts.ts'
import { type Death, mortalDatabase } from './testing/mortal-database.ts'

const BRAND = 'brand_a'
const MINUTE_MS = 60_000

const clogged = (over: Partial<RuleDocument> = {}): RuleDocument => ({
  key: 'hepa-clogged',
  name: { en: 'HEPA filter clogged', 'zh-CN': '滤芯堵塞' },
  scope: { product: 'ap-300' },
  component: 'hepa-filter',
  severity: 'warning',
  when: { metric: 'filter_dp_pa', op: '>', value: 250, clear: 230 },
  for: '5m',
  keep: '5m',
  latch: 'none',
  dispatch: 'notify',
  ...over,
})

const control = (change: ControlChange): LogEntry => ({
  kind: 'control',
  changeId: derivedId('chg', JSON.stringify(change)),
  brandId: BRAND,
  change,
})

const activated = (version: number, rule = clogged()): LogEntry =>
  control({ type: 'rule.activated', rule, version, mode: 'active', canaryShare: 1, activation: 'chg_activation' })

/** Some hours of a few purifiers whose filters come and go, each batch as devices would send it. */
async function play(random: Random, { minutes = 240, devices = 3 } = {}) {
  const { log, reader, clock } = await testLog()
  const names = Array.from({ length: devices }, (_, i) => `dev_${i}`)
  await log.append([
    control({ type: 'product.version', version: 1, product: aProduct() }),
    ...names.map((name) => control({ type: 'device.added', device: aDevice(name) })),
    activated(1),
  ])
  for (let minute = 0; minute < minutes; minute++) {
    clock.advance(MINUTE_MS)
    if (minute === Math.floor(minutes / 2)) await log.append([activated(2, clogged({ for: '7m' }))])
    const entries = names
      .filter(() => !random.chance(0.05))
      .map((name, i) => {
        const phase = Math.sin((minute + i * 17) / 14)
        return aReading(BRAND, name, clock.nowMs(), 240 + 40 * phase + 5 * random.normal())
      })
    if (entries.length > 0) await log.append(entries)
  }
  return { reader, log, clock }
}

/** Notes each effect inside the transaction that commits it, and how often. */
async function countEffects(tx: Tx, effects: readonly AlertEffect[]): Promise<void> {
  for (const { seq, ordinal, kind } of effects) {
    const key = `effect ${seq} ${ordinal} ${kind}`
    await writeFact(tx, key, ((await readFact<number>(tx, key)) ?? 0) + 1, 0)
  }
}

test('a database that refuses what rules write is told of, until it takes it', async () => {
  const { reader, clock } = await play(seededRandom(5), { minutes: 60 })
  const { db } = await testDatabase()
  let full = true
  const refusing: Database = {
    ...db,
    asHub: (work) =>
      db.asHub(async (tx) => {
        const result = await work(tx)
        if (full && (await readPosition(tx, { consumer: RULES_CONSUMER }))?.effectsSeq) throw new Error('disk full')
        return result
      }),
  }
  const runner = createRulesRunner({ reader, db: refusing, evaluator: createEvaluator(), clock, logger: silentLogger })
  await runner.start()
  while (runner.position().failures === 0) await new Promise((resolve) => setImmediate(resolve))
  full = false
  await runner.caughtUp(reader.headSeq())
  expect(runner.position().failures).toBe(0)
  await runner.stop()
})

interface Life {
  reader: LogReader
  db: Database
  clock: Clock
  death?: Death | null
  evaluator?: Evaluator
}

/** One life of the runner: to the end of the log, or to its death. */
async function live({
  reader,
  db,
  clock,
  death = null,
  evaluator = createEvaluator(),
}: Life): Promise<'done' | 'died'> {
  const mortal = mortalDatabase(db, death)
  const runner: RulesRunner = createRulesRunner({
    reader,
    db: mortal.db,
    evaluator,
    clock,
    logger: silentLogger,
    onEffects: countEffects,
    batchRecords: 10,
    // As often as it can, beside the effects: the positions are apart whenever a write is under way.
    checkpointEveryMs: 0,
  })
  const outcome = (async (): Promise<'done' | 'died'> => {
    await runner.start()
    await runner.caughtUp(reader.headSeq())
    return 'done'
  })()
  const first = await Promise.race([outcome, mortal.died.then(() => 'died' as const)]).catch(() => 'died' as const)
  outcome.catch(() => undefined)
  await runner.stop()
  return first
}

async function remembered(db: Database) {
  return db.asHub(async (tx) => ({
    alerts: await tx.selectFrom('alerts').selectAll().orderBy('episode_id').execute(),
    transitions: await tx.selectFrom('alert_transitions').selectAll().orderBy('seq').orderBy('ordinal').execute(),
    effects: await tx
      .selectFrom('hub_facts')
      .select(['key', 'value'])
      .where('key', 'like', 'effect %')
      .orderBy('key')
      .execute(),
    state: await tx.selectFrom('evaluator_state').select(['key', 'value']).orderBy('key').execute(),
    submitted: await tx.selectFrom('control_changes').select(['change_id', 'change']).orderBy('change_id').execute(),
  }))
}

test('episodes are written as they open, change and end', async () => {
  const { reader, clock } = await play(seededRandom(1))
  const { db } = await testDatabase()
  expect(await live({ reader, db, clock })).toBe('done')
  const { alerts, transitions, effects } = await remembered(db)
  expect(alerts.length).toBeGreaterThan(3)
  expect(alerts.filter((alert) => alert.state === 'resolved').length).toBeGreaterThan(2)
  for (const alert of alerts) {
    const own = transitions.filter((row) => row.episode_id === alert.episode_id)
    expect(own.filter((row) => row.kind === 'alert.firing')).toHaveLength(1)
    expect(own.filter((row) => row.kind === 'alert.resolved')).toHaveLength(alert.state === 'resolved' ? 1 : 0)
    expect(alert.opened_at_ms - alert.started_at_ms).toBeGreaterThanOrEqual(5 * MINUTE_MS)
  }
  expect(effects.every(({ value }) => value === 1)).toBe(true)
})

test('deaths anywhere, between the two positions too, leave the same episodes and no effect twice', async () => {
  const random = seededRandom(7)
  const { reader, clock } = await play(random)
  const [whole, broken] = [await testDatabase(), await testDatabase()]
  const reference = createEvaluator()
  await live({ reader, db: whole.db, clock, evaluator: reference })
  let deaths = 0
  let between = 0
  let last = createEvaluator()
  for (; ; deaths++) {
    const when = random.chance(0.5) ? ('before-commit' as const) : ('after-commit' as const)
    last = createEvaluator()
    const death = deaths < 25 ? { transaction: 3 + random.int(3), at: when } : null
    if ((await live({ reader, db: broken.db, clock, death, evaluator: last })) === 'done') break
    const at = await broken.db.asHub((tx) => readPosition(tx, { consumer: RULES_CONSUMER }))
    if (at && at.stateSeq < at.effectsSeq) between++
  }
  expect(deaths).toBeGreaterThanOrEqual(10)
  // Otherwise nothing was ever replayed without effect, and this test would show little.
  expect(between).toBeGreaterThanOrEqual(3)
  const [expected, actual] = [await remembered(whole.db), await remembered(broken.db)]
  expect(actual.alerts).toEqual(expected.alerts)
  expect(actual.transitions).toEqual(expected.transitions)
  expect(actual.effects).toEqual(expected.effects)
  expect(actual.submitted).toEqual(expected.submitted)
  expect(last.stateHash()).toBe(reference.stateHash())
})

test('a changed rule takes over once it is warm, by a record of the log', async () => {
  const { reader, clock } = await play(seededRandom(3))
  const { db } = await testDatabase()
  await live({ reader, db, clock })
  const { submitted } = await remembered(db)
  expect(submitted.map((row) => row.change)).toEqual([{ type: 'rule.warmed', ruleKey: 'hepa-clogged', version: 2 }])
})

test('with Postgres away alerts are late and none is lost', async () => {
  const { reader, clock } = await play(seededRandom(5))
  const [whole, away] = [await testDatabase(), await testDatabase()]
  await live({ reader, db: whole.db, clock })
  let refusals = 0
  const flaky: Database = {
    ...away.db,
    asHub: (work) =>
      away.db.asHub(async (tx) => {
        const result = await work(tx)
        // Every other transaction is refused after its start.
        if (++refusals > 2 && refusals % 2 === 0) throw new Error('connection terminated')
        return result
      }),
  }
  expect(await live({ reader, db: flaky, clock })).toBe('done')
  const [expected, actual] = [await remembered(whole.db), await remembered(away.db)]
  expect([actual.alerts, actual.transitions, actual.effects]).toEqual([
    expected.alerts,
    expected.transitions,
    expected.effects,
  ])
})

test('who is replaced by another process can commit nothing more', async () => {
  const { reader, log, clock } = await play(seededRandom(2), { minutes: 60 })
  const { db } = await testDatabase()
  const failed = Promise.withResolvers<Error>()
  const open = (onFatal: (error: Error) => void) => {
    const options = { reader, db, evaluator: createEvaluator(), clock, logger: silentLogger, checkpointEveryMs: 0 }
    const runner = createRulesRunner({ ...options, onFatal })
    onTestFinished(() => runner.stop())
    return runner
  }
  const old = open(failed.resolve)
  await old.start()
  await old.caughtUp(reader.headSeq())
  const successor = open(() => undefined)
  await successor.start()
  let ousted: Error | null = null
  void failed.promise.then((error) => (ousted = error))
  while (!ousted) {
    clock.advance(MINUTE_MS)
    await log.append([{ kind: 'tick' }])
  }
  expect(ousted).toMatchObject({ code: 'FENCED' })
})

test('a log that is not the one the positions belong to is refused', async () => {
  const [first, second] = [await play(seededRandom(1), { minutes: 5 }), await play(seededRandom(1), { minutes: 5 })]
  const { db } = await testDatabase()
  await live({ ...first, db })
  const runner = createRulesRunner({ ...second, db, evaluator: createEvaluator(), logger: silentLogger })
  await expect(runner.start()).rejects.toMatchObject({ code: 'LOG_MISMATCH' })
})
