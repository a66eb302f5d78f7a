import type { ControlRecord, LogReader, LogRecord, QuarantinedRecord, ReadingsRecord } from '#contracts'
import { assertPosition } from '#ingest'
import { isHubError, type Logger, realClock, realSleep, toError } from '#platform'
import { type Database, type HistoryStore, writeControlRecords } from '#store'
import { untilDone } from './back-off.ts'
import { LastSeen, mirrorDevices } from './device-mirror.ts'
import { Position } from './position.ts'
import { writeQuarantine } from './quarantine-rows.ts'
import { RepetitionFilter } from './repetition-filter.ts'

export interface Recorder {
  /** Checks that log and history belong together, then begins to record. */
  start(): Promise<void>
  /** Resolves when everything up to `seq` is in the history. */
  caughtUp(seq: number): Promise<void>
  status(): RecorderStatus
  /** Ends after the batch at hand; with the store away, at once. */
  stop(): Promise<void>
}

export interface RecorderStatus {
  writtenSeq: number
  /** Up to here the log may be forgotten: the store has it beyond its own write-ahead file. */
  safeSeq: number
  rows: number
  duplicates: number
  quarantined: number
  /** Attempts that failed since the last success: above 0 a store is away. */
  failures: number
}

export interface RecorderOptions {
  reader: LogReader
  history: HistoryStore
  /** For what is kept beside readings: quarantined payloads, and what devices say of themselves. */
  db: Database
  logger: Logger
  /** Log and history do not belong together any more, or a record cannot be read. */
  onFatal?: (error: Error) => void
  batchRecords?: number
  /** Least time from one write to the next; 0 where somebody waits for each step. */
  restMs?: number
}

/** One write of history: large enough that a column store likes it, a second of a busy hub. */
const BATCH_RECORDS = 20_000
/** Read in slices, so that decoding a batch does not hold the thread. */
const SLICE_RECORDS = 2_000
/** Half a second late is early enough for a history, and makes rows share the cost of a commit. */
const REST_MS = 500
/** Read again at start, to know which deliveries came before: more than any client repeats. */
const WARM_UP_RECORDS = 20_000

/** Ticks and control records alone are not worth a commit of the store; so many of them are read again at most. */
const UNSTORED_RECORDS_MAX = 1_000

interface Batch {
  afterSeq: number
  lastSeq: number
  rows: ReadingsRecord[]
  quarantined: QuarantinedRecord[]
  changes: ControlRecord[]
}

/** The store came back with less than it had said: what follows has to be recorded again. */
class FellBack extends Error {}

/**
 * Log → telemetry history. Its position lies with the rows, and repeated rows change nothing,
 * so it may be stopped anywhere. While the store is away it waits and tries on; the log keeps
 * everything meanwhile, and rules do not wait for it.
 */
export function createRecorder(options: RecorderOptions): Recorder {
  const { reader, history, db, logger, onFatal, batchRecords = BATCH_RECORDS, restMs = REST_MS } = options
  const stopping = new AbortController()
  const position = new Position()
  const lastSeen = new LastSeen()
  const counts = { rows: 0, duplicates: 0, quarantined: 0, failures: 0 }
  let filter = new RepetitionFilter()
  let safeSeq = 0
  /** What the store says it has; behind `position` by records that held no reading. */
  let storedSeq = 0
  let running: Promise<void> | null = null

  /** Where the store stands, checked against the log; afterwards the filter knows what came before. */
  const takePlace = async (): Promise<number> => {
    const stored = await history.position()
    safeSeq = stored?.safeSeq ?? 0
    storedSeq = stored?.seq ?? 0
    filter = new RepetitionFilter()
    if (!stored) return beginning()
    assertPosition(reader, stored, 'the telemetry history')
    const fromSeq = Math.max(reader.firstSeq() - 1, stored.seq - WARM_UP_RECORDS, 0)
    for (let at = fromSeq; at < stored.seq; ) {
      const records = reader.read(at, { records: Math.min(SLICE_RECORDS, stored.seq - at) })
      for (const record of records) if (record.kind === 'readings') filter.isNew(record)
      at = records.at(-1)?.seq ?? stored.seq
      await turn()
    }
    return stored.seq
  }

  /** An empty store has applied nothing, so nothing it has can be torn: it begins where the log does. */
  const beginning = (): number => {
    const firstSeq = reader.firstSeq()
    if (firstSeq > 1 && reader.headSeq() > 0)
      logger.warn({ firstSeq }, 'the telemetry history is empty and begins with the oldest record of the log')
    return Math.max(firstSeq - 1, 0)
  }

  const collect = async (afterSeq: number): Promise<Batch | null> => {
    const batch: Batch = { afterSeq, lastSeq: afterSeq, rows: [], quarantined: [], changes: [] }
    for (let room = batchRecords; room > 0; ) {
      const records = reader.read(batch.lastSeq, { records: Math.min(SLICE_RECORDS, room) })
      for (const record of records) sort(record, batch)
      if (records.length === 0) break
      room -= records.length
      batch.lastSeq = records.at(-1)!.seq
      await turn()
    }
    return batch.lastSeq > afterSeq ? batch : null
  }

  const sort = (record: LogRecord, batch: Batch): void => {
    if (record.kind === 'quarantined') batch.quarantined.push(record)
    else if (record.kind === 'control') batch.changes.push(record)
    else if (record.kind === 'readings') {
      lastSeen.note(record)
      if (filter.isNew(record)) batch.rows.push(record)
      else counts.duplicates++
    }
  }

  const persist = (what: string, attempt: () => Promise<void>): Promise<true | null> =>
    untilDone(
      async () => {
        await attempt()
        return true as const
      },
      {
        what,
        logger,
        signal: stopping.signal,
        isFatal: (error) => error instanceof FellBack,
        onFailure: () => void counts.failures++,
      },
    )

  /** Rows of Postgres first: they are idempotent by position, so that history's own position covers both. */
  const keep = async (batch: Batch): Promise<boolean> => {
    const { quarantined, changes } = batch
    const seen = lastSeen.due()
    if (quarantined.length > 0 || changes.length > 0 || seen.length > 0) {
      const kept = await persist('writing what devices said beside readings', () =>
        db.asHub(async (tx) => {
          await writeQuarantine(tx, reader.logId, quarantined)
          await writeControlRecords(tx, changes)
          await mirrorDevices(tx, changes, seen, logger)
        }),
      )
      if (!kept) return false
    }
    const removed = changes.flatMap(({ change }) => (change.type === 'device.removed' ? [change.deviceId] : []))
    const written = await persist('writing telemetry history', async () => {
      // Before the position moves past them; what the same batch still brings of a removed device is not recorded.
      for (const deviceId of removed) await history.deleteDevice(deviceId)
      if (batch.rows.length > 0 || batch.lastSeq - storedSeq >= UNSTORED_RECORDS_MAX) await writeHistory(batch)
    })
    if (!written) return false
    counts.failures = 0
    counts.rows += batch.rows.length
    counts.quarantined += quarantined.length
    position.advance(batch.lastSeq)
    return true
  }

  /** One attempt. After a failure the store is asked how far it came: a lost answer is not a lost write. */
  const writeHistory = async (batch: Batch): Promise<void> => {
    try {
      await history.write(batch.rows, { logId: reader.logId, seq: batch.lastSeq })
    } catch (error) {
      const seq = (await history.position())?.seq ?? 0
      if (seq < storedSeq) throw new FellBack(`from ${storedSeq} to ${seq}`, { cause: error })
      if (seq < batch.lastSeq) throw error
    }
    storedSeq = batch.lastSeq
  }

  const follow = async (startSeq: number): Promise<void> => {
    let at = startSeq
    while (!stopping.signal.aborted) {
      const startedAtMs = realClock.nowMs()
      try {
        const batch = await collect(at)
        if (!batch) {
          await reader.waitForMore(at, stopping.signal)
          continue
        }
        if (!(await keep(batch))) return
        at = batch.lastSeq
        safeSeq = (await history.position().catch(() => null))?.safeSeq ?? safeSeq
        if (batch.lastSeq - batch.afterSeq >= batchRecords) continue
      } catch (error) {
        if (!(error instanceof FellBack)) throw error
        logger.warn({ detail: error.message }, 'telemetry history fell back; recording again from there')
        at = (await askPlace()) ?? at
      }
      const leftMs = restMs - (realClock.nowMs() - startedAtMs)
      if (leftMs > 0) await realSleep(leftMs, stopping.signal)
    }
  }

  /** A store that is away at the start is waited for in the background. */
  const record = async (knownSeq: number | null): Promise<void> => {
    const startSeq = knownSeq ?? (await askPlace())
    if (startSeq === null) return
    position.advance(startSeq)
    await follow(startSeq)
  }

  const askPlace = (): Promise<number | null> =>
    untilDone(takePlace, {
      what: 'asking telemetry history for its position',
      logger,
      signal: stopping.signal,
      isFatal: (error) => !mayReturn(error),
      onFailure: () => void counts.failures++,
    })

  return {
    async start() {
      const startSeq = await takePlace().catch((error) => {
        if (mayReturn(error)) return null
        throw error
      })
      running = record(startSeq).catch((thrown) => {
        const error = toError(thrown)
        position.end(error)
        onFatal?.(error)
      })
    },
    caughtUp: (seq) => position.reached(seq),
    status: () => ({ writtenSeq: position.seq, safeSeq, ...counts }),
    async stop() {
      stopping.abort()
      await running
      position.end()
      const seen = lastSeen.rest()
      if (seen.length > 0)
        await db
          .asHub((tx) => mirrorDevices(tx, [], seen, logger))
          .catch((error) => logger.debug({ err: error }, 'last-seen times were not kept'))
    },
  }
}

function mayReturn(error: unknown): boolean {
  return !isHubError(error, 'LOG_MISMATCH') && !isHubError(error, 'LOG_GAP') && !isHubError(error, 'STORAGE_CORRUPT')
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
