import { sql } from 'kysely'
import type { ControlRecord, ReadingsRecord } from '#contracts'
import type { Tx } from '#store'

/** A minute is exact enough for "last seen", and one row a minute and device bearable for Postgres. */
const FLUSH_EVERY_MS = 60_000

export interface Seen {
  deviceId: string
  atMs: number
}

/** When each device last spoke, gathered between two writes. */
export class LastSeen {
  #seen = new Map<string, number>()
  #newestMs = Number.NEGATIVE_INFINITY
  #nextMs = Number.NEGATIVE_INFINITY

  note(record: Pick<ReadingsRecord, 'deviceId' | 'receivedAtMs'>): void {
    this.#seen.set(record.deviceId, record.receivedAtMs)
    this.#newestMs = record.receivedAtMs
  }

  /**
   * What to write now: nothing until a minute has passed since the last time. A minute of the log, so that
   * a hub whose clock leaps shows the same as one that has lived through it.
   */
  due(): Seen[] {
    return this.#newestMs < this.#nextMs ? [] : this.rest()
  }

  /** All that is not yet written, however fresh. */
  rest(): Seen[] {
    const seen = Array.from(this.#seen, ([deviceId, atMs]) => ({ deviceId, atMs }))
    this.#seen = new Map()
    this.#nextMs = this.#newestMs + FLUSH_EVERY_MS
    return seen
  }
}

/**
 * Shows in the devices' rows what they said of themselves: attributes, presence, when last seen.
 * For display only; decisions read the log. Writing the same again changes nothing.
 */
export async function mirrorDevices(tx: Tx, changes: readonly ControlRecord[], seen: readonly Seen[]): Promise<void> {
  for (const { change, brandId, receivedAtMs } of changes) {
    if (brandId === null) continue
    if (change.type === 'attributes')
      await tx
        .updateTable('devices')
        .set({ attributes: sql`attributes || ${JSON.stringify(change.values)}::jsonb` })
        .where('brand_id', '=', brandId)
        .where('device_id', '=', change.deviceId)
        .execute()
    if (change.type === 'presence')
      await tx
        .updateTable('devices')
        .set({ presence: change.state, presence_epoch: change.epoch, presence_at_ms: receivedAtMs })
        .where('brand_id', '=', brandId)
        .where('device_id', '=', change.deviceId)
        .where('presence_epoch', '<=', change.epoch)
        .execute()
  }
  if (seen.length > 0)
    await sql`UPDATE devices SET last_seen_at_ms = greatest(devices.last_seen_at_ms, seen.at_ms)
              FROM unnest(${seen.map((s) => s.deviceId)}::text[], ${seen.map((s) => s.atMs)}::bigint[])
                AS seen (device_id, at_ms)
              WHERE devices.device_id = seen.device_id`.execute(tx)
}
