import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { expect, onTestFinished, test } from 'vitest'
import type { ControlChange, LogEntry, RuleDocument } from '#contracts'
import { ManualClock, silentLogger } from '#platform'
import { createEvaluator, EVALUATOR_VERSION } from '#rules'
import { aDevice, aProduct, arbitrary } from '#rules/testing'
import { type Database, openDuckHistory } from '#store'
import { testBrand, testDatabase } from '#store/testing'
import { createControlAppender } from '../control-appender.ts'
import { createRecorder } from '../recorder.ts'
import { createRulesRunner, type RulesRunner } from '../rules-runner.ts'
import { testLog } from '../testing/hub-parts.ts'
import { createBacktests } from './backtests.ts'

const RUNS = Number(process.env.PROPERTY_RUNS ?? 3)
/** `PROPERTY_RUNS=200 PROPERTY_SEED=random npx vitest run pipeline/backtest/as-run` plays histories nobody has seen. */
const SEED = process.env.PROPERTY_SEED === 'random' ? undefined : Number(process.env.PROPERTY_SEED ?? 42)
const PATIENCE_MS = 600_000
const DAY = 86_400_000
/** An hour before midnight: the daily state is kept on the way. */
const START_MS = Date.UTC(2026, 0, 1, 23)
const DEVICES = ['dev_1', 'dev_2', 'dev_3']
const POLICY = { settleMs: 600_000, coolDownMs: 14 * DAY, offersPerHome: 2, offersPerHomeWindowMs: 14 * DAY }

/** What befalls a reading on its way, and what happens beside readings. */
const fate = fc.oneof(
  { weight: 12, arbitrary: fc.constant('arrives' as const) },
  { weight: 1, arbitrary: fc.constant('lost' as const) },
  { weight: 1, arbitrary: fc.constant('twice' as const) },
  { weight: 2, arbitrary: fc.constant('late' as const) },
  { weight: 1, arbitrary: fc.constant('ancient' as const) },
)
const happening = fc.oneof(
  { weight: 20, arbitrary: fc.constant('nothing' as const) },
  ...(
    ['restart', 'edit', 'reset', 'moved', 'silence', 'parameter', 'presence', 'firmware', 'resumed', 'pause'] as const
  ).map((what) => ({ weight: 1, arbitrary: fc.constant(what) })),
)
const season = fc.array(
  fc.record({
    /** Since the reading before, in units of the pace. */
    step: fc.oneof(
      { weight: 6, arbitrary: fc.integer({ min: 1, max: 12 }) },
      { weight: 1, arbitrary: fc.integer({ min: 18, max: 90 }) },
    ),
    device: fc.nat(DEVICES.length - 1),
    values: fc.record({ filter_dp_pa: arbitrary.value, fan_rpm: arbitrary.value }),
    fate,
    lateBy: fc.integer({ min: 1, max: 200 }),
    happening,
  }),
  { minLength: 150, maxLength: 250 },
)

/** How fast the readings of a history follow one another. */
interface Pace {
  unitMs: number
  /** What the product promises. */
  every: string
  /** By how much the first metric grows with each reading, as wear would have it. */
  drift: number
}
const MINUTES: Pace = { unitMs: 10_000, every: '1m', drift: 0 }
const HOURS: Pace = { unitMs: 600_000, every: '1h', drift: 0.02 }

/** A hub in small: log, appender, rules with state and effects in a real database, history. */
async function world(rules: readonly RuleDocument[]) {
  const clock = new ManualClock(START_MS)
  const { log, reader } = await testLog(clock)
  const { db } = await testDatabase()
  const brandId = await testBrand(db)
  const dir = mkdtempSync(join(tmpdir(), 'beforehand-backtest-'))
  const history = await openDuckHistory({ dir, logger: silentLogger })
  onTestFinished(async () => {
    await history.close()
    rmSync(dir, { recursive: true, force: true })
  })
  const appender = createControlAppender({ db, log, clock, logger: silentLogger })
  await appender.start()
  onTestFinished(() => appender.stop())
  await storeRules(db, brandId, rules)
  let runner: RulesRunner | null = null
  const startRunner = async (): Promise<void> => {
    runner = createRulesRunner({
      reader,
      db,
      evaluator: createEvaluator(),
      clock,
      logger: silentLogger,
      checkpointEveryMs: 0,
      batchRecords: 20,
    })
    await runner.start()
  }
  await startRunner()
  onTestFinished(() => runner?.stop())
  let changes = 0
  return {
    clock,
    log,
    db,
    brandId,
    history,
    control: (change: ControlChange): LogEntry => ({
      kind: 'control',
      changeId: `chg_of_test_${++changes}`,
      brandId: change.type === 'hub.resumed' ? null : brandId,
      change,
    }),
    /** Everything in the log is decided, and what the rules asked for is in the log as well. */
    async settled(): Promise<void> {
      do await runner!.caughtUp(log.headSeq())
      while (!(await appender.isIdle()) || runner!.position().appliedSeq < log.headSeq())
    },
    async restart(): Promise<void> {
      await runner!.stop()
      await startRunner()
    },
    async recorded(): Promise<void> {
      const recorder = createRecorder({ reader, history, db, logger: silentLogger, restMs: 0 })
      await recorder.start()
      await recorder.caughtUp(log.headSeq())
      await recorder.stop()
    },
    backtests: createBacktests({
      db,
      history,
      logger: silentLogger,
      policy: POLICY,
      keepMs: 90 * DAY,
      upToDate: async () => ({ logId: reader.logId, nowMs: clock.nowMs() }),
    }),
  }
}

async function storeRules(db: Database, brandId: string, rules: readonly RuleDocument[]): Promise<void> {
  await db.asHub(async (tx) => {
    for (const rule of rules) {
      const times = { created_at_ms: 0, updated_at_ms: 0 }
      await tx
        .insertInto('rules')
        .values({ brand_id: brandId, rule_key: rule.key, status: 'active', current_version: 1, ...times })
        .execute()
      await tx
        .insertInto('rule_versions')
        .values({
          brand_id: brandId,
          rule_key: rule.key,
          version: 1,
          document: JSON.stringify(rule),
          canonical_sha256: '',
          author: 'test',
          created_at_ms: 0,
        })
        .execute()
    }
  })
}

const named = (rule: RuleDocument, i: number): RuleDocument => ({ ...rule, key: `rule-${i}` })
/** @param activation as the API names it: an edit keeps that of the rule, enabling it anew is another */
const activated = (rule: RuleDocument, version: number, activation: string): ControlChange => ({
  type: 'rule.activated',
  rule,
  version,
  mode: 'active',
  canaryShare: 1,
  activation,
})

/** Plays histories live, then as they ran, and wants the same episodes with their ids and times, wherever the replay begins. */
async function asRunIsWhatRan(rule: fc.Arbitrary<RuleDocument>, { unitMs, every, drift }: Pace): Promise<void> {
  let compared = 0
  let snapshots = 0
  const rules = fc.array(rule, { minLength: 2, maxLength: 4 })
  const edits = fc.array(rule, { minLength: 4, maxLength: 4 })
  await fc.assert(
    fc.asyncProperty(rules, edits, season, async (drawn, newVersions, readings) => {
      const originals = drawn.map(named)
      const hub = await world(originals)
      const { clock, log, control } = hub
      const activations = new Map(originals.map(({ key }) => [key, `act_${key}_1`]))
      await log.append([
        control({ type: 'hub.upgraded', evaluatorVersion: EVALUATOR_VERSION, timeZoneData: 'test' }),
        control({ type: 'product.version', version: 1, product: aProduct({ reporting: { mode: 'periodic', every } }) }),
        ...DEVICES.map((deviceId) => control({ type: 'device.added', device: aDevice({ deviceId }) })),
        ...originals.map((rule) => control(activated(rule, 1, activations.get(rule.key)!))),
      ])
      const underway: { atMs: number; entry: LogEntry }[] = []
      let version = 1
      let lastMs = clock.nowMs()
      for (const [i, { step, device, values, fate: what, lateBy, happening: beside }] of readings.entries()) {
        clock.advance(step * unitMs + 137)
        const deviceId = DEVICES[device]!
        const measuredAtMs = what === 'ancient' ? clock.nowMs() - 2 * DAY : clock.nowMs()
        const entry: LogEntry = {
          kind: 'readings',
          brandId: hub.brandId,
          deviceId,
          measuredAtMs,
          serverTime: false,
          values: { ...values, filter_dp_pa: values.filter_dp_pa + i * drift },
          delivery: null,
          imported: false,
        }
        const now = underway.filter(({ atMs }) => atMs <= clock.nowMs()).map(({ entry: arrived }) => arrived)
        underway.splice(0, underway.length, ...underway.filter(({ atMs }) => atMs > clock.nowMs()))
        if (what === 'late') underway.push({ atMs: clock.nowMs() + lateBy * unitMs, entry })
        else if (what !== 'lost') now.push(entry)
        if (what === 'twice') now.push(entry)
        const rule = originals[i % originals.length]!
        if (beside === 'edit')
          now.push(control(activated({ ...newVersions[i % 4]!, key: rule.key }, ++version, activations.get(rule.key)!)))
        if (beside === 'pause') {
          activations.set(rule.key, `act_${rule.key}_${++version}`)
          now.push(
            control({ type: 'rule.paused', ruleKey: rule.key }),
            control(activated(rule, version, activations.get(rule.key)!)),
          )
        }
        if (beside === 'reset')
          now.push(
            control({
              type: 'component.reset',
              deviceId,
              component: 'fan',
              atMs: clock.nowMs(),
              source: 'technician',
              caseId: null,
            }),
          )
        if (beside === 'moved')
          now.push(control({ type: 'device.moved', device: aDevice({ deviceId, homeId: `home_${i}` }) }))
        if (beside === 'silence')
          now.push(
            control({
              type: 'silence.started',
              silenceId: `sil_${i}`,
              scope: { deviceId },
              kind: 'silence',
              untilMs: clock.nowMs() + 600_000,
            }),
          )
        if (beside === 'parameter')
          now.push(control({ type: 'parameter.set', scope: 'brand', scopeId: '', key: 'limit', value: i }))
        if (beside === 'presence')
          now.push(control({ type: 'presence', deviceId, epoch: i, state: 'disconnected', graceful: false }))
        if (beside === 'firmware') now.push(control({ type: 'attributes', deviceId, values: { firmware: `1.${i}` } }))
        // A hub that was away was away since its last record: nobody appended meanwhile.
        if (beside === 'resumed') now.unshift(control({ type: 'hub.resumed', downSinceMs: lastMs }))
        if (now.length > 0) {
          await log.append(now)
          lastMs = clock.nowMs()
        }
        if (beside === 'restart') {
          await hub.settled()
          await hub.restart()
        }
        // New versions take over while the log goes on.
        if (i % 25 === 0) await hub.settled()
      }
      clock.advance(60_000)
      await log.append([{ kind: 'tick' }])
      await hub.settled()
      await hub.recorded()
      const lengthMs = clock.nowMs() - START_MS
      const kept = await hub.db.asHub((tx) => tx.selectFrom('state_snapshots').select('seq').execute())
      snapshots = Math.max(snapshots, kept.length)
      for (const fromMs of [START_MS, Date.UTC(2026, 0, 2, 1), START_MS + (lengthMs * 3) / 4])
        for (const { key } of originals) {
          const { identical } = await hub.backtests.run({
            brandId: hub.brandId,
            rule: { key },
            fromMs: Math.floor(fromMs),
            toMs: clock.nowMs() + DAY,
            asRun: true,
          })
          expect(identical).toMatchObject({ missing: [], unexpected: [], different: [] })
          compared += identical!.compared
        }
    }),
    { numRuns: RUNS, endOnFailure: true, ...(SEED === undefined ? {} : { seed: SEED }) },
  )
  // The property is about something: episodes there were, and replays that began in the middle.
  expect(compared).toBeGreaterThan(20)
  expect(snapshots).toBeGreaterThan(1)
}

test(
  'as run is what ran: every episode comes out again with its id and times, wherever the replay begins',
  () => asRunIsWhatRan(fc.oneof(arbitrary.rule, arbitrary.leveledRule), MINUTES),
  PATIENCE_MS,
)

test(
  'as run is what ran, for what asks a model and for silence, over weeks',
  () => asRunIsWhatRan(arbitrary.modelRule, HOURS),
  PATIENCE_MS,
)
