import { expect, test } from 'vitest'
import { AGREEMENT, MINUTE, MORNING_MS, makeWorld } from '../testing/world.ts'

const YEAR_MS = 365 * 86_400_000

test('a filter the home pays for and a fan under warranty are one visit; the home pays for the filter alone', async () => {
  const world = await makeWorld({
    installedAtMs: MORNING_MS - 2 * YEAR_MS,
    agreement: { prices: [...AGREEMENT.prices, { kind: 'labour', amountMinor: 5_000 }] },
  })
  await world.db.asBrand(world.brandId, async (tx) => {
    const { document } = await tx.selectFrom('product_versions').select('document').executeTakeFirstOrThrow()
    const warranty = { whole: 'P365D', components: { fan: 'P1825D' }, startsAt: 'installation' as const }
    await tx
      .updateTable('product_versions')
      .set({ document: JSON.stringify({ ...document, warranty }) })
      .execute()
  })
  await world.fire()
  await world.fire({ component: 'fan' })
  await world.pass(15 * MINUTE)
  const token = await world.offerToken()
  const view = await world.bridge.offers.view(token)
  expect(view.needs).toHaveLength(2)
  expect(view.charge).toMatchObject({ payer: 'homeowner', coverage: 'out_of_warranty' })
  const paid = view.charge.lines.filter((line) => line.coveredBy === undefined)
  const covered = view.charge.lines.filter((line) => line.coveredBy === 'warranty')
  expect(paid.map(({ kind, amountMinor }) => [kind, amountMinor])).toEqual([
    ['labour', 5_000],
    ['part', 9_900],
  ])
  expect(view.charge.totalMinor).toBe(14_900)
  // The way there is the warranty's: it would have had to send somebody for the fan in any case.
  expect(covered.every((line) => line.amountMinor === 0)).toBe(true)
  expect(covered.map(({ kind }) => kind)).toContain('inspection')

  // Somebody comes although the whole visit is worth more than what the home pays.
  expect(view.partners.map((partner) => partner.key)).toEqual(['fixit'])
  await world.acceptOffer()
  const order = await world.onlyOrder()
  expect(order.packet.items).toHaveLength(2)
  expect(order.packet.workOrder.charge).toMatchObject({ totalMinor: 14_900, lines: view.charge.lines })
})
