import {
  BIGINT,
  DOUBLE,
  type DuckDBConnection,
  DuckDBDataChunk,
  DuckDBListValue,
  INTEGER,
  LIST,
  UTINYINT,
  VARCHAR,
} from '@duckdb/node-api'
import { FLAG_IMPORTED, FLAG_SERVER_TIME } from '../columns.ts'
import type { HistoryPosition, HistoryRow } from '../history.ts'
import { type DuckFile, loadDevices, quoted } from './duck-file.ts'

/** The most a data chunk of DuckDB holds. */
const CHUNK_ROWS = 2_048
const COLUMNS = [BIGINT, BIGINT, BIGINT, INTEGER, INTEGER, UTINYINT, LIST(DOUBLE), LIST(VARCHAR)]

export { FLAG_IMPORTED, FLAG_SERVER_TIME }

/**
 * Appends rows and the position in one transaction, column by column: what `INSERT` would parse
 * and plan per row, the appender copies. Either everything is in the file afterwards or nothing,
 * dictionaries in memory included.
 */
export async function appendRows(
  connection: DuckDBConnection,
  file: DuckFile,
  batch: readonly HistoryRow[],
  position: HistoryPosition,
): Promise<void> {
  const devices = await loadDevices(connection, file)
  const shapesBefore = file.shapes.shapes.length
  const newDevices = new Map<string, { no: number; brandId: string }>()
  const deviceNo = (row: HistoryRow): number => {
    const known = devices.get(row.deviceId) ?? newDevices.get(row.deviceId)?.no
    if (known !== undefined) return known
    // Numbers of devices taken out by a rewrite are not given again.
    const no = file.nextDevice + newDevices.size
    newDevices.set(row.deviceId, { no, brandId: row.brandId })
    return no
  }
  let fromMs = Number.POSITIVE_INFINITY
  let toMs = Number.NEGATIVE_INFINITY
  await connection.run('BEGIN')
  try {
    const appender = await connection.createAppender('readings', 'main', file.alias)
    const chunk = DuckDBDataChunk.create(COLUMNS)
    for (let start = 0; start < batch.length; start += CHUNK_ROWS) {
      fillChunk(chunk, batch.slice(start, start + CHUNK_ROWS), file, deviceNo)
      appender.appendDataChunk(chunk)
    }
    appender.closeSync()
    for (const { measuredAtMs } of batch) {
      if (measuredAtMs < fromMs) fromMs = measuredAtMs
      if (measuredAtMs > toMs) toMs = measuredAtMs
    }
    await insertDictionaries(connection, file, shapesBefore, newDevices)
    const extent = batch.length > 0 ? `${fromMs}, ${toMs}` : 'NULL, NULL'
    await connection.run(
      `INSERT INTO ${file.alias}.batches VALUES ('${quoted(position.logId)}', ${position.seq}, ${batch.length}, ${extent})`,
    )
    await connection.run('COMMIT')
  } catch (error) {
    file.shapes.truncate(shapesBefore)
    await connection.run('ROLLBACK').catch(() => undefined)
    throw error
  }
  for (const [deviceId, { no }] of newDevices) devices.set(deviceId, no)
  file.nextDevice += newDevices.size
  file.position = { ...position }
  file.measuredFromMs = Math.min(file.measuredFromMs, fromMs)
  file.measuredToMs = Math.max(file.measuredToMs, toMs)
}

function fillChunk(
  chunk: DuckDBDataChunk,
  rows: readonly HistoryRow[],
  file: DuckFile,
  deviceNo: (row: HistoryRow) => number,
): void {
  chunk.reset()
  chunk.rowCount = rows.length
  const [seq, receivedAt, measuredAt, device, shape, flags, numbers, texts] = COLUMNS.map((_, i) =>
    chunk.getColumnVector(i),
  )
  for (const [i, row] of rows.entries()) {
    const fit = file.shapes.fit(row.values)
    seq!.setItem(i, BigInt(row.seq))
    receivedAt!.setItem(i, BigInt(row.receivedAtMs))
    measuredAt!.setItem(i, BigInt(row.measuredAtMs))
    device!.setItem(i, deviceNo(row))
    shape!.setItem(i, fit.shape.no)
    flags!.setItem(i, (row.serverTime ? FLAG_SERVER_TIME : 0) | (row.imported ? FLAG_IMPORTED : 0))
    const doubles = new Array<number | null>(fit.shape.numberCount).fill(null)
    const strings = fit.shape.textCount > 0 ? new Array<string | null>(fit.shape.textCount).fill(null) : null
    let next = 0
    for (const key in row.values) {
      const value = row.values[key]!
      const place = fit.places[next++]!
      if (typeof value === 'string') strings![place] = value
      else doubles[place] = Number(value)
    }
    numbers!.setItem(i, new DuckDBListValue(doubles))
    texts!.setItem(i, strings && new DuckDBListValue(strings))
  }
  for (const vector of [seq, receivedAt, measuredAt, device, shape, flags, numbers, texts]) vector!.flush()
}

async function insertDictionaries(
  connection: DuckDBConnection,
  file: DuckFile,
  shapesBefore: number,
  newDevices: ReadonlyMap<string, { no: number; brandId: string }>,
): Promise<void> {
  const newShapes = file.shapes.shapes.slice(shapesBefore)
  if (newShapes.length > 0) {
    const appender = await connection.createAppender('shapes', 'main', file.alias)
    for (const shape of newShapes) {
      appender.appendInteger(shape.no)
      appender.appendVarchar(JSON.stringify(shape.metrics))
      appender.endRow()
    }
    appender.closeSync()
  }
  if (newDevices.size > 0) {
    const appender = await connection.createAppender('devices', 'main', file.alias)
    for (const [deviceId, { no, brandId }] of newDevices) {
      appender.appendInteger(no)
      appender.appendVarchar(deviceId)
      appender.appendVarchar(brandId)
      appender.endRow()
    }
    appender.closeSync()
  }
}
