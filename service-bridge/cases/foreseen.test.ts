import { expect, test } from 'vitest'
import type { Evidence } from '#contracts'
import { DAY, HOUR, makeWorld, type World, type WorldOptions } from '../testing/world.ts'

/** A filter foreseen to last so many days yet at nine in ten, by the model of a night. */
function foreseen(world: World, days: number): Evidence[] {
  const nowMs = world.clock.nowMs()
  return [
    {
      metric: 'remaining_life',
      value: days,
      op: '<',
      limit: 60,
      unit: 'd',
      sinceMs: nowMs,
      series: [[nowMs, 188]],
      forecast: {
        metric: 'filter_dp_pa',
        reaches: 250,
        unit: 'Pa',
        p10Ms: nowMs + days * DAY,
        p50Ms: nowMs + (days + 10) * DAY,
        p90Ms: nowMs + (days + 25) * DAY,
        model: 'hepa-filter-life-3',
        outOfDistribution: false,
        factors: [{ en: 'Pressure drop is 188 Pa', 'zh-CN': '压差为188 Pa' }],
      },
    },
  ]
}

/** The part takes five days in the home's region and two elsewhere; the partner promises to come within four. */
async function house(options: WorldOptions = {}): Promise<World> {
  const world = await makeWorld({ agreement: { sla: { accept: 'PT4H', arrive: 'P4D' } }, ...options })
  await world.db.asHub((tx) =>
    tx
      .insertInto('parts')
      .values({
        brand_id: world.brandId,
        sku: 'HEPA-300',
        name: JSON.stringify({ en: 'HEPA filter', 'zh-CN': '滤芯' }),
        genuine: true,
        lead_days: JSON.stringify({ '31': 5, '': 2 }),
        updated_at_ms: 0,
      })
      .execute(),
  )
  return world
}

const state = async (world: World) => (await world.onlyCase()).state

test('what is only foreseen is asked about when answer, part and visit are just in time for the early date', async () => {
  const world = await house()
  await world.fire({ evidence: foreseen(world, 30) })
  // Three days for the answer, five for the part, four for the visit: asked eighteen days from now.
  await world.pass(17 * DAY)
  expect(await state(world)).toBe('open')
  await world.pass(2 * DAY)
  expect(await state(world)).toBe('offered')
  const view = await world.bridge.offers.view(await world.offerToken())
  expect(view.needs[0]!.cause.en).toMatch(/due in about 2[0-2] days \(1[0-2] to 3[5-7] days\)/)
})

test('a newer night moves the date, to both sides', async () => {
  const world = await house()
  await world.fire({ evidence: foreseen(world, 30) })
  await world.pass(5 * DAY)
  await world.db.asHub((tx) =>
    tx
      .insertInto('component_health')
      .values({
        brand_id: world.brandId,
        device_id: world.deviceId,
        component: 'hepa-filter',
        wear: 0.8,
        p10_days: 13,
        p50_days: 20,
        p90_days: 30,
        as_of_ms: world.clock.nowMs(),
        model_version: 4,
        reason: null,
        updated_at_ms: world.clock.nowMs(),
      })
      .execute(),
  )
  await world.pass(HOUR)
  expect(await state(world)).toBe('open')
  await world.pass(2 * DAY)
  expect(await state(world)).toBe('offered')
})

test('what is measured, reported, critical or dangerous waits for nothing', async () => {
  const measured = await house()
  const [ahead] = foreseen(measured, 30)
  const series: Evidence['series'] = []
  await measured.fire({
    evidence: [ahead!, { metric: 'filter_dp_pa', value: 262, op: '>', limit: 250, unit: 'Pa', sinceMs: 0, series }],
  })
  await measured.pass(HOUR)
  expect(await state(measured)).toBe('offered')
})

test('with less time than part and visit take it is asked at once, and more than information', async () => {
  const world = await house({ rule: { severity: 'info' } })
  await world.fire({ severity: 'info', evidence: foreseen(world, 8) })
  await world.pass(HOUR)
  expect(await state(world)).toBe('offered')
  const view = await world.bridge.offers.view(await world.offerToken())
  expect(view.urgency).toBe('warning')
})

test('the work order carries the forecast: dates, version and what is behind it', async () => {
  const world = await house()
  await world.fire({ evidence: foreseen(world, 8) })
  await world.pass(HOUR)
  await world.acceptOffer()
  const [created] = world.partner.ofType('work_order.created')
  const { items } = created!.event.data as { items: { diagnosis: { forecast: object; evidence: object[] } }[] }
  expect(items[0]!.diagnosis.forecast).toMatchObject({
    metric: 'filter_dp_pa',
    reaches: 250,
    model: 'hepa-filter-life-3',
    factors: [{ en: 'Pressure drop is 188 Pa', 'zh-CN': '压差为188 Pa' }],
  })
})
