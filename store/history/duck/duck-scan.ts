import type { DuckDBConnection } from '@duckdb/node-api'
import type { FleetQuery, HistoryRow } from '../history.ts'
import { createLogOrderRepetitionFilter } from '../repetitions.ts'
import { type DuckFile, quoted, rows } from './duck-file.ts'
import { decodeRows, NEXT_COLUMN, type Owner, rowColumns } from './duck-rows.ts'

/**
 * Rows sorted at a time. Sorting spills to disk beyond the memory limit; past this it pays to go
 * over the files again for the next devices.
 */
const ROWS_PER_SORT = 10_000_000
/** Chunks handed over together: a few thousand rows make the hand-over cheap beside the work on them. */
const CHUNKS_PER_BATCH = 4

/** Device after device in order of id, each in the order of the log. */
export async function* scanFleet(
  connection: DuckDBConnection,
  files: readonly DuckFile[],
  query: FleetQuery,
  isDeleted: (deviceId: string) => boolean,
): AsyncIterable<HistoryRow[]> {
  if (files.length === 0) return
  const owners = (await devicesOf(connection, files, query)).filter(({ deviceId }) => !isDeleted(deviceId))
  const perSort = await devicesPerSort(connection, files, owners.length)
  for (let from = 0; from < owners.length; from += perSort) {
    const chosen = owners.slice(from, from + perSort)
    await connection.run('CREATE OR REPLACE TEMP TABLE scan (device_id VARCHAR, rank INTEGER)')
    const appender = await connection.createAppender('scan', 'main', 'temp')
    for (const [rank, { deviceId }] of chosen.entries()) {
      appender.appendVarchar(deviceId)
      appender.appendInteger(rank)
      appender.endRow()
    }
    appender.closeSync()
    yield* scanChosen(connection, files, query, chosen)
  }
}

async function* scanChosen(
  connection: DuckDBConnection,
  files: readonly DuckFile[],
  query: FleetQuery,
  chosen: readonly Owner[],
): AsyncIterable<HistoryRow[]> {
  const source = (columns: (index: number) => string): string =>
    files
      .map(
        (file, index) => `SELECT ${columns(index)}, s.rank AS rank FROM ${file.alias}.readings r
           JOIN (SELECT no, rank FROM ${file.alias}.devices JOIN temp.scan USING (device_id)) s ON s.no = r.device
          WHERE r.received_at_ms >= ${query.fromMs} AND r.received_at_ms < ${query.toMs}`,
      )
      .join(' UNION ALL ')
  const compared = await devicesToCompare(
    connection,
    source(() => 'r.measured_at_ms AS t'),
  )
  const comparedIds = new Set([...compared].map((rank) => chosen[rank]!.deviceId))
  const isRepetition = createLogOrderRepetitionFilter()
  const result = await connection.stream(`${source(rowColumns)} ORDER BY rank, seq`)
  let batch: HistoryRow[] = []
  let chunks = 0
  for (let chunk = await result.fetchChunk(); chunk && chunk.rowCount > 0; chunk = await result.fetchChunk()) {
    const ranks = chunk.getColumnVector(NEXT_COLUMN)
    const decoded = decodeRows(chunk, files, (row) => chosen[ranks.getItem(row) as number]!)
    for (const row of decoded) if (!comparedIds.has(row.deviceId) || !isRepetition(row)) batch.push(row)
    if (++chunks % CHUNKS_PER_BATCH === 0) {
      yield batch
      batch = []
    }
  }
  if (batch.length > 0) yield batch
}

async function devicesOf(
  connection: DuckDBConnection,
  files: readonly DuckFile[],
  query: FleetQuery,
): Promise<Owner[]> {
  const conditions: string[] = []
  if (query.brandId !== undefined) conditions.push(`brand_id = '${quoted(query.brandId)}'`)
  if (query.deviceIds) {
    await connection.run('CREATE OR REPLACE TEMP TABLE chosen (device_id VARCHAR)')
    const appender = await connection.createAppender('chosen', 'main', 'temp')
    for (const deviceId of query.deviceIds) {
      appender.appendVarchar(deviceId)
      appender.endRow()
    }
    appender.closeSync()
    conditions.push('device_id IN (SELECT device_id FROM temp.chosen)')
  }
  const where = conditions.length > 0 ? `WHERE ${conditions.join(' AND ')}` : ''
  const all = files.map((file) => `SELECT device_id, brand_id FROM ${file.alias}.devices`).join(' UNION ')
  const found = await rows(connection, `SELECT device_id, brand_id FROM (${all}) ${where} ORDER BY device_id`)
  return (found as [string, string][]).map(([deviceId, brandId]) => ({ deviceId, brandId }))
}

async function devicesPerSort(
  connection: DuckDBConnection,
  files: readonly DuckFile[],
  devices: number,
): Promise<number> {
  const counts = files.map((file) => `SELECT count(*)::DOUBLE AS n FROM ${file.alias}.readings`).join(' UNION ALL ')
  const [total] = await rows(connection, `SELECT sum(n) FROM (${counts})`)
  const sorts = Math.ceil(((total?.[0] as number | null) ?? 0) / ROWS_PER_SORT)
  return Math.max(1, Math.ceil(devices / Math.max(1, sorts)))
}

/**
 * Devices with several rows of one moment: only among theirs can be repetitions, which in the
 * order of the log may stand far from their first.
 */
async function devicesToCompare(connection: DuckDBConnection, source: string): Promise<Set<number>> {
  const found = await rows(
    connection,
    `SELECT DISTINCT rank FROM (SELECT rank FROM (${source}) GROUP BY rank, t HAVING count(*) > 1)`,
  )
  return new Set(found.map(([rank]) => rank as number))
}
