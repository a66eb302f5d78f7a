import { expect, test } from 'vitest'
import { newId } from '#platform'
import { isForeignKeyViolation, isUniqueViolation } from '#store'
import { MINUTE, makeWorld, type World } from './testing/world.ts'

/** The database itself refuses what must never be, whatever the code above it thinks. */

async function ordered(): Promise<World> {
  const world = await makeWorld({ rule: { dispatch: 'auto' }, standingShare: true })
  await world.fire()
  await world.pass(10 * MINUTE)
  return world
}

test('a second live case of a component', async () => {
  const world = await ordered()
  const copy = world.db.asBrand(world.brandId, async (tx) => {
    const row = await tx.selectFrom('cases').selectAll().executeTakeFirstOrThrow()
    const twin = { ...row, case_id: newId('case'), evidence: JSON.stringify(row.evidence), cause: null }
    await tx
      .insertInto('cases')
      .values({ ...twin, state: 'open' })
      .execute()
  })
  await expect(copy).rejects.toSatisfy((error) => isUniqueViolation(error, 'cases_one_live_per_component'))
})

test('a second live order item of a case', async () => {
  const world = await ordered()
  const copy = world.db.asBrand(world.brandId, async (tx) => {
    const row = await tx.selectFrom('order_items').selectAll().executeTakeFirstOrThrow()
    const order = await tx.selectFrom('work_orders').selectAll().executeTakeFirstOrThrow()
    const json = { charge: JSON.stringify(order.charge), packet: JSON.stringify(order.packet) }
    const twin = { ...order, ...json, technician: null, appointment: null, requested_slot: null, outcome: null }
    await tx
      .insertInto('work_orders')
      .values({ ...twin, work_order_id: 'wo_twin', number: 'BH-2026-000999', job_token_hash: 'twin' })
      .execute()
    await tx
      .insertInto('order_items')
      .values({ ...row, parts_used: null, item_id: 'it_twin', work_order_id: 'wo_twin' })
      .execute()
  })
  await expect(copy).rejects.toSatisfy((error) => isUniqueViolation(error, 'order_items_one_live_per_case'))
})

test.each([
  ['another partner’s consent', { recipient_key: 'other' }],
  ['another home’s consent', { home: 'other' }],
  ['a refusal', { granted: false }],
] as const)('an order on %s', async (_what, change) => {
  const world = await ordered()
  const planted = world.db.asHub(async (tx) => {
    const consent = await tx.selectFrom('consents').selectAll().where('purpose', '=', 'share').executeTakeFirstOrThrow()
    const home = await tx.selectFrom('homes').selectAll().executeTakeFirstOrThrow()
    if ('home' in change)
      await tx
        .insertInto('homes')
        .values({ ...home, home_id: 'home_other' })
        .execute()
    const planted = {
      ...consent,
      consent_id: 'cons_planted',
      ...('home' in change ? { home_id: 'home_other' } : change),
    }
    await tx.insertInto('consents').values(planted).execute()
    const order = await tx.selectFrom('work_orders').selectAll().executeTakeFirstOrThrow()
    await tx
      .insertInto('work_orders')
      .values({
        ...order,
        charge: JSON.stringify(order.charge),
        packet: JSON.stringify(order.packet),
        technician: null,
        appointment: null,
        requested_slot: null,
        outcome: null,
        work_order_id: 'wo_planted',
        number: 'BH-2026-000999',
        job_token_hash: 'planted',
        consent_id: 'cons_planted',
      })
      .execute()
  })
  await expect(planted).rejects.toSatisfy((error) => isForeignKeyViolation(error))
})

test('a changed charge, hash or consent of an order', async () => {
  const world = await ordered()
  for (const change of [
    { charge: '{"totalMinor":1}' },
    { charge_sha256: '1'.repeat(64) },
    { consent_id: 'cons_other' },
  ]) {
    await expect(
      world.db.asBrand(world.brandId, (tx) => tx.updateTable('work_orders').set(change).execute()),
    ).rejects.toThrow('frozen')
  }
})

test('rows of the loop are invisible to another brand', async () => {
  const world = await ordered()
  const other = newId('brand')
  await world.db.asBrand(other, async (tx) => {
    for (const table of [
      'cases',
      'case_events',
      'offers',
      'work_orders',
      'order_items',
      'agreements',
      'timers',
      'notices',
      'partners',
    ] as const) {
      expect(await tx.selectFrom(table).selectAll().execute()).toEqual([])
    }
  })
  await expect(world.bridge.cases.get(other, (await world.onlyCase()).id)).rejects.toMatchObject({ code: 'NOT_FOUND' })
  await expect(world.bridge.orders.get(other, (await world.onlyOrder()).id)).rejects.toMatchObject({
    code: 'NOT_FOUND',
  })
  expect((await world.bridge.deliveries.list(other, {})).items).toEqual([])
})
