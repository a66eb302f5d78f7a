import type { AlertEffect } from '#contracts'
import type { Tx } from '#store'
import type { Work } from '../core.ts'

/**
 * Which effects were acted upon. The runner tells an effect again only after a crash between its
 * two positions; what lies behind its kept state it never tells again, and may be forgotten.
 */

/** False when this very effect was acted upon before. */
export async function isNew(work: Work, effect: Exclude<AlertEffect, { kind: 'operator.event' }>): Promise<boolean> {
  const noted = await work.tx
    .insertInto('service_effects')
    .values({
      brand_id: work.brandId,
      device_id: 'episode' in effect ? effect.episode.deviceId : effect.deviceId,
      seq: effect.seq,
      ordinal: effect.ordinal,
    })
    .onConflict((conflict) => conflict.doNothing())
    .returning('seq')
    .executeTakeFirst()
  return noted !== undefined
}

/** Forgets the effects up to this position; how many. Only for a position whose state the runner has kept. */
export async function forgetEffects(tx: Tx, throughSeq: number): Promise<number> {
  const { numDeletedRows } = await tx.deleteFrom('service_effects').where('seq', '<=', throughSeq).executeTakeFirst()
  return Number(numDeletedRows)
}
