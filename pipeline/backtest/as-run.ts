import type { ControlRecord, LogRecord } from '#contracts'
import { HubError } from '#platform'
import { createEvaluator, EVALUATOR_VERSION } from '#rules'
import {
  type Database,
  type HistoryRow,
  type HistoryStore,
  readControlRecords,
  readSnapshot,
  type SnapshotEntry,
  type StateSnapshot,
  snapshotBefore,
} from '#store'
import type { BacktestProgress } from './backtest-result.ts'
import { EpisodeNotes, type NotedEpisode } from './episode-notes.ts'
import { deviceIdOf, groupBy } from './fleet.ts'

export interface AsRunRequest {
  brandId: string
  /** All rules of the brand are played, because they were; episodes of this one are told. */
  ruleKey: string
  fromMs: number
  toMs: number
}

export interface AsRunParts {
  db: Database
  history: Pick<HistoryStore, 'scanFleet'>
  /** The log whose positions history and snapshots speak of. */
  logId: string
  /** How long readings are kept: a hub younger than this can be played from its first record. */
  keepMs: number
  nowMs: number
}

export interface AsRunOutcome {
  devices: number
  samples: number
  /** Where the state came from; `null`: from the first record of the log. */
  snapshot: StateSnapshot | null
}

/** Devices whose state, controls and readings are in memory together. */
const DEVICES_PER_PAGE = 500
const FIRST_OF_LOG: Pick<StateSnapshot, 'seq' | 'atMs'> = { seq: 0, atMs: 0 }

/**
 * Plays what happened once more: from the last daily state before `from`, with the readings, control
 * records and implied ticks in the order of the log. The episodes that come out are those that were.
 *
 * @throws {HubError} `REPLAY_UNAVAILABLE` when the span lies before what is kept, or another evaluator decided in it
 */
export async function runAsRun(
  parts: AsRunParts,
  request: AsRunRequest,
  onDevice: (deviceId: string, episodes: NotedEpisode[]) => void,
  options: { signal?: AbortSignal; onProgress?: (progress: BacktestProgress) => void } = {},
): Promise<AsRunOutcome> {
  const { db, history } = parts
  const { brandId, ruleKey, fromMs, toMs } = request
  const snapshot = await startOf(parts, request)
  const start = snapshot ?? FIRST_OF_LOG
  const brandWide = await db.asHub((tx) =>
    readControlRecords(tx, { brandId, deviceIds: null, afterSeq: start.seq, beforeMs: toMs }),
  )
  refuseOtherEvaluator(snapshot, brandWide)
  const registry = await entriesOf(db, snapshot, { fromKey: '1:', toKey: '2:' }, (key) => {
    const [, kind, rest] = key.split(':')
    return kind === 'hub' || rest?.startsWith(`${brandId}/`) === true
  })
  const ids = await deviceIdsOf(db, snapshot, request, start.seq)
  const done: AsRunOutcome = { devices: ids.length, samples: 0, snapshot }
  const progress: BacktestProgress = { devicesDone: 0, devices: ids.length, samples: 0, alerts: 0 }
  for (let at = 0; at < ids.length; at += DEVICES_PER_PAGE) {
    options.signal?.throwIfAborted()
    const page = ids.slice(at, at + DEVICES_PER_PAGE)
    const [facts, states] = await Promise.all(
      (['2:facts', '3:device'] as const).map((kind) =>
        entriesOf(db, snapshot, spanOf(kind, brandId, page[0]!, page.at(-1)!), () => true).then(byDevice),
      ),
    )
    const controls = groupBy(
      await db.asHub((tx) => readControlRecords(tx, { brandId, deviceIds: page, afterSeq: start.seq, beforeMs: toMs })),
      ({ change }) => deviceIdOf(change),
    )
    const play = (deviceId: string, rows: readonly HistoryRow[]): void => {
      const entries = [
        ...registry,
        ...[facts!.get(deviceId), states!.get(deviceId)].filter((entry) => entry !== undefined),
      ]
      const records = merged([...brandWide, ...(controls.get(deviceId) ?? [])], rows)
      const episodes = replayed(entries, records, toMs).filter(
        (episode) => episode.ruleKey === ruleKey && episode.openedAtMs >= fromMs && episode.openedAtMs < toMs,
      )
      done.samples += rows.reduce((sum, { values }) => sum + Object.keys(values).length, 0)
      progress.devicesDone++
      progress.samples = done.samples
      progress.alerts += episodes.length
      onDevice(deviceId, episodes)
    }
    const wanted = new Set(page)
    let rows: HistoryRow[] = []
    const flush = (): void => {
      if (rows.length === 0) return
      wanted.delete(rows[0]!.deviceId)
      play(rows[0]!.deviceId, rows)
      rows = []
    }
    for await (const batch of history.scanFleet({ brandId, deviceIds: page, fromMs: start.atMs, toMs })) {
      options.signal?.throwIfAborted()
      for (const row of batch) {
        if (row.imported || row.seq <= start.seq) continue
        if (rows.length > 0 && rows[0]!.deviceId !== row.deviceId) flush()
        rows.push(row)
      }
      options.onProgress?.({ ...progress })
    }
    flush()
    for (const deviceId of wanted) play(deviceId, [])
    options.onProgress?.({ ...progress })
  }
  return done
}

async function startOf(parts: AsRunParts, { fromMs }: AsRunRequest): Promise<StateSnapshot | null> {
  const { db, logId, keepMs, nowMs } = parts
  const snapshot = await db.asHub((tx) => snapshotBefore(tx, fromMs))
  if (snapshot && snapshot.logId !== logId)
    throw new HubError('REPLAY_UNAVAILABLE', 'The state kept before that time belongs to another log.')
  if (snapshot && snapshot.atMs >= nowMs - keepMs) return snapshot
  const first = await db.asHub((tx) =>
    tx
      .selectFrom('control_records')
      .select((eb) => eb.fn.min('received_at_ms').as('at'))
      .executeTakeFirst(),
  )
  if (!snapshot && first?.at != null && first.at >= nowMs - keepMs) return null
  const days = Math.floor(keepMs / 86_400_000)
  throw new HubError(
    'REPLAY_UNAVAILABLE',
    `What happened then cannot be played again: readings are kept for ${days} days. Without --as-run a version of the rule is played over what there is.`,
  )
}

function refuseOtherEvaluator(snapshot: StateSnapshot | null, records: readonly ControlRecord[]): void {
  const versions = new Set(
    records.flatMap(({ change }) => (change.type === 'hub.upgraded' ? [change.evaluatorVersion] : [])),
  )
  if (snapshot) versions.add(snapshot.evaluatorVersion)
  versions.delete(EVALUATOR_VERSION)
  if (versions.size === 0) return
  throw new HubError(
    'REPLAY_UNAVAILABLE',
    `Version ${[...versions].join(', ')} of the evaluator decided in that time; this hub has version ${EVALUATOR_VERSION}. Begin after the upgrade.`,
  )
}

/** Devices there were at the start, and those that came. */
async function deviceIdsOf(
  db: Database,
  snapshot: StateSnapshot | null,
  { brandId, toMs }: AsRunRequest,
  afterSeq: number,
): Promise<string[]> {
  const prefix = `2:facts:${brandId}/`
  const known = await entriesOf(db, snapshot, { fromKey: prefix, toKey: `2:facts:${brandId}0` }, () => true)
  const added = await db.asHub((tx) =>
    tx
      .selectFrom('control_records')
      .select('device_id')
      .distinct()
      .where('brand_id', '=', brandId)
      .where('type', '=', 'device.added')
      .where('seq', '>', afterSeq)
      .where('received_at_ms', '<', toMs)
      .execute(),
  )
  return [
    ...new Set([...known.map(({ key }) => key.slice(prefix.length)), ...added.map((row) => row.device_id!)]),
  ].sort()
}

async function entriesOf(
  db: Database,
  snapshot: StateSnapshot | null,
  span: { fromKey: string; toKey: string },
  isWanted: (key: string) => boolean,
): Promise<SnapshotEntry[]> {
  if (!snapshot) return []
  const entries: SnapshotEntry[] = []
  for await (const page of readSnapshot((work) => db.asHub(work), snapshot, span))
    entries.push(...page.filter(({ key }) => isWanted(key)))
  return entries
}

function spanOf(kind: string, brandId: string, firstId: string, lastId: string) {
  return { fromKey: `${kind}:${brandId}/${firstId}`, toKey: `${kind}:${brandId}/${lastId}\u0000` }
}

function byDevice(entries: readonly SnapshotEntry[]): Map<string, SnapshotEntry> {
  return new Map(entries.map((entry) => [entry.key.slice(entry.key.indexOf('/') + 1), entry]))
}

/** Control records and readings of one device in the order of the log. */
function merged(controls: readonly ControlRecord[], rows: readonly HistoryRow[]): LogRecord[] {
  const readings = rows.map((row): LogRecord => ({ kind: 'readings', ...row, delivery: null }))
  return [...controls, ...readings].sort((a, b) => a.seq - b.seq)
}

function replayed(entries: readonly SnapshotEntry[], records: readonly LogRecord[], toMs: number): NotedEpisode[] {
  const evaluator = createEvaluator()
  evaluator.restore(entries)
  const notes = new EpisodeNotes()
  const last = records.at(-1)?.seq ?? evaluator.lastSeq()
  const end: LogRecord = { kind: 'tick', seq: last + 1, receivedAtMs: toMs - 1 }
  for (const record of [...records, end]) for (const effect of evaluator.apply(record)) notes.note(effect)
  return notes.all()
}
