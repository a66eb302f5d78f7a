import type { HubApi } from '#simulators'

/** Ten rules of one leaf, all concerned with every message, none of which fires. */
const LEAVES = [
  ['filter_dp_pa', '>', 250],
  ['filter_dp_pa', '>', 300],
  ['filter_dp_pa', '<', 5],
  ['fan_rpm', '>', 3_000],
  ['fan_rpm', '<', 100],
  ['airflow_m3h', '<', 50],
  ['airflow_m3h', '>', 900],
  ['pm25_ugm3', '>', 500],
  ['pm25_ugm3', '>', 700],
  ['pm25_ugm3', '<', 0],
] as const

/** Rules that every message of a registered device concerns. */
export const RULES = LEAVES.length

/** Rows of one bulk call; the API takes 10,000. */
const BULK = 5_000

export interface Registered {
  /** Access tokens of the devices that will speak. */
  tokens: string[]
  brand: HubApi
}

/** A brand with one product, ten rules in force, and so many devices registered. */
export async function register(hub: HubApi, devices: number, speaking: number): Promise<Registered> {
  const made = await hub.post<{ adminKey: { key: string } }>('/api/brands', {
    key: 'bench',
    name: { en: 'Bench', 'zh-CN': '测试' },
  })
  const brand = hub.as(made.adminKey.key)
  await brand.post('/api/products', {
    key: 'ap-bench',
    category: 'air-purifier',
    metrics: [
      { key: 'filter_dp_pa', unit: 'Pa', type: 'number' },
      { key: 'fan_rpm', unit: '1/min', type: 'number' },
      { key: 'airflow_m3h', unit: 'm³/h', type: 'number' },
      { key: 'pm25_ugm3', unit: 'µg/m³', type: 'number' },
    ],
    components: [{ key: 'hepa-filter', kind: 'filter' }],
    reporting: { mode: 'periodic', every: '1m' },
  })
  const tokens: string[] = []
  for (let from = 0; from < devices; from += BULK) {
    const lines = Array.from({ length: Math.min(BULK, devices - from) }, (_, i) =>
      JSON.stringify({ serial: `B${from + i}`, product: 'ap-bench' }),
    )
    const result = await brand.post<{ rows: { accessToken?: string }[] }>('/api/devices/bulk', null, {
      raw: { type: 'application/x-ndjson', text: lines.join('\n') },
    })
    for (const { accessToken } of result.rows) {
      if (accessToken === undefined) throw new Error('a device was refused')
      if (tokens.length < speaking) tokens.push(accessToken)
    }
  }
  for (const [i, [metric, op, value]] of LEAVES.entries()) {
    const key = `leaf-${i}`
    await brand.post('/api/rules', {
      key,
      name: { en: `Leaf ${i}`, 'zh-CN': `规则 ${i}` },
      scope: { product: 'ap-bench' },
      component: 'hepa-filter',
      when: { metric, op, value },
      for: '10m',
      dispatch: 'notify',
    })
    await brand.post(`/api/rules/${key}/activate`, {})
  }
  return { tokens, brand }
}
