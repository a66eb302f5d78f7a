import { type HubApi, HubApiError } from './hub-api.ts'
import { kindsOf, type PlannedDevice } from './neighbourhood.ts'

/** The brand that simulated devices belong to, apart from every real one. */
const SIMULATED_BRAND = 'simulated'
/** Rows of one bulk call; the hub takes more, an answer of this size reads well. */
const DEVICES_PER_CALL = 1_000

interface BulkRow {
  status: 'created' | 'refused'
  serial: string
  accessToken?: string
  error?: { code: string; detail: string }
}

/**
 * Makes a fleet known to a running hub, over HTTP with the operator's key: a brand of its own, its
 * products from the catalog, and their rules in shadow, because nobody lives in these homes. What is there already stays; a device
 * that is gets a new token, the old one being known to nobody.
 */
export async function registerFleet(hub: HubApi, devices: readonly PlannedDevice[]): Promise<Map<string, string>> {
  const brand = hub.as(await brandAdminKey(hub))
  for (const { product, rules } of kindsOf(devices)) {
    await unlessThere(brand.post('/api/products', product))
    for (const rule of rules) {
      await unlessThere(brand.post('/api/rules', rule))
      await brand.post(`/api/rules/${rule.key}/shadow`, {})
    }
  }
  const tokens = new Map<string, string>()
  for (let from = 0; from < devices.length; from += DEVICES_PER_CALL) {
    const lines = devices
      .slice(from, from + DEVICES_PER_CALL)
      .map(({ serial, productKey }) => `${JSON.stringify({ serial, product: productKey })}\n`)
    const { rows } = await brand.post<{ rows: BulkRow[] }>('/api/devices/bulk', null, {
      raw: { type: 'application/x-ndjson', text: lines.join('') },
    })
    for (const row of rows) tokens.set(row.serial, row.accessToken ?? (await newToken(brand, row)))
  }
  return tokens
}

async function brandAdminKey(hub: HubApi): Promise<string> {
  const name = { en: 'Simulated', 'zh-CN': '模拟' }
  const made = await unlessThere(hub.post<{ adminKey: { key: string } }>('/api/brands', { key: SIMULATED_BRAND, name }))
  if (made) return made.adminKey.key
  const key = { role: 'admin', brand: SIMULATED_BRAND, label: 'simulate' }
  return (await hub.post<{ key: string }>('/api/keys', key)).key
}

async function newToken(brand: HubApi, { serial, error }: BulkRow): Promise<string> {
  const { items } = await brand.get<{ items: { id: string }[] }>(`/api/devices?serial=${encodeURIComponent(serial)}`)
  const [device] = items
  if (!device) throw new Error(`the simulated device ${serial} was refused: ${error?.detail}`)
  const path = `/api/devices/${device.id}/credentials`
  return (await brand.post<{ credential: { accessToken: string } }>(path, {})).credential.accessToken
}

async function unlessThere<T>(made: Promise<T>): Promise<T | null> {
  try {
    return await made
  } catch (error) {
    if (error instanceof HubApiError && error.problem.code === 'CONFLICT') return null
    throw error
  }
}
