import type { Tx } from './tenancy.ts'

/**
 * How long an inbound webhook id is remembered. Senders following the same schedule as ours
 * give up after 75 hours; a redrive by hand may come days later.
 */
export const RECEIPT_KEPT_MS = 14 * 86_400_000

/** True the first time an id comes from a sender; false for a replay, which must have no effect. */
export async function noteReceipt(
  tx: Tx,
  receipt: { sender: string; webhookId: string; nowMs: number },
): Promise<boolean> {
  const row = await tx
    .insertInto('webhook_receipts')
    .values({ sender: receipt.sender, webhook_id: receipt.webhookId, received_at_ms: receipt.nowMs })
    .onConflict((conflict) => conflict.doNothing())
    .returning('webhook_id')
    .executeTakeFirst()
  return row !== undefined
}

/** Forgets ids that no sender will repeat any more. */
export async function forgetOldReceipts(tx: Tx, nowMs: number): Promise<void> {
  await tx
    .deleteFrom('webhook_receipts')
    .where('received_at_ms', '<=', nowMs - RECEIPT_KEPT_MS)
    .execute()
}
