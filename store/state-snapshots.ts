import { promisify } from 'node:util'
import { brotliCompress, brotliDecompress, constants } from 'node:zlib'
import { statePage } from './evaluator-state.ts'
import type { Tx } from './tenancy.ts'

const compress = promisify(brotliCompress)
const decompress = promisify(brotliDecompress)
/** Numbers packed as text shrink to a third whatever the effort; the cheapest leaves the cores to the devices. */
const EFFORT = { params: { [constants.BROTLI_PARAM_QUALITY]: 3 } }

/** As long as readings, and the week a file of them may live on. */
const KEEP_MS = 100 * 86_400_000
const DAY_MS = 86_400_000

/** State of the evaluator as of a position, from which an as-run backtest starts. */
export interface StateSnapshot {
  partition: number
  seq: number
  logId: string
  atMs: number
  evaluatorVersion: number
}

export interface SnapshotEntry {
  key: string
  value: string
}

/** Whether the day of hub time `atMs` lies in has no snapshot yet. */
export function snapshotDue(lastAtMs: number | null, atMs: number): boolean {
  return lastAtMs === null || Math.floor(atMs / DAY_MS) > Math.floor(lastAtMs / DAY_MS)
}

/** Log time of the newest snapshot, in ms; `null` before the first. */
export async function lastSnapshotAt(tx: Tx, partition = 0): Promise<number | null> {
  const row = await tx
    .selectFrom('state_snapshots')
    .select((eb) => eb.fn.max('at_ms').as('at'))
    .where('partition', '=', partition)
    .executeTakeFirst()
  return row?.at ?? null
}

/**
 * Copies the state as checkpointed into a snapshot. Goes into the transaction of that checkpoint,
 * so that both are of the same record.
 */
export async function writeSnapshot(tx: Tx, snapshot: StateSnapshot): Promise<void> {
  const { partition, seq, logId, atMs, evaluatorVersion } = snapshot
  const made = await tx
    .insertInto('state_snapshots')
    .values({ partition, seq, log_id: logId, at_ms: atMs, evaluator_version: evaluatorVersion })
    .onConflict((conflict) => conflict.doNothing())
    .returning('seq')
    .executeTakeFirst()
  if (!made) return
  for await (const entries of statePages(tx, partition)) {
    // Which changes were seen is of the log as a whole; whoever replays reads each change once anyway.
    const kept = entries.filter(({ key }) => !key.startsWith('1:changes'))
    if (kept.length === 0) continue
    const content = await compress(JSON.stringify(kept.map(({ key, value }) => [key, value])), EFFORT)
    await tx.insertInto('state_snapshot_pages').values({ partition, seq, first_key: kept[0]!.key, content }).execute()
  }
}

/** Entries of one page: a device is found by reading one, and a page of them fits any memory. */
const PAGE_ENTRIES = 500

async function* statePages(tx: Tx, partition: number): AsyncIterable<SnapshotEntry[]> {
  for (let after: string | null = null; ; ) {
    const page: SnapshotEntry[] = await statePage(tx, { partition, after, limit: PAGE_ENTRIES })
    if (page.length > 0) yield page
    if (page.length < PAGE_ENTRIES) return
    after = page.at(-1)!.key
  }
}

/** The newest snapshot at or before a time. */
export async function snapshotBefore(tx: Tx, atMs: number, partition = 0): Promise<StateSnapshot | null> {
  const row = await tx
    .selectFrom('state_snapshots')
    .selectAll()
    .where('partition', '=', partition)
    .where('at_ms', '<=', atMs)
    .orderBy('seq', 'desc')
    .limit(1)
    .executeTakeFirst()
  return row
    ? {
        partition: row.partition,
        seq: row.seq,
        logId: row.log_id,
        atMs: row.at_ms,
        evaluatorVersion: row.evaluator_version,
      }
    : null
}

/** The entries of a snapshot whose keys lie in a span, in order of key, a page at a time. */
export async function* readSnapshot(
  read: <T>(work: (tx: Tx) => Promise<T>) => Promise<T>,
  { partition, seq }: Pick<StateSnapshot, 'partition' | 'seq'>,
  span: { fromKey: string; toKey: string },
): AsyncIterable<SnapshotEntry[]> {
  const before = await read((tx) =>
    tx
      .selectFrom('state_snapshot_pages')
      .select((eb) => eb.fn.max('first_key').as('key'))
      .where('partition', '=', partition)
      .where('seq', '=', seq)
      .where('first_key', '<=', span.fromKey)
      .executeTakeFirst(),
  )
  for (let from = before?.key ?? span.fromKey, first = true; ; first = false) {
    const page = await read((tx) =>
      tx
        .selectFrom('state_snapshot_pages')
        .select(['first_key', 'content'])
        .where('partition', '=', partition)
        .where('seq', '=', seq)
        .where('first_key', first ? '>=' : '>', from)
        .orderBy('first_key')
        .limit(1)
        .executeTakeFirst(),
    )
    if (!page || page.first_key >= span.toKey) return
    const entries = JSON.parse((await decompress(page.content)).toString()) as [string, string][]
    const inside = entries.filter(([key]) => key >= span.fromKey && key < span.toKey)
    if (inside.length > 0) yield inside.map(([key, value]) => ({ key, value }))
    from = page.first_key
  }
}

/** Forgets states older than the readings an as-run backtest would need from them. */
export async function forgetOldSnapshots(tx: Tx, nowMs: number): Promise<void> {
  await tx
    .deleteFrom('state_snapshots')
    .where('at_ms', '<', nowMs - KEEP_MS)
    .execute()
}
