import { mkdir, readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api'
import { HubError, type Logger, realClock, toError } from '#platform'
import { checkBuckets } from '../buckets.ts'
import type { HealthPoint, HistoryPosition, HistoryRow, HistoryStore, StoredPosition } from '../history.ts'
import { decodeCursor } from '../row-cursor.ts'
import { scanColumns } from './duck-columns.ts'
import { createFile, type DuckFile, detachFile, openFile, quoted, removeFile, rows } from './duck-file.ts'
import { closeHealth, forgetHealth, HEALTH_FILE, openHealth, readHealth, writeHealth } from './duck-health.ts'
import { downsample, last, lastMessages, range } from './duck-queries.ts'
import { rewriteFile } from './duck-rewrite.ts'
import type { Owner } from './duck-rows.ts'
import { scanFleet } from './duck-scan.ts'
import { appendRows } from './duck-writer.ts'
import { fileName, parseFileName, periodStart } from './period.ts'
import { openTombstones, type Tombstones } from './tombstones.ts'

export interface DuckHistoryOptions {
  /** A folder of the history's own. */
  dir: string
  logger: Logger
  /** What DuckDB may use for buffers; sorting beyond it goes to disk. */
  memoryMiB?: number
  threads?: number
  /** How long raw readings are kept after their arrival. */
  keepMs?: number
}

const MEMORY_MIB = 512
const THREADS = 2
export const KEEP_RAW_MS = 90 * 86_400_000
/** What the readings of homes lie in is its owner's alone. */
const FOLDER_MODE = 0o700
/** Write-ahead file at which it is folded into the main file: what may have to be recorded again if it becomes unreadable. */
const WAL_BYTES_MAX = 64 * 1_048_576

/**
 * The embedded history: DuckDB files of a week each, append-only. All calls may come at once;
 * writes queue up behind each other, reads do not wait for them.
 */
export async function openDuckHistory(options: DuckHistoryOptions): Promise<HistoryStore> {
  await mkdir(options.dir, { recursive: true, mode: FOLDER_MODE })
  const tombstones = await openTombstones(options.dir)
  const store = new DuckHistory(options, tombstones)
  await store.open()
  return store
}

class DuckHistory implements HistoryStore {
  readonly #options: DuckHistoryOptions
  readonly #tombstones: Tombstones
  #instance!: DuckDBInstance
  #writer!: DuckDBConnection
  /** Oldest first. */
  #files: DuckFile[] = []
  #safeSeq = 0
  #aliases = 0
  #queue: Promise<unknown> = Promise.resolve()
  #broken = false
  #closed = false

  constructor(options: DuckHistoryOptions, tombstones: Tombstones) {
    this.#options = options
    this.#tombstones = tombstones
  }

  async open(): Promise<void> {
    const { dir, logger, memoryMiB = MEMORY_MIB, threads = THREADS } = this.#options
    this.#instance = await DuckDBInstance.create(':memory:', {
      memory_limit: `${memoryMiB}MiB`,
      threads: String(threads),
      temp_directory: join(dir, 'spill'),
      // Beyond our own threshold, which knows up to where the main file is safe.
      wal_autocheckpoint: '1TiB',
      autoload_known_extensions: 'false',
      autoinstall_known_extensions: 'false',
    })
    this.#writer = await this.#instance.connect()
    this.#files = []
    for (const { startMs, generation } of await presentFiles(dir)) {
      const path = join(dir, fileName(startMs, generation))
      this.#files.push(await openFile(this.#writer, { path, alias: this.#alias(), startMs, generation }, logger))
    }
    await openHealth(this.#writer, join(dir, HEALTH_FILE), logger)
    this.#safeSeq = this.#position()?.seq ?? 0
    this.#broken = false
  }

  write(batch: readonly HistoryRow[], position: HistoryPosition): Promise<void> {
    return this.#exclusive(async () => {
      const stored = this.#position()
      if (stored && stored.logId !== position.logId) {
        throw new HubError(
          'LOG_MISMATCH',
          `The history was recorded from log ${stored.logId}, not from ${position.logId}.`,
        )
      }
      // A caller that could not see how its last attempt ended sends the same again.
      const storedSeq = stored?.seq ?? 0
      if (position.seq <= storedSeq) return
      const alive = batch.filter((row) => row.seq > storedSeq && !this.#tombstones.has(row.deviceId))
      // One transaction cannot span two files: each week's part moves the position as far as it goes.
      for (let from = 0; from < alive.length; ) {
        const startMs = periodStart(alive[from]!.receivedAtMs)
        let to = from + 1
        while (to < alive.length && periodStart(alive[to]!.receivedAtMs) === startMs) to++
        const part = from === 0 && to === alive.length ? alive : alive.slice(from, to)
        const seq = to === alive.length ? position.seq : alive[to - 1]!.seq
        const file = await this.#fileOf(startMs)
        await appendRows(this.#writer, file, part, { logId: position.logId, seq })
        await this.#checkpointWhenLong(file)
        from = to
      }
      if (alive.length === 0) await this.#moveOnly(position)
    })
  }

  position(): Promise<StoredPosition | null> {
    return this.#exclusive(async () => {
      const position = this.#position()
      return position && { ...position, safeSeq: this.#safeSeq }
    })
  }

  async range(query: Parameters<HistoryStore['range']>[0]): ReturnType<HistoryStore['range']> {
    if (query.cursor !== undefined) decodeCursor(query.cursor)
    const files = this.#filesOf(query.fromMs, query.toMs)
    return this.#ofDevice(query.deviceId, files, { rows: [], nextCursor: null }, (connection, owner, has) =>
      range(connection, has, owner, query),
    )
  }

  async downsample(query: Parameters<HistoryStore['downsample']>[0]): ReturnType<HistoryStore['downsample']> {
    checkBuckets(query)
    const files = this.#filesOf(query.fromMs, query.toMs)
    return this.#ofDevice(query.deviceId, files, [], (connection, owner, has) =>
      downsample(connection, has, owner, query),
    )
  }

  last(deviceId: string, metrics?: readonly string[]): ReturnType<HistoryStore['last']> {
    const wanted = metrics ? new Set(metrics) : null
    return this.#ofDevice(deviceId, this.#files, {}, (connection, owner, has) => last(connection, has, owner, wanted))
  }

  lastMessages(deviceId: string, count: number): Promise<HistoryRow[]> {
    return this.#ofDevice(deviceId, this.#files, [], (connection, owner, has) =>
      lastMessages(connection, has, owner, count),
    )
  }

  async *scanFleet(query: Parameters<HistoryStore['scanFleet']>[0]): AsyncIterable<HistoryRow[]> {
    await this.#healthy()
    const files = this.#files.filter((file) => file.endMs > query.fromMs && file.startMs < query.toMs)
    const reading = await this.#startReading(files)
    try {
      yield* scanFleet(reading.connection, files, query, (deviceId) => this.#tombstones.has(deviceId))
    } catch (error) {
      throw this.#unavailable(error)
    } finally {
      await reading.end()
    }
  }

  async *scanColumns(query: Parameters<HistoryStore['scanColumns']>[0]): ReturnType<HistoryStore['scanColumns']> {
    await this.#healthy()
    // Arrivals of the span, and imports of readings measured in it.
    const files = this.#files.filter(
      (file) =>
        (file.endMs > query.fromMs && file.startMs < query.toMs) ||
        (file.measuredToMs >= query.fromMs && file.measuredFromMs < query.toMs),
    )
    const one = await this.#startReading(files)
    const other = await this.#startReading(files).catch(async (error: unknown) => {
      await one.end()
      throw error
    })
    try {
      const deviceIds = query.deviceIds.filter((deviceId) => !this.#tombstones.has(deviceId))
      yield* scanColumns([one.connection, other.connection], files, { ...query, deviceIds })
    } catch (error) {
      throw this.#unavailable(error)
    } finally {
      await one.end()
      await other.end()
    }
  }

  async writeHealth(points: readonly HealthPoint[]): Promise<void> {
    const alive = points.filter(({ deviceId }) => !this.#tombstones.has(deviceId))
    if (alive.length > 0) await this.#exclusive(() => writeHealth(this.#writer, alive))
  }

  async health(query: Parameters<HistoryStore['health']>[0]): Promise<HealthPoint[]> {
    if (this.#tombstones.has(query.deviceId)) return []
    return this.#exclusive(() => readHealth(this.#writer, query))
  }

  async deleteDevice(deviceId: string): Promise<void> {
    await this.#exclusive(() => this.#tombstones.add(deviceId))
  }

  async tidy(nowMs: number): Promise<void> {
    const { keepMs = KEEP_RAW_MS, logger } = this.#options
    await this.#exclusive(() => this.#dropBefore(nowMs - keepMs, nowMs))
    await this.#exclusive(() => forgetHealth(this.#writer, this.#tombstones.ids()))
    for (const file of [...this.#files]) {
      const over = file.endMs <= nowMs && file !== this.#files.at(-1)
      const without = await this.#deletedIn(file)
      if (without.length === 0 && (file.sorted || !over)) continue
      logger.info({ file: file.path, devices: without.length }, 'rewriting a file of the history')
      const copyOver = async (connection: DuckDBConnection): Promise<void> => {
        const rewritten = await rewriteFile(connection, file, { without, sorted: over, alias: this.#alias() }, logger)
        this.#files = this.#files.map((other) => (other === file ? rewritten : other))
        await this.#retire(file)
      }
      await this.#exclusive(() => copyOver(this.#writer))
    }
  }

  async close(): Promise<void> {
    if (this.#closed) return
    await this.#queue.catch(() => undefined)
    this.#closed = true
    if (!this.#broken) for (const file of this.#files) await this.#writer.run(`CHECKPOINT ${file.alias}`)
    for (const file of this.#files) await detachFile(this.#writer, file).catch(() => undefined)
    await closeHealth(this.#writer).catch(() => undefined)
    this.#writer.closeSync()
    this.#instance.closeSync()
    await rm(join(this.#options.dir, 'spill'), { recursive: true, force: true })
  }

  #position(): HistoryPosition | null {
    const positions = this.#files.flatMap(({ position }) => (position ? [position] : []))
    return positions.reduce<HistoryPosition | null>((best, p) => (best && best.seq >= p.seq ? best : p), null)
  }

  async #fileOf(startMs: number): Promise<DuckFile> {
    const there = this.#files.find((file) => file.startMs === startMs)
    if (there) return there
    const place = { path: join(this.#options.dir, fileName(startMs, 1)), alias: this.#alias(), startMs, generation: 1 }
    const made = await createFile(this.#writer, place)
    this.#files = [...this.#files, made].sort((a, b) => a.startMs - b.startMs)
    return made
  }

  /** Records without readings move the position too. */
  async #moveOnly(position: HistoryPosition): Promise<void> {
    const file = this.#files.at(-1) ?? (await this.#fileOf(periodStart(realClock.nowMs())))
    await appendRows(this.#writer, file, [], position)
    await this.#checkpointWhenLong(file)
  }

  async #checkpointWhenLong(file: DuckFile): Promise<void> {
    const { size } = await stat(`${file.path}.wal`).catch(() => ({ size: 0 }))
    if (size < WAL_BYTES_MAX) return
    await this.#checkpointAll()
  }

  async #checkpointAll(): Promise<void> {
    for (const file of this.#files) await this.#writer.run(`CHECKPOINT ${file.alias}`)
    this.#safeSeq = this.#position()?.seq ?? 0
  }

  /** Files whose readings may have been measured in a span of time. Imports bring old readings into new files. */
  #filesOf(fromMs: number, toMs: number): DuckFile[] {
    return this.#files.filter((file) => file.measuredToMs >= fromMs && file.measuredFromMs < toMs)
  }

  /** Runs a query on one device's rows in the files that know it. */
  async #ofDevice<T>(
    deviceId: string,
    files: readonly DuckFile[],
    nothing: T,
    query: (connection: DuckDBConnection, owner: Owner, files: readonly DuckFile[]) => Promise<T>,
  ): Promise<T> {
    await this.#healthy()
    if (files.length === 0 || this.#tombstones.has(deviceId)) return nothing
    const { connection, end } = await this.#startReading(files)
    try {
      const known = files.map(
        (file, i) => `SELECT ${i}, brand_id FROM ${file.alias}.devices WHERE device_id = '${quoted(deviceId)}'`,
      )
      const found = (await rows(connection, known.join(' UNION ALL '))) as [number, string][]
      if (found.length === 0) return nothing
      const has = new Set(found.map(([index]) => index))
      const owner = { deviceId, brandId: found[0]![1] }
      return await query(
        connection,
        owner,
        files.filter((_, index) => has.has(index)),
      )
    } catch (error) {
      throw this.#unavailable(error)
    } finally {
      await end()
    }
  }

  async #startReading(files: readonly DuckFile[]): Promise<{ connection: DuckDBConnection; end: () => Promise<void> }> {
    for (const file of files) file.readers++
    const connection = await this.#instance.connect().catch((error: unknown) => {
      for (const file of files) file.readers--
      throw this.#unavailable(error)
    })
    return {
      connection,
      end: async () => {
        connection.closeSync()
        for (const file of files) file.readers--
        const done = files.filter((file) => file.retired && file.readers === 0)
        if (done.length > 0) await this.#exclusive(() => Promise.all(done.map((file) => this.#retire(file))))
      },
    }
  }

  /** Takes a file out of use and off the disk, now or when the last query on it ends. */
  async #retire(file: DuckFile): Promise<void> {
    file.retired = true
    if (file.readers > 0) return
    await detachFile(this.#writer, file)
    await removeFile(file.path)
  }

  /** Drops whole weeks. The newest file stays until there is a newer one, because it holds the position. */
  async #dropBefore(beforeMs: number, nowMs: number): Promise<void> {
    const past = this.#files.filter((file) => file.endMs <= beforeMs)
    if (past.length === 0) return
    const position = this.#position()
    if (past.length === this.#files.length && position) {
      await appendRows(this.#writer, await this.#fileOf(periodStart(nowMs)), [], position)
      await this.#checkpointAll()
    }
    this.#files = this.#files.filter((file) => !past.includes(file))
    for (const file of past) await this.#retire(file)
  }

  async #deletedIn(file: DuckFile): Promise<string[]> {
    const ids = this.#tombstones.ids()
    if (ids.length === 0) return []
    const list = ids.map((id) => `'${quoted(id)}'`).join(', ')
    const sql = `SELECT device_id FROM ${file.alias}.devices WHERE device_id IN (${list})`
    return (await this.#exclusive(() => rows(this.#writer, sql))).map(([deviceId]) => deviceId as string)
  }

  /** One at a time, on the one connection that writes. After a fatal error everything is opened anew first. */
  #exclusive<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#queue.then(async () => {
      await this.#reopenWhenBroken()
      try {
        return await work()
      } catch (error) {
        throw this.#unavailable(error)
      }
    })
    this.#queue = result.catch(() => undefined)
    return result
  }

  async #healthy(): Promise<void> {
    if (this.#closed || this.#broken) await this.#exclusive(async () => undefined)
  }

  async #reopenWhenBroken(): Promise<void> {
    if (this.#closed) throw new HubError('HISTORY_UNAVAILABLE', 'The telemetry history is closed.')
    if (!this.#broken) return
    this.#writer.closeSync()
    this.#instance.closeSync()
    await this.open().catch((error: unknown) => {
      throw this.#unavailable(error)
    })
  }

  /** A failed write or sync leaves DuckDB unusable until it is opened again. */
  #unavailable(error: unknown): Error {
    if (error instanceof HubError) return error
    const { message } = toError(error)
    if (/FATAL|IO Error|invalidated|INTERNAL/.test(message)) this.#broken = true
    return new HubError('HISTORY_UNAVAILABLE', `The telemetry history failed: ${message}`, { cause: error })
  }

  #alias(): string {
    return `f${++this.#aliases}`
  }
}

/** The newest generation of every week, oldest week first. Older ones and unfinished copies are what a crash left. */
async function presentFiles(dir: string): Promise<{ startMs: number; generation: number }[]> {
  const newest = new Map<number, number>()
  const names = await readdir(dir)
  for (const name of names) {
    const { startMs, generation } = parseFileName(name) ?? {}
    if (startMs === undefined) continue
    newest.set(startMs, Math.max(generation!, newest.get(startMs) ?? 0))
  }
  for (const name of names) {
    const parsed = parseFileName(name)
    const isOld = parsed && parsed.generation < newest.get(parsed.startMs)!
    if (isOld || /\.unfinished(\.wal)?$/.test(name)) await removeFile(join(dir, name))
  }
  return [...newest].map(([startMs, generation]) => ({ startMs, generation })).sort((a, b) => a.startMs - b.startMs)
}
