import type { QuarantinedRecord } from '#contracts'
import { derivedId } from '#platform'
import type { Tx } from '#store'

/** Payloads have up to 256 KiB: one statement carries 50 MB at the worst. */
const ROWS_PER_INSERT = 200

/** Keeps quarantined payloads; a record written before, by its position, is left as it is. */
export async function writeQuarantine(tx: Tx, logId: string, records: readonly QuarantinedRecord[]): Promise<void> {
  for (let from = 0; from < records.length; from += ROWS_PER_INSERT)
    await tx
      .insertInto('quarantine')
      .values(
        records.slice(from, from + ROWS_PER_INSERT).map((record) => ({
          brand_id: record.brandId,
          quarantine_id: derivedId('q', logId, record.seq),
          log_id: logId,
          seq: record.seq,
          device_id: record.deviceId,
          code: record.code,
          pointer: record.pointer,
          detail: record.detail,
          problems: record.problems === undefined ? null : JSON.stringify(record.problems),
          payload: Buffer.from(record.payload),
          truncated: record.truncated,
          via: record.via,
          received_at_ms: record.receivedAtMs,
        })),
      )
      .onConflict((conflict) => conflict.doNothing())
      .execute()
}
