import { open, rename } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { DuckDBConnection } from '@duckdb/node-api'
import type { Logger } from '#platform'
import { createTables, type DuckFile, openFile, quoted, removeFile } from './duck-file.ts'
import { fileName } from './period.ts'

export interface Rewrite {
  /** Devices to leave out. Deleting rows in place would only mark them; a copy without them is what removes them. */
  without: readonly string[]
  /** Rows by device, for a week that gets no more arrivals. */
  sorted: boolean
  alias: string
}

/**
 * Copies a file into its next generation. The copy takes its name only when it is complete and
 * synced, so that a crash leaves either; the old file stays as it was for queries still at work on it.
 */
export async function rewriteFile(
  connection: DuckDBConnection,
  file: DuckFile,
  rewrite: Rewrite,
  logger: Logger,
): Promise<DuckFile> {
  const generation = file.generation + 1
  const path = join(dirname(file.path), fileName(file.startMs, generation))
  const unfinished = `${path}.unfinished`
  await removeFile(unfinished)
  await connection.run(`ATTACH '${quoted(unfinished)}' AS ${rewrite.alias}`)
  try {
    await copy(connection, file, rewrite)
  } finally {
    await connection.run(`DETACH ${rewrite.alias}`)
  }
  await rename(unfinished, path)
  await syncFolder(dirname(path))
  return openFile(connection, { path, alias: rewrite.alias, startMs: file.startMs, generation }, logger)
}

async function copy(connection: DuckDBConnection, file: DuckFile, { without, sorted, alias }: Rewrite): Promise<void> {
  const from = file.alias
  const isGone = `device_id IN (${without.map((id) => `'${quoted(id)}'`).join(', ') || 'NULL'})`
  await createTables(connection, alias, sorted)
  await connection.run(
    `INSERT INTO ${alias}.devices SELECT * FROM ${from}.devices WHERE NOT coalesce(${isGone}, false)`,
  )
  await connection.run(`INSERT INTO ${alias}.shapes SELECT * FROM ${from}.shapes ORDER BY no`)
  await connection.run(
    `INSERT INTO ${alias}.readings SELECT r.* FROM ${from}.readings r
      WHERE device IN (SELECT no FROM ${alias}.devices) ${sorted ? 'ORDER BY device, seq' : ''}`,
  )
  await connection.run(
    `INSERT INTO ${alias}.batches SELECT log_id, max(seq), sum(row_count), min(measured_from_ms), max(measured_to_ms)
       FROM ${from}.batches GROUP BY log_id`,
  )
  await connection.run(`CHECKPOINT ${alias}`)
}

/** A rename is only as durable as its folder. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
