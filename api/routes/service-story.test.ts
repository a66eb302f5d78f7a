import { afterAll, beforeAll, expect, test } from 'vitest'
import { instant } from '#contracts'
import { aConsent, anAgreement, aProduct, aRule } from '../testing/scenario.ts'
import { openSink, type Sink } from '../testing/sink.ts'
import { makeHub, type TestBrand, type TestHub } from '../testing/test-hub.ts'

/** One morning of a brand, told by its calls alone; each test goes on where the one before it ended. */

const MINUTE_MS = 60_000
const STORM_HOMES = 7

let hub: TestHub
let sink: Sink
let brand: TestBrand
let first: Appliance
let quiet: Appliance

interface Appliance {
  home: string
  device: string
  token: string
}

beforeAll(async () => {
  hub = await makeHub()
  sink = await openSink()
  await hub.call('POST', '/api/partners', { body: { key: 'fixit', name: 'fixit', url: sink.url } })
  brand = await hub.newBrand('acme')
  const [filter] = aProduct().components
  const symptoms = [{ code: 'weak-airflow', name: { en: 'little air comes out', 'zh-CN': '出风变小' } }]
  await as('POST', '/api/products', { ...aProduct(), components: [{ ...filter, symptoms }] })
  await as('POST', '/api/agreements', { ...anAgreement('fixit'), coverage: ['31', '44'] })
  await as('POST', '/api/endpoints', { url: sink.url })
  await as('POST', '/api/rules', aRule())
  await as('POST', '/api/rules/hepa-clogged/activate', {})
  first = await appliance('310115005')
  quiet = await appliance('310115005')
})
afterAll(async () => {
  await hub?.close()
  await sink?.close()
})

async function as(method: string, url: string, body?: unknown) {
  const answer = await hub.call(method, url, { key: brand.admin, ...(body === undefined ? {} : { body }) })
  if (answer.status >= 300) throw new Error(`${method} ${url}: ${answer.status} ${answer.text}`)
  return answer.body
}

let serials = 0
async function appliance(region: string): Promise<Appliance> {
  const { id: home } = await as('POST', '/api/homes', { region })
  for (const purpose of ['monitoring', 'contact']) await as('POST', `/api/homes/${home}/consents`, aConsent(purpose))
  const made = await as('POST', '/api/devices', { serial: `SN-${++serials}`, product: 'ap-300', home })
  return { home, device: made.device.id, token: made.credential.accessToken }
}

async function clogs({ token }: Appliance): Promise<void> {
  await as('POST', `/api/v1/${token}/telemetry`, { ts: hub.clock.nowMs(), values: { filter_dp_pa: 262.1 } })
  await hub.pass(MINUTE_MS)
}

const reported = ({ device }: Appliance, externalRef: string) =>
  as('POST', '/api/fault-reports', {
    device,
    reportedAt: instant(hub.clock.nowMs()),
    channel: 'hotline',
    symptomCode: 'weak-airflow',
    externalRef,
  })

async function statesOf({ device }: Appliance): Promise<string[]> {
  const { items } = await as('GET', `/api/cases?deviceId=${device}`)
  return items.map((one: { state: string }) => one.state)
}

const heard = (type: string) =>
  sink.received.map(({ body }) => JSON.parse(body)).filter((event) => event.type === `beforehand.${type}`)

test('a fault the home notices joins the need that is open, and is asked about without waiting longer', async () => {
  await clogs(first)
  expect(await statesOf(first)).toEqual(['open'])
  const answer = await reported(first, 'ticket 1')
  expect(answer).toMatchObject({
    joined: true,
    report: { component: 'hepa-filter', missed: false },
    case: { component: 'hepa-filter', state: 'open' },
    diagnosis: { component: 'hepa-filter', evidence: [{ metric: 'filter_dp_pa', value: 262.1 }] },
  })
  await hub.pass(0)
  expect(await statesOf(first)).toEqual(['offered'])
  // The same ticket again is the same report.
  expect((await reported(first, 'ticket 1')).report.id).toBe(answer.report.id)
})

test('a fault of an appliance that said nothing is a need of its own, and counts as missed', async () => {
  expect(await reported(quiet, 'ticket 2')).toMatchObject({ joined: false, report: { missed: true } })
  await hub.pass(15 * MINUTE_MS)
  expect(await statesOf(quiet)).toEqual(['offered'])
})

test('a storm is held with one word to the brand, and let go by one call', async () => {
  const city: Appliance[] = []
  for (let i = 0; i < STORM_HOMES; i++) city.push(await appliance('440305001'))
  for (const one of city) await clogs(one)
  await hub.pass(20 * MINUTE_MS)
  const states = async () => (await Promise.all(city.map(statesOf))).flat()
  expect(await states()).toEqual(Array(STORM_HOMES).fill('held'))
  expect(heard('fleet.held')).toMatchObject([{ data: { rule: 'hepa-clogged', region: '4403', limit: 5 } }])
  const [hold] = (await as('GET', '/api/fleet-holds')).items
  expect(hold).toMatchObject({ state: 'held', cases: STORM_HOMES })
  await as('POST', `/api/fleet-holds/${hold.id}/release`, { reason: 'pollen, no defect' })
  await hub.pass(15 * MINUTE_MS)
  expect(await states()).toEqual(Array(STORM_HOMES).fill('offered'))
  expect(heard('fleet.held')).toHaveLength(1)
})

test('a home wants no more offers of a kind, and takes it back', async () => {
  const { items } = await as('GET', `/api/offers?homeId=${first.home}`)
  const link = `/home/v1/offers/${items[0].link.split('/').at(-1)}`
  const stops = async () => (await as('GET', `/api/homes/${first.home}/offer-stops`)).items
  const answer = async (choice: string) => hub.call('POST', `${link}/${choice}`, { key: null, body: {} })
  expect((await answer('stop')).status).toBe(200)
  expect(await statesOf(first)).toEqual(['declined'])
  expect(await stops()).toMatchObject([{ category: 'air-purifier', componentKind: 'filter' }])
  expect((await answer('resume')).status).toBe(200)
  expect(await stops()).toEqual([])
  expect((await answer('resume')).body.code).toBe('STATE_FORBIDS')
  await hub.pass(15 * MINUTE_MS)
  // The filter is still clogged.
  expect(await statesOf(first)).toEqual(['offered', 'declined'])
})

test('the numbers of the year are those of the morning', async () => {
  const { needsLastYear, faultReportsLastYear, cases } = await as('GET', '/api/stats')
  // The first filter twice: before the stop and after it.
  const raisedByHub = STORM_HOMES + 2
  expect(needsLastYear).toEqual({ raisedByHub, reported: 1, interventionShare: raisedByHub / (raisedByHub + 1) })
  expect(faultReportsLastYear).toEqual({ filed: 2, joined: 1, missed: 1 })
  expect(cases).toEqual({ offered: STORM_HOMES + 2, declined: 1 })
  expect(hub.misfits).toEqual([])
  expect(hub.failures).toEqual([])
})
