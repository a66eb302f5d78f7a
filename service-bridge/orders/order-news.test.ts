import { expect, test } from 'vitest'
import type { NoticeRequested } from '#contracts'
import { ordersOf, secondPartner } from '../testing/second-partner.ts'
import { BRAND_USER, DAY, HOUR, MINUTE, makeWorld, type World } from '../testing/world.ts'

const by = BRAND_USER

/** Accepted on the page, with the offer's own message already sent. */
async function accepted(): Promise<World & { orderId: string }> {
  const world = await makeWorld()
  await world.fire()
  await world.pass(10 * MINUTE)
  await world.acceptOffer()
  return Object.assign(world, { orderId: (await world.onlyOrder()).id })
}

/** What left for the home after the offer. */
const told = (world: World): NoticeRequested[] =>
  world.brandServer
    .ofType('notice.requested')
    .map((one) => one.event.data as NoticeRequested)
    .filter((notice) => notice.reasonCode !== 'offer')
const reasons = (world: World) => told(world).map((notice) => notice.reasonCode)

test('a visit that did not come about: another time is asked for, once per visit, with the page to choose it on', async () => {
  const world = await accepted()
  await world.say(world.orderId, { status: 'accepted' })
  await world.say(world.orderId, { status: 'customer_absent' }, 'absent-1')
  await world.say(world.orderId, { status: 'customer_absent' }, 'absent-1')
  expect(told(world)).toMatchObject([
    { reasonCode: 'visit_missed', kind: 'service', cases: [(await world.onlyCase()).id] },
  ])
  expect(told(world)[0]!.link).toContain(await world.offerToken())
})

test('a part is awaited: told; at night it waits, and a time that is set meanwhile takes its place', async () => {
  const world = await accepted()
  await world.say(world.orderId, { status: 'arrived' })
  await world.pass(12 * HOUR)
  await world.say(world.orderId, { status: 'awaiting_parts' })
  expect(reasons(world)).toEqual([])
  const from = world.clock.nowMs() + 3 * DAY
  const appointment = { from: new Date(from).toISOString(), to: new Date(from + HOUR).toISOString() }
  await world.say(world.orderId, { status: 'appointed', visit: 2, appointment })
  await world.pass(11 * HOUR)
  expect(reasons(world)).toEqual(['visit_changed'])
  const all = await world.bridge.notices.list(world.brandId, {})
  expect(all.items.find((one) => one.reasonCode === 'parts_awaited')).toMatchObject({ status: 'withdrawn' })
})

test('no partner is left: told once, however often it is tried; then who comes instead', async () => {
  const world = await accepted()
  await world.say(world.orderId, { status: 'rejected', reason: 'no_capacity' })
  await world.pass(2 * DAY)
  expect(reasons(world)).toEqual(['order_cancelled'])
  await secondPartner(world)
  await world.pass(MINUTE)
  expect((await ordersOf(world)).at(-1)).toMatchObject({ partnerKey: 'mendit' })
  expect(reasons(world)).toEqual(['order_cancelled', 'partner_changed'])
  expect(told(world)[1]!.text['zh-CN']).toContain('mendit')
})

test('the brand calls a visit off: the home is told; what it calls off itself it knows', async () => {
  const world = await accepted()
  await world.bridge.orders.cancel(world.brandId, world.orderId, { by, reason: 'recalled' })
  await world.bridge.idle()
  expect(told(world)).toMatchObject([{ reasonCode: 'order_cancelled' }])
  expect(told(world)[0]!.text['zh-CN']).toBe('您的空气净化器的上门服务已取消。如有疑问请联系品牌客服。')

  const own = await accepted()
  await own.bridge.offers.cancel(await own.offerToken())
  await own.pass(DAY)
  expect(reasons(own)).toEqual([])
})

test('proven: said once all that was repaired shows, with the question for stars; not when they were given', async () => {
  const world = await accepted()
  await world.complete(world.orderId)
  const { id } = await world.onlyCase()
  await world.endVerification(id, 'verified')
  await world.bridge.idle()
  expect(told(world)).toMatchObject([{ reasonCode: 'verified', cases: [id] }])
  expect(told(world)[0]!.text['zh-CN']).toContain('评分')
  expect((await world.bridge.offers.view(await world.offerToken())).choices).toContain('rate')

  const rated = await accepted()
  await rated.complete(rated.orderId)
  await rated.bridge.offers.rate(await rated.offerToken(), { attitude: 5, quality: 5, speed: 5, solved: true })
  await rated.endVerification((await rated.onlyCase()).id, 'verified')
  await rated.bridge.idle()
  expect(told(rated).map((notice) => notice.text['zh-CN'])).toEqual(['数据显示您的空气净化器已修好。'])
})

test('without the contact consent, or without a visit it could know of, nothing is said', async () => {
  const world = await accepted()
  await world.say(world.orderId, { status: 'accepted' })
  await world.consent('contact', false)
  await world.say(world.orderId, { status: 'technician_absent' })
  expect(reasons(world)).toEqual([])

  const auto = await makeWorld({ rule: { dispatch: 'auto' }, standingShare: true })
  await auto.fire()
  await auto.pass(10 * MINUTE)
  await auto.say((await auto.onlyOrder()).id, { status: 'rejected', reason: 'no_capacity' })
  expect((await auto.onlyCase()).state).toBe('rerouting')
  expect(reasons(auto)).toEqual([])
})
