import type { RuleDocument } from '#contracts'
import { HubError, type Logger, realClock } from '#platform'
import type { Database, HistoryStore, Tx } from '#store'
import type { PastOutcome } from './against-outcomes.ts'
import { runAsRun } from './as-run.ts'
import type { BacktestProgress, BacktestResult } from './backtest-result.ts'
import { type BacktestDiff, diffEpisodes } from './diff.ts'
import { type ExpectedVolume, type ExpectedVolumeRequest, estimateVolume } from './expected-volume.ts'
import { knownSpan, readPage } from './fleet.ts'
import type { ServicePolicy } from './service-estimate.ts'
import { type Acceptance, Summary } from './summary.ts'
import { runWhatIf, type WhatIfRequest } from './what-if.ts'

export interface BacktestRequest {
  brandId: string
  /** A rule that is stored, or a draft. */
  rule: { key: string; version?: number } | RuleDocument
  productKey?: string
  fromMs: number
  toMs: number
  asRun?: boolean
  parameters?: 'then' | 'today'
  deviceIds?: readonly string[]
}

export interface DiffRequest extends Omit<BacktestRequest, 'rule' | 'asRun'> {
  ruleKey: string
  versions: readonly [number, number]
}

export interface DiffResult extends BacktestDiff {
  before: BacktestResult
  after: BacktestResult
}

export interface BacktestOptions {
  signal?: AbortSignal
  onProgress?: (progress: BacktestProgress) => void
}

/** Rules played over stored history. Reads only; may be stopped at any time. */
export interface Backtests {
  run(request: BacktestRequest, options?: BacktestOptions): Promise<BacktestResult>
  diff(request: DiffRequest, options?: BacktestOptions): Promise<DiffResult>
  /** What a rule would probably cause from now on, from the last month of part of the fleet. */
  expect(request: ExpectedVolumeRequest, options?: BacktestOptions): Promise<ExpectedVolume | null>
}

export interface BacktestParts {
  db: Database
  history: Pick<HistoryStore, 'scanColumns' | 'scanFleet'>
  logger: Logger
  policy: ServicePolicy
  keepMs: number
  /** Waits until everything in the log is recorded and decided; says of which log, and the received time of its last record. */
  upToDate(): Promise<{ logId: string; nowMs: number }>
}

/** Below this a rate says more about chance than about people. */
const ANSWERED_MIN = 20
/** With nothing known of a brand's homes: about half say yes. */
const DEFAULT_ACCEPTANCE: Acceptance = { rate: 0.5, from: 'default', answered: 0 }

/**
 * Backtests over one history: what-if, as run, a diff, expected volume. As run refuses with `REPLAY_UNAVAILABLE` what is
 * not kept any more, or was decided by another evaluator.
 */
export function createBacktests(parts: BacktestParts): Backtests {
  const { db, history, policy, keepMs, upToDate } = parts

  const summaryOf = async (request: BacktestRequest, rule: RuleDocument, toMs: number): Promise<Summary> =>
    db.asBrand(request.brandId, async (tx) => {
      const known = await knownSpan(tx, request.brandId)
      const acceptance = await acceptanceOf(tx, request.brandId)
      return new Summary({ rule, fromMs: request.fromMs, toMs, known, policy, acceptance })
    })

  const whatIf = async (request: BacktestRequest, options: BacktestOptions): Promise<BacktestResult> => {
    const { brandId, fromMs, productKey, deviceIds } = request
    const { rule, version } = await ruleOf(db, request)
    const { nowMs } = await upToDate()
    const toMs = Math.min(request.toMs, nowMs)
    const startedAtMs = realClock.nowMs()
    const summary = await summaryOf(request, rule, toMs)
    const wanted: WhatIfRequest = {
      brandId,
      rule,
      fromMs,
      toMs,
      parameters: request.parameters ?? 'then',
      ...(productKey === undefined ? {} : { productKey }),
      ...(deviceIds === undefined ? {} : { deviceIds }),
    }
    const run = await runWhatIf(
      { db, history },
      wanted,
      ({ device, episodes, outcomes }) => summary.add({ homeId: device.facts.homeId, episodes, outcomes }),
      options,
    )
    const nothing = run.samples === 0 ? ['There are no readings of this rule’s metrics in that time.'] : []
    const notes = [...nothing, ...run.notes]
    return summary.result({
      mode: 'what-if',
      version,
      warmUpFromMs: run.warmUpFromMs,
      samples: run.samples,
      seconds: (realClock.nowMs() - startedAtMs) / 1_000,
      notes,
    })
  }

  const asRun = async (request: BacktestRequest, options: BacktestOptions): Promise<BacktestResult> => {
    const { brandId, fromMs } = request
    if (!('key' in request.rule) || 'when' in request.rule)
      throw new HubError('VALIDATION_FAILED', 'A draft never ran; only a stored rule can be played as it ran.', {
        pointer: '/asRun',
      })
    const ruleKey = request.rule.key
    const { rule } = await ruleOf(db, request)
    const { nowMs, logId } = await upToDate()
    const toMs = Math.min(request.toMs, nowMs)
    const startedAtMs = realClock.nowMs()
    const summary = await summaryOf(request, rule, toMs)
    const facts = await devicesKnown(db, brandId)
    const found = new Map<string, string>()
    const run = await runAsRun(
      { db, history, logId, keepMs, nowMs },
      { brandId, ruleKey, fromMs, toMs },
      (deviceId, episodes) => {
        for (const episode of episodes) found.set(episode.id, fingerprint({ ...episode, toMs }))
        const device = facts.get(deviceId)
        if (device || episodes.length > 0)
          summary.add({ homeId: device?.homeId ?? null, episodes, outcomes: device?.outcomes ?? [] })
      },
      options,
    )
    const result = summary.result({
      mode: 'as-run',
      version: null,
      warmUpFromMs: null,
      samples: run.samples,
      seconds: (realClock.nowMs() - startedAtMs) / 1_000,
      notes: [],
    })
    return { ...result, identical: await compared(db, { brandId, ruleKey, fromMs, toMs }, found) }
  }

  const run: Backtests['run'] = async (request, options = {}) => {
    if (request.fromMs >= request.toMs)
      throw new HubError('VALIDATION_FAILED', 'from has to lie before to.', { pointer: '/from' })
    return request.asRun ? asRun(request, options) : whatIf(request, options)
  }

  return {
    run,
    async diff({ ruleKey, versions, ...request }, options = {}) {
      const before = await run({ ...request, rule: { key: ruleKey, version: versions[0] } }, options)
      const after = await run({ ...request, rule: { key: ruleKey, version: versions[1] } }, options)
      return { before, after, ...diffEpisodes(before.episodes, after.episodes) }
    },
    // A month is not told otherwise by its last second: nothing is waited for.
    expect: (request, { signal } = {}) => estimateVolume({ db, history, policy }, request, signal),
  }
}

/** The rule to be played: as given, or a stored version of it. */
async function ruleOf(
  db: Database,
  { brandId, rule }: BacktestRequest,
): Promise<{ rule: RuleDocument; version: number | null }> {
  if ('when' in rule) return { rule, version: null }
  const row = await db.asBrand(brandId, (tx) =>
    tx
      .selectFrom('rules as r')
      .innerJoin('rule_versions as v', (join) =>
        join.onRef('v.brand_id', '=', 'r.brand_id').onRef('v.rule_key', '=', 'r.rule_key'),
      )
      .select(['v.document', 'v.version'])
      .where('r.brand_id', '=', brandId)
      .where('r.rule_key', '=', rule.key)
      .$if(rule.version === undefined, (query) => query.whereRef('v.version', '=', 'r.current_version'))
      .$if(rule.version !== undefined, (query) => query.where('v.version', '=', rule.version!))
      .executeTakeFirst(),
  )
  if (!row)
    throw new HubError(
      'NOT_FOUND',
      rule.version === undefined ? `There is no rule “${rule.key}”.` : `“${rule.key}” has no version ${rule.version}.`,
    )
  return { rule: row.document as RuleDocument, version: row.version }
}

/** How many of a brand's homes say yes. */
async function acceptanceOf(tx: Tx, brandId: string): Promise<Acceptance> {
  const rows = await tx
    .selectFrom('offers')
    .select((eb) => ['state', eb.fn.countAll<number>().as('count')])
    .where('brand_id', '=', brandId)
    .where('state', 'in', ['accepted', 'closed', 'self_service', 'declined', 'expired'])
    .groupBy('state')
    .execute()
  const answered = rows.reduce((sum, { count }) => sum + Number(count), 0)
  if (answered < ANSWERED_MIN) return { ...DEFAULT_ACCEPTANCE, answered }
  const accepted = rows
    .filter(({ state }) => state === 'accepted' || state === 'closed')
    .reduce((sum, { count }) => sum + Number(count), 0)
  return { rate: Math.round((accepted / answered) * 1_000) / 1_000, from: 'brand', answered }
}

/** Homes and outcomes of the brand's devices, by device. */
async function devicesKnown(db: Database, brandId: string) {
  const known = new Map<string, { homeId: string | null; outcomes: readonly PastOutcome[] }>()
  const products = await db.asBrand(brandId, (tx) =>
    tx.selectFrom('products').select('product_key').where('brand_id', '=', brandId).execute(),
  )
  const productKeys = products.map((row) => row.product_key)
  const limit = 5_000
  for (let afterId: string | null = null; productKeys.length > 0; ) {
    const page = await readPage(db, { brandId, productKeys, afterId, limit, types: [], toMs: 0 })
    for (const { facts } of page.devices)
      known.set(facts.deviceId, { homeId: facts.homeId, outcomes: page.outcomes.get(facts.deviceId) ?? [] })
    if (page.devices.length < limit) break
    afterId = page.devices.at(-1)!.facts.deviceId
  }
  return known
}

interface Timed {
  startedAtMs: number
  openedAtMs: number
  resolvedAtMs: number | null
  reason: string | null
  toMs: number
}

/** What two tellings of an episode must agree in; what happened after the span is not known to both. */
function fingerprint({ startedAtMs, openedAtMs, resolvedAtMs, reason, toMs }: Timed): string {
  const ended = resolvedAtMs !== null && resolvedAtMs < toMs
  return `${startedAtMs} ${openedAtMs} ${ended ? `${resolvedAtMs} ${reason}` : 'open'}`
}

/** Whether the episodes that came out are those that were written down when they happened. */
async function compared(
  db: Database,
  { brandId, ruleKey, fromMs, toMs }: { brandId: string; ruleKey: string; fromMs: number; toMs: number },
  found: ReadonlyMap<string, string>,
): Promise<NonNullable<BacktestResult['identical']>> {
  const rows = await db.asBrand(brandId, (tx) =>
    tx
      .selectFrom('alerts')
      .select(['episode_id', 'started_at_ms', 'opened_at_ms', 'resolved_at_ms', 'reason'])
      .where('brand_id', '=', brandId)
      .where('rule_key', '=', ruleKey)
      .where('opened_at_ms', '>=', fromMs)
      .where('opened_at_ms', '<', toMs)
      .execute(),
  )
  const happened = new Map(
    rows.map((row) => [
      row.episode_id,
      fingerprint({
        startedAtMs: row.started_at_ms,
        openedAtMs: row.opened_at_ms,
        resolvedAtMs: row.resolved_at_ms,
        reason: row.reason,
        toMs,
      }),
    ]),
  )
  return {
    compared: happened.size,
    missing: [...happened.keys()].filter((id) => !found.has(id)),
    unexpected: [...found.keys()].filter((id) => !happened.has(id)),
    different: [...happened].filter(([id, text]) => found.has(id) && found.get(id) !== text).map(([id]) => id),
  }
}
