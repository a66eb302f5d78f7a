import { sql } from 'kysely'
import type { ControlChange, ControlRecord } from '#contracts'
import { HUB_BRAND } from './tables/tenant.ts'
import type { Tx } from './tenancy.ts'

const ROWS_PER_STATEMENT = 2_000
/** Connects and what devices say of themselves are many; beyond the readings they decide nothing any more. */
const KEEP_PRESENCE_MS = 100 * 86_400_000

/** Keeps control records where they stood in the log. The first record of an id counts, as for every reader. */
export async function writeControlRecords(tx: Tx, records: readonly ControlRecord[]): Promise<void> {
  for (let from = 0; from < records.length; from += ROWS_PER_STATEMENT) {
    const rows = records.slice(from, from + ROWS_PER_STATEMENT)
    await tx
      .insertInto('control_records')
      .values(
        rows.map(({ brandId, changeId, seq, receivedAtMs, change }) => ({
          brand_id: brandId ?? HUB_BRAND,
          change_id: changeId,
          seq,
          received_at_ms: receivedAtMs,
          type: change.type,
          device_id: deviceOf(change),
          change: JSON.stringify(change),
        })),
      )
      .onConflict((conflict) => conflict.doNothing())
      .execute()
  }
}

/** Whom a change concerns alone; null for the brand, or the hub, as a whole. */
export function deviceOf(change: ControlChange): string | null {
  if ('deviceId' in change) return change.deviceId
  return 'device' in change ? change.device.deviceId : null
}

export interface ControlRecordQuery {
  brandId: string
  /** Only those of these devices; with `null` those of no device in particular, the hub's own with them. */
  deviceIds: readonly string[] | null
  types?: readonly ControlChange['type'][]
  /** Positions above this … */
  afterSeq?: number
  /** … received before this. */
  beforeMs: number
}

/** Control records in log order. Needs hub scope where the hub's own are wanted. */
export async function readControlRecords(tx: Tx, query: ControlRecordQuery): Promise<ControlRecord[]> {
  const { brandId, deviceIds, types, afterSeq = 0, beforeMs } = query
  if (types?.length === 0 || deviceIds?.length === 0) return []
  const rows = await tx
    .selectFrom('control_records')
    .select(['brand_id', 'change_id', 'seq', 'received_at_ms', 'change'])
    .where('brand_id', 'in', deviceIds === null ? [brandId, HUB_BRAND] : [brandId])
    .where('seq', '>', afterSeq)
    .where('received_at_ms', '<', beforeMs)
    .$if(deviceIds === null, (select) => select.where('device_id', 'is', null))
    .$if(deviceIds !== null, (select) => select.where(sql<boolean>`device_id = ANY (${deviceIds ?? []}::text[])`))
    .$if(types !== undefined, (select) => select.where('type', 'in', types ?? []))
    .orderBy('seq')
    .execute()
  return rows.map((row) => ({
    kind: 'control',
    seq: row.seq,
    receivedAtMs: row.received_at_ms,
    changeId: row.change_id,
    brandId: row.brand_id === HUB_BRAND ? null : row.brand_id,
    change: JSON.parse(row.change) as ControlChange,
  }))
}

/** Lets go of presence and attributes older than any reading. */
export async function forgetOldControlRecords(tx: Tx, nowMs: number): Promise<void> {
  await tx
    .deleteFrom('control_records')
    .where('type', 'in', ['presence', 'attributes'])
    .where('received_at_ms', '<', nowMs - KEEP_PRESENCE_MS)
    .execute()
}
