import { expect, test } from 'vitest'
import { CloudEvent, WorkOrderPacket } from '#contracts'
import { HOUR, MINUTE, makeWorld } from './testing/world.ts'
import { validator } from './validate.ts'

const checkPacket = validator(WorkOrderPacket)
const checkEnvelope = validator(CloudEvent)

test('one clogged filter: offer, consent, order, visit, and the signal proves the repair', async () => {
  const world = await makeWorld()
  const episode = await world.fire()
  await world.bridge.idle()
  expect((await world.onlyCase()).state).toBe('open')

  await world.pass(10 * MINUTE)
  expect((await world.onlyCase()).state).toBe('offered')
  const [notice] = world.brandServer.ofType('notice.requested')
  expect(notice?.event.data).toMatchObject({ kind: 'service', reasonCode: 'offer', channels: ['wechat'] })

  const token = await world.offerToken()
  const view = await world.bridge.offers.view(token)
  expect(view.choices).toEqual(['accept', 'snooze', 'self_service', 'decline', 'stop'])
  expect(view.charge).toMatchObject({ payer: 'homeowner', coverage: 'out_of_warranty', totalMinor: 12_900 })
  expect(view.needs[0]?.cause['zh-CN']).toContain('262.1')
  await world.acceptOffer()
  expect((await world.onlyCase()).state).toBe('ordered')

  const [created] = world.partner.ofType('work_order.created')
  checkEnvelope(created!.event)
  const packet = checkPacket(created!.event.data)
  expect(packet.workOrder.number).toBe('BH-2026-000001')
  expect(packet.workOrder.charge.acceptance?.sha256).toMatch(/^[0-9a-f]{64}$/)
  expect(packet.site).toEqual({ district: '310115', street: '310115005' })
  expect(Buffer.byteLength(created!.body)).toBeLessThan(20_000)

  const order = await world.onlyOrder()
  await expect(
    world.bridge.orders.site({ orderId: order.id, partnerId: 'fixit', by: { kind: 'partner', id: 'fixit' } }),
  ).rejects.toMatchObject({
    code: 'STATE_FORBIDS',
  })
  expect(await world.say(order.id, { status: 'accepted', externalId: 'X-9' })).toBe('applied')
  const site = await world.bridge.orders.site({
    orderId: order.id,
    partnerId: 'fixit',
    by: { kind: 'partner', id: 'fixit' },
  })
  expect(site).toMatchObject({
    district: '浦东新区',
    contact: { name: 'SENTINEL-NAME' },
    consent: { recipient: 'Fixit' },
  })
  for (const status of ['dispatched', 'en_route', 'arrived'] as const) await world.say(order.id, { status })
  expect((await world.onlyCase()).state).toBe('in_progress')
  expect(await world.complete(order.id)).toBe('applied')
  expect((await world.onlyCase()).state).toBe('verifying')
  expect(await world.changes()).toEqual([
    // Quiet around the visit, renewed by every word of it.
    'silence.started',
    'silence.started',
    'silence.started',
    'silence.ended',
    'component.reset',
    'technician.outcome',
    'verification.started',
  ])

  await world.pass(HOUR)
  await world.endVerification((await world.onlyCase()).id, 'verified')
  await world.resolve(episode, 'serviced')
  await world.bridge.idle()
  const closed = await world.onlyCase()
  expect(closed).toMatchObject({ state: 'closed', end: 'verified' })
  expect(closed.events.map((event) => event.row)).toEqual([
    'C1',
    'C4',
    'C6',
    'C9',
    'C11',
    'C13',
    'C13',
    'C13',
    'C15',
    'C17',
  ])
  expect(world.partner.ofType('work_order.verified')).toHaveLength(1)
  expect((await world.bridge.offers.view(token)).progress?.stage).toBe('followed_up')

  // Nothing of the person in anything that was sent.
  for (const webhook of [...world.partner.received, ...world.brandServer.received])
    expect(webhook.body).not.toContain('SENTINEL')
})
