import { rename, rm, stat } from 'node:fs/promises'
import type { DuckDBConnection } from '@duckdb/node-api'
import { HubError, type Logger, toError } from '#platform'
import { PERIOD_MS } from './period.ts'
import { makeShape, ShapeBook, type ShapeMetric } from './shapes.ts'

/** Raised with any change of the tables below; a file of a later format is refused. */
const FORMAT = 1

const TABLES = [
  'about (format INTEGER, sorted BOOLEAN)',
  'devices (no INTEGER, device_id VARCHAR, brand_id VARCHAR)',
  'shapes (no INTEGER, metrics VARCHAR)',
  `readings (seq BIGINT, received_at_ms BIGINT, measured_at_ms BIGINT, device INTEGER, shape INTEGER, flags UTINYINT,
             numbers DOUBLE[], texts VARCHAR[])`,
  'batches (log_id VARCHAR, seq BIGINT, row_count BIGINT, measured_from_ms BIGINT, measured_to_ms BIGINT)',
]

/** One attached file: the arrivals of one week, with the dictionaries its rows refer to and the recorder's position. */
export interface DuckFile {
  readonly path: string
  readonly alias: string
  readonly startMs: number
  readonly endMs: number
  readonly generation: number
  /** Rows lie by device: a query for one reads only its part. */
  readonly sorted: boolean
  readonly shapes: ShapeBook
  /** Loaded when first written to. */
  devices: Map<string, number> | null
  nextDevice: number
  position: { logId: string; seq: number } | null
  measuredFromMs: number
  measuredToMs: number
  /** Queries at work on it. A retired file goes when the last has ended. */
  readers: number
  retired: boolean
}

export interface FilePlace {
  path: string
  alias: string
  startMs: number
  generation: number
}

/** Makes an empty file and attaches it. */
export async function createFile(connection: DuckDBConnection, place: FilePlace, sorted = false): Promise<DuckFile> {
  await connection.run(`ATTACH '${quoted(place.path)}' AS ${place.alias}`)
  await createTables(connection, place.alias, sorted)
  return describe(connection, place)
}

/** What a table definition leaves in the write-ahead file has been unreadable before; so it does not stay there. */
export async function createTables(connection: DuckDBConnection, alias: string, sorted: boolean): Promise<void> {
  for (const table of TABLES) await connection.run(`CREATE TABLE ${alias}.${table}`)
  await connection.run(`INSERT INTO ${alias}.about VALUES (${FORMAT}, ${sorted})`)
  await connection.run(`CHECKPOINT ${alias}`)
}

/**
 * Attaches a file that is there. A write-ahead file that cannot be replayed is put aside and
 * the file used without it: its position tells from where to record again.
 *
 * Throws `STORAGE_CORRUPT` when the file itself cannot be read.
 */
export async function openFile(connection: DuckDBConnection, place: FilePlace, logger: Logger): Promise<DuckFile> {
  await attachFile(connection, place, logger)
  return describe(connection, place)
}

/** The same for a file whose tables are somebody else's matter. */
export async function attachFile(
  connection: DuckDBConnection,
  place: Pick<FilePlace, 'path' | 'alias'>,
  logger: Logger,
): Promise<void> {
  const attach = (): Promise<unknown> => connection.run(`ATTACH '${quoted(place.path)}' AS ${place.alias}`)
  try {
    await attach()
  } catch (cause) {
    const wal = `${place.path}.wal`
    const hasWal = await stat(wal).then(
      () => true,
      () => false,
    )
    if (!hasWal) throw corrupt(place.path, cause)
    const aside = await freeName(`${wal}.unreadable`)
    await rename(wal, aside)
    logger.error({ err: cause, aside }, 'a write-ahead file of the history cannot be read and was put aside')
    await attach().catch((again: unknown) => {
      throw corrupt(place.path, again)
    })
  }
  await connection.run(`CHECKPOINT ${place.alias}`)
}

export async function detachFile(connection: DuckDBConnection, file: DuckFile): Promise<void> {
  await connection.run(`DETACH ${file.alias}`)
}

export async function removeFile(path: string): Promise<void> {
  await rm(path, { force: true })
  await rm(`${path}.wal`, { force: true })
}

async function describe(connection: DuckDBConnection, place: FilePlace): Promise<DuckFile> {
  const { alias } = place
  const about = (await rows(connection, `SELECT format, sorted FROM ${alias}.about`))[0]
  if (!about || Number(about[0]) > FORMAT) {
    throw new HubError(
      'STORAGE_CORRUPT',
      `${place.path} has format ${about?.[0]}, this release knows ${FORMAT}. Use the newer release.`,
    )
  }
  const shapes = await rows(connection, `SELECT no, metrics FROM ${alias}.shapes ORDER BY no`)
  const [extent] = await rows(
    connection,
    `SELECT min(measured_from_ms)::DOUBLE, max(measured_to_ms)::DOUBLE FROM ${alias}.batches`,
  )
  const [highest] = await rows(connection, `SELECT max(no) FROM ${alias}.devices`)
  const [last] = await rows(connection, `SELECT log_id, seq::DOUBLE FROM ${alias}.batches ORDER BY seq DESC LIMIT 1`)
  return {
    ...place,
    endMs: place.startMs + PERIOD_MS,
    sorted: about[1] as boolean,
    shapes: new ShapeBook(
      shapes.map(([no, text]) => makeShape(no as number, JSON.parse(text as string) as ShapeMetric[])),
    ),
    devices: null,
    nextDevice: ((highest?.[0] as number | null) ?? 0) + 1,
    position: last ? { logId: last[0] as string, seq: last[1] as number } : null,
    measuredFromMs: (extent?.[0] as number | null) ?? Number.POSITIVE_INFINITY,
    measuredToMs: (extent?.[1] as number | null) ?? Number.NEGATIVE_INFINITY,
    readers: 0,
    retired: false,
  }
}

/** The devices' numbers, for writing. */
export async function loadDevices(connection: DuckDBConnection, file: DuckFile): Promise<Map<string, number>> {
  if (file.devices) return file.devices
  const found = await rows(connection, `SELECT device_id, no FROM ${file.alias}.devices`)
  file.devices = new Map(found as [string, number][])
  return file.devices
}

/** Rows of a small result. */
export async function rows(connection: DuckDBConnection, sql: string): Promise<unknown[][]> {
  return (await connection.runAndReadAll(sql)).getRows()
}

async function freeName(base: string): Promise<string> {
  for (let n = 1; ; n++) {
    const name = `${base}-${n}`
    const taken = await stat(name).catch(() => null)
    if (!taken) return name
  }
}

function corrupt(path: string, cause: unknown): HubError {
  return new HubError(
    'STORAGE_CORRUPT',
    `The history file ${path} cannot be read: ${toError(cause).message} Move it away to go on without that week.`,
    { cause },
  )
}

/** Text inside a quoted SQL literal. */
export const quoted = (text: string): string => text.replaceAll("'", "''")
