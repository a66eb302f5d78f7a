import { sql } from 'kysely'
import type { ControlChange, ControlRecord, ReadingsRecord } from '#contracts'
import type { Logger } from '#platform'
import { isRefusedForGood, type Tx } from '#store'

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

/** Facts about one device that are kept: as many again as one message may bring. Of further names nothing is shown. */
const ATTRIBUTES_KEPT_MAX = 200

/** The last that a device said of itself, of each kind. */
interface Told {
  brandId: string
  attributes: Extract<ControlChange, { type: 'attributes' }>['values'] | null
  presence: { state: string; epoch: number; atMs: number } | null
}

/**
 * Shows in the devices' rows what they said of themselves: attributes, presence, when last seen.
 * For display only; decisions read the log. Writing the same again changes nothing, and what the
 * database refuses of one device keeps no other's back.
 */
export async function mirrorDevices(
  tx: Tx,
  changes: readonly ControlRecord[],
  seen: readonly Seen[],
  logger: Logger,
): Promise<void> {
  const told = lastTold(changes)
  await orEachAlone(tx, [...told], ([deviceId, facts]) => show(tx, deviceId, facts), logger)
  if (seen.length > 0)
    await sql`UPDATE devices SET last_seen_at_ms = greatest(devices.last_seen_at_ms, seen.at_ms)
              FROM unnest(${seen.map((s) => s.deviceId)}::text[], ${seen.map((s) => s.atMs)}::bigint[])
                AS seen (device_id, at_ms)
              WHERE devices.device_id = seen.device_id`.execute(tx)
}

/** One entry per device, however often it spoke: a batch may hold thousands of its messages. */
function lastTold(changes: readonly ControlRecord[]): Map<string, Told> {
  const told = new Map<string, Told>()
  for (const { change, brandId, receivedAtMs } of changes) {
    if (brandId === null || (change.type !== 'attributes' && change.type !== 'presence')) continue
    const facts = told.get(change.deviceId) ?? { brandId, attributes: null, presence: null }
    told.set(change.deviceId, facts)
    if (change.type === 'attributes') facts.attributes = { ...facts.attributes, ...change.values }
    else if (change.epoch >= (facts.presence?.epoch ?? 0))
      facts.presence = { state: change.state, epoch: change.epoch, atMs: receivedAtMs }
  }
  return told
}

async function show(tx: Tx, deviceId: string, { brandId, attributes, presence }: Told): Promise<void> {
  const device = tx.updateTable('devices').where('brand_id', '=', brandId).where('device_id', '=', deviceId)
  if (attributes !== null) {
    const values = sql`${JSON.stringify(attributes)}::jsonb`
    await device
      .set({
        attributes: sql`attributes || CASE
          WHEN (SELECT count(*) FROM jsonb_object_keys(attributes || ${values})) <= ${ATTRIBUTES_KEPT_MAX} THEN ${values}
          ELSE (SELECT coalesce(jsonb_object_agg(key, value), '{}') FROM jsonb_each(${values}) WHERE attributes ? key)
        END`,
      })
      .execute()
  }
  if (presence !== null)
    await device
      .set({ presence: presence.state as 'connected', presence_epoch: presence.epoch, presence_at_ms: presence.atMs })
      .where('presence_epoch', '<=', presence.epoch)
      .execute()
}

/** All in one go; when the database refuses something for good, one by one without it. */
async function orEachAlone<Item>(
  tx: Tx,
  items: readonly Item[],
  write: (item: Item) => Promise<void>,
  logger: Logger,
): Promise<void> {
  if (items.length === 0) return
  await sql`SAVEPOINT mirror`.execute(tx)
  try {
    for (const item of items) await write(item)
  } catch (error) {
    if (!isRefusedForGood(error)) throw error
    await sql`ROLLBACK TO SAVEPOINT mirror`.execute(tx)
    if (items.length === 1) {
      // The database's own words may repeat the value.
      const { code } = error as { code?: string }
      logger.error({ sqlState: code }, 'what a device said of itself cannot be shown and is left out')
      return
    }
    for (const item of items) await orEachAlone(tx, [item], write, logger)
  }
}
