import type { DuckDBConnection } from '@duckdb/node-api'
import type { Logger } from '#platform'
import type { HealthPoint } from '../history.ts'
import { attachFile, quoted, rows } from './duck-file.ts'

const ALIAS = 'health'
export const HEALTH_FILE = 'health.duckdb'
/** Points of one statement. */
const POINTS_PER_STATEMENT = 1_000

/** One file beside the weeks of readings: a point a night and part is a thousandth of them, and is kept for years. */
export async function openHealth(connection: DuckDBConnection, path: string, logger: Logger): Promise<void> {
  await attachFile(connection, { path, alias: ALIAS }, logger)
  await connection.run(
    `CREATE TABLE IF NOT EXISTS ${ALIAS}.points (brand_id VARCHAR, device_id VARCHAR, product_key VARCHAR, component VARCHAR,
       at_ms BIGINT, wear DOUBLE, p10_days DOUBLE, p50_days DOUBLE, p90_days DOUBLE)`,
  )
  await connection.run(`CHECKPOINT ${ALIAS}`)
}

export async function closeHealth(connection: DuckDBConnection): Promise<void> {
  await connection.run(`DETACH ${ALIAS}`)
}

export async function writeHealth(connection: DuckDBConnection, points: readonly HealthPoint[]): Promise<void> {
  for (let from = 0; from < points.length; from += POINTS_PER_STATEMENT) {
    const part = points.slice(from, from + POINTS_PER_STATEMENT)
    const values = part.map((it) => {
      const names = [it.brandId, it.deviceId, it.productKey, it.component].map((name) => `'${quoted(name)}'`)
      const numbers = [it.atMs, it.wear, it.p10Days, it.p50Days, it.p90Days].map((value) => value ?? 'NULL')
      return `(${[...names, ...numbers].join(', ')})`
    })
    await connection.run(`INSERT INTO ${ALIAS}.points VALUES ${values.join(', ')}`)
  }
  await connection.run(`CHECKPOINT ${ALIAS}`)
}

/** A point written twice is read once: the newest of a part and moment. */
export async function readHealth(
  connection: DuckDBConnection,
  { deviceId, fromMs, toMs }: { deviceId: string; fromMs: number; toMs: number },
): Promise<HealthPoint[]> {
  const found = await rows(
    connection,
    `SELECT brand_id, device_id, product_key, component, at_ms::DOUBLE, wear, p10_days, p50_days, p90_days
       FROM ${ALIAS}.points WHERE device_id = '${quoted(deviceId)}' AND at_ms >= ${fromMs} AND at_ms < ${toMs}
      QUALIFY row_number() OVER (PARTITION BY component, at_ms ORDER BY rowid DESC) = 1
      ORDER BY at_ms, component`,
  )
  return (found as [string, string, string, string, number, number, number | null, number | null, number | null][]).map(
    ([brandId, device, productKey, component, atMs, wear, p10Days, p50Days, p90Days]) => ({
      ...{ brandId, deviceId: device, productKey, component, atMs, wear, p10Days, p50Days, p90Days },
    }),
  )
}

export async function forgetHealth(connection: DuckDBConnection, deviceIds: readonly string[]): Promise<void> {
  if (deviceIds.length === 0) return
  const list = deviceIds.map((id) => `'${quoted(id)}'`).join(', ')
  await connection.run(`DELETE FROM ${ALIAS}.points WHERE device_id IN (${list})`)
  await connection.run(`CHECKPOINT ${ALIAS}`)
}
