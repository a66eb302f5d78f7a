import { expect, test, vi } from 'vitest'
import type { ProductDocument } from '#contracts'
import { seededRandom } from '#platform'
import { HubApi } from '#simulators'
import { PRODUCT } from './testing/small-house.ts'
import { ADMIN_KEY, testEnvironment, testHub } from './testing/test-hub.ts'

const DAY = 86_400_000
const FILTERS = 14
const DAYS = 80

const product: ProductDocument = {
  ...PRODUCT,
  components: [
    { ...PRODUCT.components![0]!, ratedLife: { days: 70 }, wear: { metric: 'filter_dp_pa', fresh: 50, worn: 250 } },
    { key: 'fan', kind: 'motor', ratedLife: { days: 2_000 } },
  ],
}

interface Health {
  items: {
    component: string
    wear: number | null
    remainingDays: { p10: number; p50: number; p90: number } | null
    model: string | null
    reason: string | null
    factors: { 'zh-CN': string }[]
  }[]
}

/** Filters that lasted 50 to 75 days, and one that is 40 days old; two readings a day. */
function past(): string {
  const { next } = seededRandom(9)
  const lives = Array.from({ length: FILTERS }, (_, i) => ({ serial: `SN-${i}`, lasts: 50 + 25 * next(), days: DAYS }))
  const young = { serial: 'SN-young', lasts: 64, days: 40 }
  return [...lives, young]
    .flatMap(({ serial, lasts, days }) =>
      Array.from({ length: 2 * days }, (_, half) => ({
        serial,
        ts: Date.now() - days * DAY + (half * DAY) / 2,
        values: { filter_dp_pa: Math.min(1_900, 50 + (100 * half) / lasts) },
      })),
    )
    .map((line) => JSON.stringify(line))
    .join('\n')
}

test('a brand brings its past in; the next night the hub knows how long each part lasts, and says so', async () => {
  const env = await testEnvironment()
  const first = await testHub(env)
  const url = first.addresses.httpUrl
  const made = await new HubApi(url, ADMIN_KEY).post<{ adminKey: { key: string } }>('/api/brands', {
    key: 'acme',
    name: { en: 'A', 'zh-CN': 'A' },
  })
  const brand = new HubApi(url, made.adminKey.key)
  await brand.post('/api/products', product)
  const ids = new Map<string, string>()
  for (const serial of [...Array.from({ length: FILTERS }, (_, i) => `SN-${i}`), 'SN-young']) {
    const days = serial === 'SN-young' ? 40 : DAYS
    const installedAt = new Date(Date.now() - days * DAY).toISOString()
    const { device } = await brand.post<{ device: { id: string } }>('/api/devices', {
      serial,
      product: 'ap-300',
      installedAt,
    })
    ids.set(serial, device.id)
  }
  const health = (hubUrl: string, serial = 'SN-young') =>
    new HubApi(hubUrl, made.adminKey.key).get<Health>(`/api/devices/${ids.get(serial)}/health`)
  expect((await health(url)).items).toMatchObject([
    { component: 'hepa-filter', wear: null, reason: 'not-yet-followed' },
    { component: 'fan', wear: 0.02, reason: 'not-measured' },
  ])
  const { id } = await brand.post<{ id: string }>('/api/imports', { kind: 'telemetry', source: 'past' })
  const answer = await fetch(`${url}/api/imports/${id}/lines?after=0`, {
    method: 'POST',
    headers: { authorization: `Bearer ${made.adminKey.key}`, 'content-type': 'application/x-ndjson' },
    body: past(),
  })
  expect(answer.status).toBe(200)
  await brand.post(`/api/imports/${id}/done`, {})
  await first.stop()

  // It starts again, and a night that was missed is made up for.
  const second = await testHub(env)
  const known = await vi.waitUntil(
    async () => {
      const { items } = await health(second.addresses.httpUrl)
      return items[0]!.remainingDays === null ? null : items[0]!
    },
    { timeout: 60_000, interval: 250 },
  )
  expect(known).toMatchObject({ model: 'hepa-filter-life-1', reason: null })
  expect(known.wear!).toBeGreaterThan(0.5)
  expect(known.wear!).toBeLessThan(0.7)
  // Forty of sixty-four days.
  expect(Math.abs(known.remainingDays!.p50 - 24)).toBeLessThan(8)
  expect(known.factors.length).toBeGreaterThan(1)
  const models = await new HubApi(second.addresses.httpUrl, made.adminKey.key).get<{ items: object[] }>('/api/models')
  expect(models.items).toMatchObject([{ component: 'hepa-filter', version: 1, lives: FILTERS, censored: 1 }])
  // And it stands in the log, from where rules use it.
  const attempts = await new HubApi(second.addresses.httpUrl, made.adminKey.key).get<{ items: object[] }>(
    '/api/models/attempts',
  )
  expect(attempts.items).toMatchObject([{ outcome: 'fitted', reason: null }])
}, 120_000)
