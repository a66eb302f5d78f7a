import mqtt from 'mqtt'
import { expect, onTestFinished, test } from 'vitest'
import type { OfferView, PartnerEvent } from '#contracts'
import { newId, realClock } from '#platform'
import { HubApi, HubClock, signWebhook } from '#simulators'
import { HOUR_MS, MINUTE_MS, partnerServer, setUpHouse } from './testing/small-house.ts'
import { ADMIN_KEY, testEnvironment, testHub } from './testing/test-hub.ts'

test('a reading becomes an alert, an offer, a signed work order and a proven repair', async () => {
  const hub = await testHub(await testEnvironment({ HUB_TIME_SCALE: '10000000' }))
  const api = new HubApi(hub.addresses.httpUrl, ADMIN_KEY)
  const clock = new HubClock(api)
  const partner = await partnerServer()
  onTestFinished(() => partner.server.close())
  const { brand, devices, partnerSecret } = await setUpHouse(api, {
    nowMs: await clock.read(),
    partnerUrl: partner.server.url,
  })
  partner.setSecret(partnerSecret)
  const [device] = devices
  const client = await mqtt.connectAsync(hub.addresses.mqttUrl, { username: device!.token, reconnectPeriod: 0 })
  onTestFinished(() => client.endAsync(true))

  /** Minute by minute, as the appliance would; each reading is on disk before time goes on. */
  const publish = async (minutes: number, value: number): Promise<void> => {
    for (let minute = 0; minute < minutes; minute++) {
      await clock.stepTo(clock.nowMs + MINUTE_MS)
      const payload = JSON.stringify({ ts: clock.nowMs, values: { filter_dp_pa: value } })
      await client.publishAsync('v1/devices/me/telemetry', payload, { qos: 1 })
    }
    await hub.settle()
  }
  const list = async <T>(path: string): Promise<T[]> => (await brand.get<{ items: T[] }>(path)).items

  await publish(15, 180)
  expect(await list('/api/alerts')).toEqual([])
  await publish(12, 262)
  const [alert] = await list<{ id: string; state: string; ruleKey?: string }>('/api/alerts')
  expect(alert).toMatchObject({ state: 'firing' })

  // The case waits ten minutes for what else the home may need, then the home is asked.
  await publish(15, 262)
  const [offer] = await list<{ id: string; state: string; link: string }>('/api/offers')
  expect(offer).toMatchObject({ state: 'offered' })
  const token = offer!.link.split('/').at(-1)!
  const home = new HubApi(hub.addresses.httpUrl, null)
  const view = await home.get<OfferView>(`/home/v1/offers/${token}`)
  expect(view.needs[0]).toMatchObject({ component: { key: 'hepa-filter' } })
  expect(partner.events).toEqual([])
  await home.post(`/home/v1/offers/${token}/accept`, { slot: view.slots[0], shareWith: ['swift-repair'] })
  await hub.settle()

  const order = await partner.event('beforehand.work_order.created')
  expect(order.items).toHaveLength(1)
  expect(order.items[0]!.device.serial).toBe(device!.serial)
  expect(order.items[0]!.job.parts).toMatchObject([{ sku: 'HEPA-300', quantity: 1 }])
  expect(JSON.stringify(order)).not.toContain('示例街道')

  const report = async (event: PartnerEvent): Promise<void> => {
    const body = JSON.stringify(event)
    const headers = signWebhook(partnerSecret, { id: newId('msg'), body, nowMs: realClock.nowMs() })
    const response = await fetch(order.links.events.replace(/^https?:\/\/[^/]+/, hub.addresses.httpUrl), {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body,
    })
    expect(response.status).toBe(200)
    await hub.settle()
  }
  await report({ status: 'accepted' })
  await report({ status: 'appointed', appointment: view.slots[0]! })
  await report({ status: 'arrived' })
  await publish(5, 262)
  await report({
    status: 'completed',
    outcome: {
      items: [
        {
          item: order.items[0]!.id,
          verdict: 'confirmed',
          partsUsed: [{ sku: 'HEPA-300', quantity: 1, origin: 'genuine' }],
          report: { found: 'clogged', done: ['replaced'], advice: 'none' },
        },
      ],
    },
  })
  const caseOf = async () => (await list<{ state: string; end: string | null }>('/api/cases'))[0]
  expect(await caseOf()).toMatchObject({ state: 'verifying' })
  await publish(45, 60)
  expect(await caseOf()).toMatchObject({ state: 'closed', end: 'verified' })
  await partner.event('beforehand.work_order.verified')
  expect((await list<{ state: string }>('/api/alerts')).map((one) => one.state)).toEqual(['resolved'])

  // What was published is history, also for the hour before the fault.
  const telemetry = await brand.get<{ items: unknown[] }>(
    `/api/devices/${device!.id}/telemetry?metrics=filter_dp_pa&from=${new Date(clock.nowMs - 3 * HOUR_MS).toISOString()}&limit=200`,
  )
  expect(telemetry.items).toHaveLength(92)
  expect(partner.server.counts).toMatchObject({ badSignature: 0, repeated: 0 })
}, 120_000)
