import { expect, test } from 'vitest'
import type { AlertEffect } from '#contracts'
import { makeWorld } from '../testing/world.ts'
import { forgetEffects } from './acted-upon.ts'

test('what lies behind the kept state is forgotten; what may be told again is not', async () => {
  const world = await makeWorld()
  const seqs = async (): Promise<number[]> => {
    const rows = await world.db.asHub((tx) =>
      tx.selectFrom('service_effects').select('seq').where('brand_id', '=', world.brandId).orderBy('seq').execute(),
    )
    return rows.map((row) => row.seq)
  }
  const forget = (throughSeq: number) => world.db.asHub((tx) => forgetEffects(tx, throughSeq))
  const told: AlertEffect[] = []
  const episodes = [await world.fire({ component: 'fan' }), await world.fire()]
  const [first, second] = await seqs()
  for (const [i, episode] of episodes.entries())
    told.push({
      kind: 'alert.firing',
      seq: [first!, second!][i]!,
      ordinal: 0,
      atMs: 0,
      episode,
      evidence: [],
      silent: false,
    })

  expect(await forget(first!)).toBe(1)
  expect(await seqs()).toEqual([second])
  const before = await world.bridge.cases.list(world.brandId, {})
  await world.effects([told[1]!])
  expect(await world.bridge.cases.list(world.brandId, {})).toEqual(before)
  expect(await forget(first!)).toBe(0)
})
