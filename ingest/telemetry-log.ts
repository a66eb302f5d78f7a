import { Worker } from 'node:worker_threads'
import type { AppendReceipt, LogEntry, LogHealth, TelemetryLog } from '#contracts'
import { type Clock, type ErrorCode, HubError, type Logger } from '#platform'
import { BlockEncoder } from './block-encoder.ts'
import { belowReserve } from './disk-space.ts'
import { type IdleTicks, startIdleTicks } from './idle-ticks.ts'
import type { FromWriter, Refusal, ToWriter, WriterStart } from './log-protocol.ts'

/** Postgres and its deliveries keep this much room when devices have filled the disk. */
const DISK_RESERVE_BYTES = 512 * 1_048_576
/** With less than one block's room, no reserve at all is no room either. */
const DISK_BYTES_NEEDED = 1_048_576
/** Two seconds of 20,000 readings a second, written. Beyond it the disk does not keep up and sources must wait. */
const PENDING_BYTES_MAX = 4 * 1_048_576
/** Sources already have some messages in hand when they are asked to wait; beyond this an append is refused. */
const OVERRUN_FACTOR = 8
/** One commit: large enough to make the sync cheap, small enough to be read in one piece. */
const BLOCK_BYTES_MAX = 1_048_576
/** Matches the boundary that readers tick at. */
const IDLE_TICK_MS = 10_000

export interface TelemetryLogOptions {
  dir: string
  /** Hub time. */
  clock: Clock
  logger: Logger
  /** Below this much free disk, appends are refused with `DISK_FULL`. */
  diskReserveBytes?: number
  /** Beyond this `whenRoom` waits. */
  pendingBytesMax?: number
  /** Appends a tick after this much hub time without records; `null` leaves that to the caller. */
  idleTickMs?: number | null
  /**
   * The log can never be written again by this process: the hub must exit with this error.
   * Called once, after every append that waited has been rejected with it.
   */
  onFatal?(error: HubError): void
}

type Opened = Extract<FromWriter, { type: 'opened' }>

interface Waiting {
  /** Rank of its first entry in the block. */
  offset: number
  entries: number
  receivedAtMs: number
  resolve(receipt: AppendReceipt): void
  reject(error: Error): void
}

interface Batch {
  encoder: BlockEncoder
  waiting: Waiting[]
}

/**
 * Opens the log in `dir`, making it when there is none, and becomes its one owner. Throws
 * `DATA_DIR_LOCKED` when another process is, `STORAGE_CORRUPT` when the file is not a log.
 */
export async function openTelemetryLog(options: TelemetryLogOptions): Promise<TelemetryLog> {
  const start: WriterStart = {
    dir: options.dir,
    diskReserveBytes: options.diskReserveBytes ?? DISK_RESERVE_BYTES,
    pid: process.pid,
  }
  const worker = new Worker(new URL('./log-writer.ts', import.meta.url), { workerData: start, name: 'telemetry-log' })
  return new EmbeddedTelemetryLog(worker, await firstWord(worker), start, options)
}

/** What the thread says once it has, or cannot have, the files. */
async function firstWord(worker: Worker): Promise<Opened> {
  const { promise, resolve, reject } = Promise.withResolvers<Opened>()
  const ended = (): void => reject(new HubError('LOG_UNAVAILABLE', "The log's thread ended before it opened the log."))
  const heard = (message: FromWriter): void => {
    if (message.type === 'opened') resolve(message)
    else if (message.type === 'refused-to-open') reject(new HubError(message.code, message.detail))
    else reject(new Error(`telemetry-log: unexpected ${message.type}`))
  }
  worker.once('message', heard).once('error', reject).once('exit', ended)
  return await promise.finally(() => worker.off('message', heard).off('error', reject).off('exit', ended))
}

class EmbeddedTelemetryLog implements TelemetryLog {
  readonly logId: string
  readonly #worker: Worker
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #start: WriterStart
  readonly #pendingBytesMax: number
  readonly #onFatal: (error: HubError) => void
  readonly #ticks: IdleTicks | null
  #headSeq: number
  #lastMs: number
  #lastAppendAtMs: number
  #batch: Batch | null = null
  /** Full blocks in front of `#batch`. */
  #sealed: Batch[] = []
  #inFlight: Batch | null = null
  #flushDue = false
  #pendingBytes = 0
  #blockBytesLast = 0
  #forRoom: (() => void)[] = []
  #drops: { seq: number; resolve(): void; reject(error: Error): void }[] = []
  #refusal: HubError | null = null
  /** Why nothing can be appended any more: closed, or failed. */
  #ended: HubError | null = null
  /** No answer of the thread is expected any more. */
  #over = false
  #closing: PromiseWithResolvers<void> | null = null

  constructor(worker: Worker, opened: Opened, start: WriterStart, options: TelemetryLogOptions) {
    this.#worker = worker
    this.logId = opened.logId
    this.#headSeq = opened.headSeq
    this.#lastMs = opened.receivedAtMs
    this.#start = start
    this.#clock = options.clock
    this.#logger = options.logger
    this.#pendingBytesMax = options.pendingBytesMax ?? PENDING_BYTES_MAX
    this.#onFatal = options.onFatal ?? (() => {})
    this.#lastAppendAtMs = this.#clock.nowMs()
    worker.on('message', (message: FromWriter) => this.#hear(message))
    worker.on('error', (error) => this.#fail('LOG_UNAVAILABLE', `The log's thread stopped: ${error.message}`))
    worker.on('exit', () => this.#fail('LOG_UNAVAILABLE', "The log's thread ended unexpectedly."))
    const everyMs = options.idleTickMs === undefined ? IDLE_TICK_MS : options.idleTickMs
    this.#ticks =
      everyMs === null
        ? null
        : startIdleTicks({
            clock: this.#clock,
            everyMs,
            lastAppendAtMs: () => this.#lastAppendAtMs,
            append: () => this.append([{ kind: 'tick' }]),
          })
  }

  nowMs(): number {
    return Math.max(this.#lastMs, this.#clock.nowMs())
  }

  append(entries: readonly LogEntry[], receivedAtMs?: number): Promise<AppendReceipt> {
    if (this.#ended) return Promise.reject(this.#ended)
    if (entries.length === 0) return Promise.reject(new TypeError('telemetry-log: an append needs an entry'))
    if (this.#pendingBytes > this.#pendingBytesMax * OVERRUN_FACTOR) {
      const detail = `${this.#pendingBytes} bytes wait for the disk; the source must wait for room before it sends more.`
      return Promise.reject(new HubError('LOG_UNAVAILABLE', detail))
    }
    const atMs = Math.max(receivedAtMs ?? this.#clock.nowMs(), this.#lastMs)
    this.#lastMs = atMs
    this.#lastAppendAtMs = this.#clock.nowMs()
    const batch = (this.#batch ??= { encoder: new BlockEncoder(this.#blockBytesLast), waiting: [] })
    const { encoder } = batch
    const before = encoder.bytes
    const offset = encoder.entries
    try {
      for (const entry of entries) encoder.add(entry, atMs)
    } catch (thrown) {
      // Half an append may stand in the block now: the block is given up, so that no part of a unit is ever synced.
      this.#batch = null
      this.#pendingBytes -= before
      for (const { reject } of batch.waiting) {
        reject(new HubError('LOG_UNAVAILABLE', 'A neighbouring record could not be written; send again.'))
      }
      return Promise.reject(thrown)
    }
    this.#pendingBytes += encoder.bytes - before
    const receipt = new Promise<AppendReceipt>((resolve, reject) => {
      batch.waiting.push({ offset, entries: entries.length, receivedAtMs: atMs, resolve, reject })
    })
    if (encoder.bytes >= BLOCK_BYTES_MAX) {
      this.#sealed.push(batch)
      this.#batch = null
    }
    this.#scheduleFlush()
    return receipt
  }

  pendingBytes(): number {
    return this.#pendingBytes
  }

  hasRoom(): boolean {
    return this.#ended !== null || this.#pendingBytes < this.#pendingBytesMax
  }

  whenRoom(): Promise<void> {
    if (this.hasRoom()) return Promise.resolve()
    return new Promise((resolve) => this.#forRoom.push(resolve))
  }

  headSeq(): number {
    return this.#headSeq
  }

  dropThrough(seq: number): Promise<void> {
    if (this.#ended) return Promise.reject(this.#ended)
    return new Promise((resolve, reject) => {
      this.#drops.push({ seq, resolve, reject })
      if (this.#drops.length === 1) this.#say({ type: 'drop', seq })
    })
  }

  health(): LogHealth {
    if (this.#ended) {
      const code = this.#ended.code === 'STORAGE_SYNC_FAILED' ? 'STORAGE_SYNC_FAILED' : 'LOG_UNAVAILABLE'
      return { ok: false, code, detail: this.#ended.message }
    }
    // Asked of the disk, not of the last append: there may be none to notice that room came back.
    const reason = belowReserve(this.#start.dir, Math.max(this.#start.diskReserveBytes, DISK_BYTES_NEEDED))
    if (reason !== null) return { ok: false, code: 'DISK_FULL', detail: reason }
    if (this.#refusal === null || this.#refusal.code === 'DISK_FULL') return { ok: true }
    return { ok: false, code: 'LOG_UNAVAILABLE', detail: this.#refusal.message }
  }

  close(): Promise<void> {
    if (this.#closing) return this.#closing.promise
    this.#closing = Promise.withResolvers<void>()
    this.#ticks?.stop()
    if (this.#over) {
      // After a fault the files are left as they are; only the thread goes.
      void this.#worker.terminate().then(() => this.#closing!.resolve())
      return this.#closing.promise
    }
    this.#ended = new HubError('LOG_UNAVAILABLE', 'The telemetry log is closed.')
    this.#closeWhenIdle()
    return this.#closing.promise
  }

  #scheduleFlush(): void {
    if (this.#flushDue || this.#inFlight) return
    this.#flushDue = true
    // After everything that this turn of the loop reads from its sockets: one sync for all of it.
    setImmediate(() => {
      this.#flushDue = false
      this.#flush()
    })
  }

  #flush(): void {
    if (this.#inFlight) return
    let batch = this.#sealed.shift()
    if (batch === undefined) {
      if (this.#batch === null) return
      batch = this.#batch
      this.#batch = null
    }
    const bytes = batch.encoder.finish()
    this.#blockBytesLast = bytes.length
    this.#inFlight = batch
    this.#worker.postMessage(
      {
        type: 'append',
        firstSeq: this.#headSeq + 1,
        lastSeq: this.#headSeq + batch.encoder.entries,
        receivedAtMs: batch.waiting.at(-1)!.receivedAtMs,
        bytes,
      } satisfies ToWriter,
      [bytes.buffer],
    )
  }

  #hear(message: FromWriter): void {
    if (message.type === 'appended') this.#appended()
    else if (message.type === 'refused') this.#refused(new HubError(message.code, message.detail))
    else if (message.type === 'dropped') this.#dropped(message.refusal)
    else if (message.type === 'fatal') this.#fail(message.code, message.detail)
    else if (message.type === 'closed') {
      this.#over = true
      this.#closing?.resolve()
    }
  }

  #dropped(refusal: Refusal | null): void {
    const done = this.#drops.shift()
    if (refusal) done?.reject(new HubError(refusal.code, refusal.detail))
    else done?.resolve()
    const next = this.#drops[0]
    if (next) this.#say({ type: 'drop', seq: next.seq })
  }

  #appended(): void {
    const { encoder, waiting } = this.#inFlight!
    const firstSeq = this.#headSeq + 1
    this.#headSeq += encoder.entries
    if (this.#refusal) this.#logger.info('the telemetry log takes records again')
    this.#refusal = null
    this.#settle(encoder)
    for (const { offset, entries, receivedAtMs, resolve } of waiting) {
      resolve({ firstSeq: firstSeq + offset, lastSeq: firstSeq + offset + entries - 1, receivedAtMs })
    }
  }

  /** The entries are not on disk and their positions are free again: whoever sent them still has them. */
  #refused(error: HubError): void {
    const { encoder, waiting } = this.#inFlight!
    if (!this.#refusal) this.#logger.error({ code: error.code }, error.message)
    this.#refusal = error
    this.#settle(encoder)
    for (const { reject } of waiting) reject(error)
  }

  #settle(encoder: BlockEncoder): void {
    this.#inFlight = null
    this.#pendingBytes -= encoder.bytes
    if (this.#pendingBytes < this.#pendingBytesMax) this.#releaseForRoom()
    if (this.#closing) this.#closeWhenIdle()
    else if (this.#batch || this.#sealed.length > 0) this.#scheduleFlush()
  }

  #closeWhenIdle(): void {
    if (this.#inFlight) return
    if (this.#batch || this.#sealed.length > 0) {
      this.#flush()
      return
    }
    for (const { reject } of this.#drops.splice(0)) reject(this.#ended!)
    this.#releaseForRoom()
    this.#say({ type: 'close' })
  }

  #fail(code: ErrorCode, detail: string): void {
    if (this.#over) return
    this.#over = true
    const error = new HubError(code, detail)
    this.#ended = error
    this.#ticks?.stop()
    const batches = [this.#inFlight, ...this.#sealed, this.#batch]
    this.#inFlight = this.#batch = null
    this.#sealed = []
    this.#pendingBytes = 0
    for (const batch of batches) {
      for (const { reject } of batch?.waiting ?? []) reject(error)
    }
    for (const { reject } of this.#drops.splice(0)) reject(error)
    this.#releaseForRoom()
    this.#closing?.reject(error)
    this.#onFatal(error)
  }

  #releaseForRoom(): void {
    for (const resolve of this.#forRoom.splice(0)) resolve()
  }

  #say(message: ToWriter): void {
    this.#worker.postMessage(message)
  }
}
