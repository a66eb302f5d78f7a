import type { DuckDBConnection, DuckDBDataChunk, DuckDBResult, DuckDBVector } from '@duckdb/node-api'
import { type ColumnBatch, type ColumnQuery, FLAG_IMPORTED, type MetricColumn } from '../columns.ts'
import type { DuckFile } from './duck-file.ts'
import { quoted, rows } from './duck-file.ts'
import { metricValue } from './duck-queries.ts'

/** Rows handed over together: large enough that a hand-over costs nothing, small enough to be held twice. */
const ROWS_PER_BATCH = 32_768
/** Rows sorted at a time, while those before are played: a few columns of numbers each, twice, stay in memory. */
const ROWS_PER_SORT = 1_000_000
/** Where rows lie as they came, every sort goes over all of them: fewer, larger ones. */
const ROWS_PER_SORT_UNSORTED = 2_500_000
/** seq, arrived, measured, flags, rank. */
const FIXED_COLUMNS = 5

/** What was read of some devices, sorted; not yet fetched. */
interface Sorted {
  deviceIds: readonly string[]
  result: DuckDBResult
  words: readonly boolean[]
}

/**
 * Device after device in order of id, each in order of arrival, as columns of numbers. The work of picking values
 * and sorting is DuckDB's, on its threads, and goes on for the next devices while these are played; no row becomes
 * an object on the way.
 *
 * @param connections two, so that one sorts while the other is read
 */
export async function* scanColumns(
  connections: readonly [DuckDBConnection, DuckDBConnection],
  files: readonly DuckFile[],
  query: ColumnQuery,
): AsyncIterable<ColumnBatch> {
  const deviceIds = [...query.deviceIds].sort()
  if (files.length === 0 || deviceIds.length === 0) return
  const perSort = await devicesPerSort(connections[0], files, deviceIds.length)
  let begun = 0
  const begin = (): Promise<Sorted> | null => {
    const from = begun * perSort
    if (from >= deviceIds.length) return null
    const sorted = sortChosen(connections[begun++ % 2]!, files, query, deviceIds.slice(from, from + perSort))
    // Whoever stops listening meanwhile does not hear that it failed.
    sorted.catch(() => undefined)
    return sorted
  }
  let next = begin()
  try {
    while (next) {
      const sorted: Sorted = await next
      next = begin()
      yield* batchesOf(sorted, query.metrics.length)
    }
  } finally {
    if (next) connections[(begun - 1) % 2]!.interrupt()
    await next?.catch(() => undefined)
  }
}

async function sortChosen(
  connection: DuckDBConnection,
  files: readonly DuckFile[],
  { brandId, metrics, fromMs, toMs }: ColumnQuery,
  deviceIds: readonly string[],
): Promise<Sorted> {
  await connection.run('CREATE OR REPLACE TEMP TABLE scan (device_id VARCHAR, rank INTEGER)')
  const appender = await connection.createAppender('scan', 'main', 'temp')
  for (const [rank, deviceId] of deviceIds.entries()) {
    appender.appendVarchar(deviceId)
    appender.appendInteger(rank)
    appender.endRow()
  }
  appender.closeSync()
  const words = metrics.map((metric) => files.some((file) => metricValue(file, metric, ['text']) !== null))
  const sources = files.map((file) => {
    const values = metrics.map((metric, m) => {
      const number = metricValue(file, metric, ['number', 'boolean'])
      if (!words[m]) return `coalesce(${number ?? 'NULL'}, 'NaN'::DOUBLE)::DOUBLE AS v${m}`
      return `coalesce(${metricValue(file, metric, ['text']) ?? 'NULL'}, ${number ?? 'NULL'}::VARCHAR) AS v${m}`
    })
    const arrived = `CASE WHEN (r.flags & ${FLAG_IMPORTED}) <> 0 THEN r.measured_at_ms ELSE r.received_at_ms END`
    return `SELECT r.seq::DOUBLE AS seq, ${arrived}::DOUBLE AS arrived, r.measured_at_ms::DOUBLE AS measured,
                   r.flags::INTEGER AS flags, s.rank AS rank${values.map((value) => `, ${value}`).join('')}
              FROM ${file.alias}.readings r
              JOIN (SELECT no, rank FROM ${file.alias}.devices JOIN temp.scan USING (device_id)
                     WHERE brand_id = '${quoted(brandId)}') s ON s.no = r.device
             WHERE ${arrived} >= ${fromMs} AND ${arrived} < ${toMs}`
  })
  const result = await connection.run(`${sources.join(' UNION ALL ')} ORDER BY rank, arrived, seq`)
  return { deviceIds, result, words }
}

async function* batchesOf({ deviceIds, result, words }: Sorted, metrics: number): AsyncIterable<ColumnBatch> {
  let batch = new Filling(metrics, words)
  for (let chunk = await result.fetchChunk(); chunk && chunk.rowCount > 0; chunk = await result.fetchChunk()) {
    batch.add(chunk)
    if (batch.rowCount < ROWS_PER_BATCH) continue
    yield batch.done(deviceIds)
    batch = new Filling(metrics, words)
  }
  if (batch.rowCount > 0) yield batch.done(deviceIds)
}

async function devicesPerSort(
  connection: DuckDBConnection,
  files: readonly DuckFile[],
  devices: number,
): Promise<number> {
  const counts = files
    .map(({ alias }) => `SELECT sum(row_count)::DOUBLE AS n FROM ${alias}.batches`)
    .join(' UNION ALL ')
  const [total] = await rows(connection, `SELECT sum(n) FROM (${counts})`)
  const rowsPerSort = files.every(({ sorted }) => sorted) ? ROWS_PER_SORT : ROWS_PER_SORT_UNSORTED
  const sorts = Math.ceil(((total?.[0] as number | null) ?? 0) / rowsPerSort)
  return Math.max(1, Math.ceil(devices / Math.max(1, sorts)))
}

/** The most a chunk of DuckDB holds: a batch is handed over once it has its rows, and may have so many more. */
const CHUNK_ROWS = 2_048

/** A batch while chunks are gathered in it. */
class Filling {
  rowCount = 0
  readonly #columns: Float64Array[]
  readonly #words: (string | null)[][]
  readonly #isWords: readonly boolean[]

  constructor(metrics: number, isWords: readonly boolean[]) {
    this.#columns = Array.from(
      { length: FIXED_COLUMNS + metrics },
      (_, i) => new Float64Array(isWords[i - FIXED_COLUMNS] ? 0 : ROWS_PER_BATCH + CHUNK_ROWS),
    )
    this.#words = Array.from({ length: metrics }, () => [])
    this.#isWords = isWords
  }

  add(chunk: DuckDBDataChunk): void {
    const { rowCount } = chunk
    for (let column = 0; column < this.#columns.length; column++) {
      const vector = chunk.getColumnVector(column)
      const m = column - FIXED_COLUMNS
      if (m >= 0 && this.#isWords[m])
        for (let i = 0; i < rowCount; i++) this.#words[m]!.push(vector.getItem(i) as string | null)
      else this.#columns[column]!.set(numbersOf(vector, rowCount), this.rowCount)
    }
    this.rowCount += rowCount
  }

  done(deviceIds: readonly string[]): ColumnBatch {
    const [seq, arrivedAtMs, measuredAtMs, flags, ranks, ...values] = this.#columns.map((column) =>
      column.subarray(0, this.rowCount),
    )
    const runs: ColumnBatch['runs'] = []
    for (let i = 0; i < this.rowCount; i++)
      if (i === 0 || ranks![i] !== ranks![i - 1]) {
        if (runs.length > 0) runs.at(-1)!.to = i
        runs.push({ deviceId: deviceIds[ranks![i]!]!, from: i, to: this.rowCount })
      }
    return {
      runs,
      seq: seq!,
      arrivedAtMs: arrivedAtMs!,
      measuredAtMs: measuredAtMs!,
      flags: new Uint8Array(flags!),
      values: values.map((column, m): MetricColumn => (this.#isWords[m] ? this.#words[m]! : column)),
    }
  }
}

/** The numbers of a column without nulls, in memory that DuckDB uses again. */
function numbersOf(vector: DuckDBVector, rowCount: number): Float64Array | Int32Array {
  return (vector as unknown as { items: Float64Array | Int32Array }).items.subarray(0, rowCount)
}
