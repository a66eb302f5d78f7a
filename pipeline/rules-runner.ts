import type { AlertEffect, InstanceView, LogReader } from '#contracts'
import { type Clock, isHubError, type Logger, realClock, toError } from '#platform'
import { EVALUATOR_VERSION, type Evaluator, type ViewFilter } from '#rules'
import {
  type Database,
  lastSnapshotAt,
  loadState,
  readPosition,
  type StateEntry,
  saveState,
  snapshotDue,
  type Tx,
  writePosition,
  writeSnapshot,
} from '#store'
import { untilDone } from './back-off.ts'
import { writeEpisodes } from './episode-rows.ts'
import { Position } from './position.ts'
import { SilenceWatch } from './silence-watch.ts'
import { type ClaimedPosition, claimPosition } from './stored-position.ts'
import { WarmRules } from './warm-rules.ts'

export interface RulesRunner {
  /** Restores the state and begins to follow the log. */
  start(): Promise<void>
  /** Resolves when everything up to `seq` is decided and its effects are committed. */
  caughtUp(seq: number): Promise<void>
  position(): RulesPosition
  /** How conditions stand at this moment, pending and recovering ones too; nothing of it is kept. */
  views(filter: ViewFilter): InstanceView[]
  /** Ends after the batch at hand and keeps the state, so that the next start replays nothing. */
  stop(): Promise<void>
}

export interface RulesPosition {
  appliedSeq: number
  /** Up to here the state is kept: the log may forget the rest. */
  stateSeq: number
  /** Attempts to write that failed since the last success: above 0 nothing that is decided gets out. */
  failures: number
}

export interface RulesRunnerOptions {
  reader: LogReader
  db: Database
  evaluator: Evaluator
  /** Hub time, for notes in rows. */
  clock: Clock
  logger: Logger
  /** What follows from effects, in the transaction that commits them. */
  onEffects?: (tx: Tx, effects: readonly AlertEffect[]) => Promise<void>
  /** After the commit: for live listeners and whoever has something due now. */
  onCommitted?: (effects: readonly AlertEffect[]) => void
  /** The runner cannot go on: another process took charge, or a stored record cannot be read. */
  onFatal?: (error: Error) => void
  /** A control change was committed here: the appender may look. */
  nudgeControl?: () => void
  batchRecords?: number
  checkpointEveryMs?: number
}

export const RULES_CONSUMER = 'rules'

/** Long enough to share a commit, short enough that an alert waits a few milliseconds at most. */
const BATCH_RECORDS = 500
/** After a crash at most this much is replayed, as long as writing the state is quick … */
const CHECKPOINT_EVERY_MS = 5_000
/** … and otherwise so much more that writing takes a tenth of the time, up to a limit. */
const CHECKPOINT_REST_FACTOR = 9
const CHECKPOINT_EVERY_MS_MAX = 120_000

/**
 * Follows the log with the evaluator. Two positions make it exact and cheap: effects commit at once,
 * in log order, with what others make of them; the state follows every few seconds. A start restores
 * the state and replays; up to the effects' position it changes state and tells nobody.
 */
export function createRulesRunner(options: RulesRunnerOptions): RulesRunner {
  const { reader, db, evaluator, clock, logger, onEffects, onCommitted, onFatal, nudgeControl } = options
  const stopping = new AbortController()
  const applied = new Position()
  let stored: ClaimedPosition = { stateSeq: 0, effectsSeq: 0, token: 0 }
  /** Entries taken from the evaluator and not yet known to be kept. */
  const unsaved = new Map<string, string | null>()
  let saving: Promise<void> | null = null
  let nextSaveAtMs = 0
  let running: Promise<void> | null = null
  /** The evaluator is beyond `applied`: a batch broke off. Its state must not be kept. */
  let torn = false
  /** Received time of the record `applied` stands at, and of the newest daily snapshot of the state. */
  let appliedAtMs = 0
  let snapshotAtMs: number | null = null
  const warmRules = new WarmRules(db)
  const silenceWatch = new SilenceWatch(db)
  const batchRecords = options.batchRecords ?? BATCH_RECORDS

  /** Each kind of write has a count of its own: state that is kept says nothing of effects that are not. */
  const failures = new Map<string, number>()
  const untilCommitted = async <T>(what: string, attempt: () => Promise<T>): Promise<T | null> => {
    const result = await untilDone(attempt, {
      what,
      logger,
      signal: stopping.signal,
      isFatal: (error) => isHubError(error, 'FENCED'),
      onFailure: () => failures.set(what, (failures.get(what) ?? 0) + 1),
    })
    if (result !== null) failures.delete(what)
    return result
  }

  const place = () => ({
    consumer: RULES_CONSUMER,
    logId: reader.logId,
    fencingToken: stored.token,
    nowMs: clock.nowMs(),
  })

  const commit = async (effects: readonly AlertEffect[], seq: number): Promise<boolean> => {
    const done = await untilCommitted('committing alerts', () =>
      db.asHub(async (tx) => {
        // The answer of an attempt may have been lost after it committed: then everything is there.
        const at = await readPosition(tx, { consumer: RULES_CONSUMER })
        if (at && at.effectsSeq >= seq) return true
        await writePosition(tx, { ...place(), effectsSeq: seq })
        await writeEpisodes(tx, effects)
        await onEffects?.(tx, effects)
        return true
      }),
    )
    if (done === null) return false
    stored.effectsSeq = Math.max(stored.effectsSeq, seq)
    onCommitted?.(effects)
    return true
  }

  /** Takes the state as it is after `seq` and writes it while the log goes on being read. */
  const keepState = (seq: number): Promise<void> => {
    for (const { key, value } of evaluator.takeDirty()) unsaved.set(key, value)
    const entries: StateEntry[] = Array.from(unsaved, ([key, value]) => ({ key, value }))
    const startedAtMs = realClock.nowMs()
    const atMs = appliedAtMs
    const daily = atMs > 0 && snapshotDue(snapshotAtMs, atMs)
    saving = untilCommitted('keeping the state of rules', () =>
      db.asHub(async (tx) => {
        await saveState(tx, entries)
        // What an as-run backtest starts from.
        if (daily)
          await writeSnapshot(tx, {
            partition: 0,
            seq,
            logId: reader.logId,
            atMs,
            evaluatorVersion: EVALUATOR_VERSION,
          })
        // Last, because effects want the same row: they must not wait for all the state.
        await writePosition(tx, { ...place(), stateSeq: seq, effectsSeq: seq })
        return true
      }),
    )
      .then((done) => {
        if (done === null) return
        stored.stateSeq = seq
        if (daily) snapshotAtMs = atMs
        // What changed again meanwhile will be taken again; only what is unchanged is settled.
        for (const { key, value } of entries) if (unsaved.get(key) === value) unsaved.delete(key)
        const tookMs = realClock.nowMs() - startedAtMs
        const everyMs = options.checkpointEveryMs ?? CHECKPOINT_EVERY_MS
        const restMs = Math.min(Math.max(everyMs, tookMs * CHECKPOINT_REST_FACTOR), CHECKPOINT_EVERY_MS_MAX)
        nextSaveAtMs = realClock.nowMs() + restMs
      })
      .finally(() => {
        saving = null
      })
    return saving
  }

  const follow = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      const records = reader.read(applied.seq, { records: batchRecords })
      const last = records.at(-1)
      if (!last) {
        await reader.waitForMore(applied.seq, stopping.signal)
        continue
      }
      torn = true
      const effects: AlertEffect[] = []
      for (const record of records)
        for (const effect of evaluator.apply(record)) if (effect.seq > stored.effectsSeq) effects.push(effect)
      if (effects.length > 0 && !(await commit(effects, last.seq))) return
      torn = false
      // Before the position moves: who waits for it may rely on the switch being in the outbox.
      if (await submitWarmed(last.receivedAtMs)) nudgeControl?.()
      // While catching up, what is seen is over or in the log already.
      if (records.length < batchRecords && (await submitSilence(last.receivedAtMs))) nudgeControl?.()
      applied.advance(last.seq)
      appliedAtMs = last.receivedAtMs
      if (!saving && realClock.nowMs() >= nextSaveAtMs) keepState(applied.seq).catch(fail)
      await new Promise<void>((resolve) => setImmediate(resolve))
    }
  }

  const submitSilence = async (atMs: number): Promise<boolean> =>
    (await untilCommitted('telling of an outage', () => silenceWatch.submit(evaluator, atMs))) ?? false

  const submitWarmed = async (atMs: number): Promise<boolean> =>
    (await untilCommitted('letting new versions of rules take over', () => warmRules.submitReady(evaluator, atMs))) ??
    false

  const fail = (thrown: unknown): void => {
    const error = toError(thrown)
    stopping.abort()
    applied.end(error)
    onFatal?.(error)
  }

  return {
    async start() {
      stored = await claimPosition(db, { consumer: RULES_CONSUMER, reader, nowMs: clock.nowMs() })
      await db.asHub(async (tx) => {
        await loadState(tx, (entries) => evaluator.restore(entries))
        snapshotAtMs = await lastSnapshotAt(tx)
      })
      applied.advance(stored.stateSeq)
      nextSaveAtMs = realClock.nowMs() + (options.checkpointEveryMs ?? CHECKPOINT_EVERY_MS)
      running = follow().catch(fail)
    },
    caughtUp: (seq) => applied.reached(seq),
    position: () => ({
      appliedSeq: applied.seq,
      stateSeq: stored.stateSeq,
      failures: Math.max(0, ...failures.values()),
    }),
    views: (filter) => evaluator.views(filter),
    async stop() {
      stopping.abort()
      await running
      await saving?.catch(() => undefined)
      applied.end()
      // One attempt: with Postgres away the next start replays instead.
      if (!torn && applied.seq > stored.stateSeq) await keepState(applied.seq).catch(fail)
    },
  }
}
