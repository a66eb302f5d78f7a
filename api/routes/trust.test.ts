import { afterAll, beforeAll, expect, test } from 'vitest'
import { aProduct, aRule } from '../testing/scenario.ts'
import { type Call, makeHub, type TestBrand, type TestHub } from '../testing/test-hub.ts'

const DAY = 86_400_000
const HOUR = 3_600_000
/** A shared machine may be slow; nothing here depends on it. */
const PATIENCE_MS = 300_000

let hub: TestHub
let brand: TestBrand
beforeAll(async () => {
  hub = await makeHub()
  brand = await hub.newBrand('acme')
  const product = { ...aProduct(), reporting: { mode: 'periodic', every: '1h' } }
  expect((await call('POST', '/api/products', { body: product })).status).toBe(201)
}, PATIENCE_MS)
afterAll(() => hub?.close())

const call = (method: string, url: string, options: Call = {}) =>
  hub.call(method, url, { key: brand.admin, ...options })
const ndjson = (...lines: unknown[]): Call => ({
  raw: { type: 'application/x-ndjson', text: lines.map((line) => JSON.stringify(line)).join('\n') },
})

async function begun(kind: string, source: string): Promise<string> {
  const answer = await call('POST', '/api/imports', { body: { kind, source } })
  expect(answer.status, answer.text).toBe(201)
  return answer.body.id
}
const send = (id: string, after: number, ...lines: unknown[]) =>
  call('POST', `/api/imports/${id}/lines?after=${after}`, ndjson(...lines))

/** Forty days of hourly pressure that passes 250 Pa in the middle. */
const past = (serial: string) =>
  Array.from({ length: 40 * 24 }, (_, hour) => ({
    serial,
    ts: hub.clock.nowMs() - 40 * DAY + hour * HOUR,
    values: { filter_dp_pa: 150 + (hour / (40 * 24)) * 200 },
  }))

test(
  'a brand’s past comes in by lines: of any age, told by line, resumable, twice without harm, and nobody hears of it',
  async () => {
    const devices = await begun('devices', 'devices')
    const first = await send(devices, 0, { serial: 'SN-1', product: 'ap-300' }, { serial: 'SN-2', product: 'no-such' })
    expect(first.body).toMatchObject({ lines: 2, accepted: 1, rejected: 1, problems: [{ line: 2 }] })
    // One that is there already is what was wanted.
    expect((await send(devices, 2, { serial: 'SN-1', product: 'ap-300' })).body).toMatchObject({
      lines: 3,
      accepted: 2,
    })

    const telemetry = await begun('telemetry', 'telemetry')
    const lines = past('SN-1')
    expect((await send(telemetry, 0, ...lines.slice(0, 500))).body).toMatchObject({ lines: 500, accepted: 500 })
    // As after a break: the same file is found again, and says where to go on.
    expect(await begun('telemetry', 'telemetry')).toBe(telemetry)
    const again = await send(telemetry, 0, ...lines.slice(0, 500))
    expect(again.status).toBe(409)
    expect(again.body.detail).toContain('Go on after line 500')
    expect(
      (
        await send(
          telemetry,
          500,
          ...lines.slice(500),
          { serial: 'SN-9', ts: 1, values: {} },
          { serial: 'SN-1', values: { filter_dp_pa: 1 } },
        )
      ).body,
    ).toMatchObject({
      lines: 962,
      accepted: 960,
      rejected: 2,
      problems: [
        { line: 961, code: 'UNKNOWN_DEVICE' },
        { line: 962, code: 'WRONG_TYPE', detail: expect.stringContaining('needs its time') },
      ],
    })
    // The whole file once more, under another name: nothing is there twice.
    const copy = await begun('telemetry', 'a copy')
    await send(copy, 0, ...lines)

    const outcomes = await begun('outcomes', 'outcomes')
    const at = new Date(hub.clock.nowMs() - 5 * DAY).toISOString()
    const sent = await send(
      outcomes,
      0,
      { serial: 'SN-1', component: 'hepa-filter', at, cause: 'clogged', parts: ['HEPA-300'] },
      { serial: 'SN-1', at: 'yesterday' },
    )
    expect(sent.body).toMatchObject({ lines: 2, accepted: 1, rejected: 1 })
    const complete = {
      completeFrom: new Date(hub.clock.nowMs() - 40 * DAY).toISOString(),
      completeTo: new Date(hub.clock.nowMs()).toISOString(),
    }
    expect((await call('POST', `/api/imports/${outcomes}/done`, { body: complete })).body.doneAt).not.toBeNull()
    const list = await call('GET', '/api/outcomes')
    expect(list.body.items).toMatchObject([
      { serial: 'SN-1', component: 'hepa-filter', cause: 'clogged', parts: ['HEPA-300'] },
    ])
    const bulk = await call(
      'POST',
      '/api/outcomes',
      ndjson({ serial: 'SN-1', component: 'hepa-filter', at, cause: 'clogged' }, { serial: 'SN-0', at }),
    )
    expect(bulk.body).toMatchObject({ created: 0, refused: 1, rows: [{ status: 'known' }, { status: 'refused' }] })

    await hub.recorded()
    await hub.settled()
    expect((await call('GET', '/api/alerts')).body.items).toEqual([])
    expect((await call('GET', '/api/notices')).body.items).toEqual([])
  },
  PATIENCE_MS,
)

test(
  'a draft is played over it: progress, then the result in the brand’s terms; what is wrong is an answer',
  async () => {
    const span = {
      from: new Date(hub.clock.nowMs() - 40 * DAY).toISOString(),
      to: new Date(hub.clock.nowMs()).toISOString(),
    }
    const draft = { ...aRule('draft'), for: '2h' }
    const answer = await call('POST', '/api/rules/backtest', { body: { rule: draft, ...span } })
    expect(answer.status, answer.text).toBe(200)
    const lines = answer.text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
    expect(lines[0]).toHaveProperty('progress.devices', 1)
    const { result } = lines.at(-1)
    expect(result).toMatchObject({
      mode: 'what-if',
      devices: 1,
      // Sent three times, recorded once.
      samples: 960,
      alerts: 1,
      cases: 1,
      offers: 1,
      againstOutcomes: { confirmed: 1, noFault: 0, missed: 0, precision: 1, recall: 1 },
    })
    const refused = async (body: unknown) => (await call('POST', '/api/rules/backtest', { body })).body.code
    expect(await refused({ rule: 'no-such', ...span })).toBe('NOT_FOUND')
    expect(await refused({ rule: { key: 'x' }, ...span })).toBe('RULE_INVALID')
    expect(await refused({ rule: draft, ...span, diff: [1, 2] })).toBe('VALIDATION_FAILED')
    expect(await refused({ rule: draft, ...span, from: span.to })).toBe('VALIDATION_FAILED')
  },
  PATIENCE_MS,
)

test(
  'activation says what to expect, keeps to the daily cap, and may be told to go on; all of it is in the trail',
  async () => {
    // Live readings of the last days: eight appliances whose filters are full already.
    for (let i = 0; i < 8; i++) {
      const serial = `SN-FULL-${i}`
      expect((await call('POST', '/api/devices', { body: { serial, product: 'ap-300' } })).status).toBe(201)
    }
    const id = await begun('telemetry', 'of the full ones')
    const now = hub.clock.nowMs()
    const lines = Array.from({ length: 8 }, (_, i) =>
      Array.from({ length: 72 }, (_, hour) => ({
        serial: `SN-FULL-${i}`,
        ts: now - 72 * HOUR + hour * HOUR,
        values: { filter_dp_pa: 300 },
      })),
    ).flat()
    expect((await send(id, 0, ...lines)).body.accepted).toBe(lines.length)
    await hub.recorded()
    expect((await call('POST', '/api/rules', { body: { ...aRule('wide'), for: '2h' } })).status).toBe(201)
    const { expected } = (await call('GET', '/api/rules/wide/expected-volume')).body
    expect(expected).toMatchObject({ devices: 9, sampledDevices: 9 })
    expect(expected.atOnce.mid).toBeGreaterThanOrEqual(8)
    expect(expected.atOnce.low).toBeLessThan(expected.atOnce.mid)

    expect((await call('PATCH', '/api/brand/settings', { body: { casesPerDayMax: 3 } })).body).toMatchObject({
      precisionBar: 0.6,
      casesPerDayMax: 3,
    })
    expect((await call('PATCH', '/api/brand/settings', { body: { precisionBar: 0.7 } })).body).toEqual({
      twoPersonRules: false,
      miniProgramPath: null,
      precisionBar: 0.7,
      casesPerDayMax: 3,
    })
    await call('PATCH', '/api/brand/settings', { body: { precisionBar: 0.6, casesPerDayMax: null } })
    expect((await call('GET', '/api/brand/settings')).body).toMatchObject({ precisionBar: 0.6, casesPerDayMax: null })
    await call('PATCH', '/api/brand/settings', { body: { casesPerDayMax: 3 } })
    const refused = await call('POST', '/api/rules/wide/activate', { body: {} })
    expect(refused.status).toBe(409)
    expect(refused.body).toMatchObject({
      code: 'DAILY_CAP_EXCEEDED',
      detail: expect.stringContaining('the brand allows 3'),
    })
    // A share of the fleet stays below it.
    const share = await call('POST', '/api/rules/wide/activate', { body: { canaryShare: 0.2 } })
    expect(share.status, share.text).toBe(200)
    expect(share.body.expected.atOnce.mid).toBeLessThanOrEqual(3)
    const all = await call('POST', '/api/rules/wide/activate', { body: { overrideDailyCap: { reason: 'a recall' } } })
    expect(all.status, all.text).toBe(200)
    const trail = (await call('GET', '/api/audit?limit=100')).body.items as { action: string; detail: object }[]
    expect(trail.find(({ action }) => action === 'rule.daily_cap_overridden')?.detail).toMatchObject({
      reason: 'a recall',
    })
    // Danger has no cap.
    expect((await call('POST', '/api/rules', { body: { ...aRule('danger'), safety: 'overheat' } })).status).toBe(201)
    expect((await call('POST', '/api/rules/danger/activate', { body: {} })).status).toBe(200)
  },
  PATIENCE_MS,
)

test(
  'a scorecard counts what is known, and says nothing of what is not',
  async () => {
    const { body } = await call('GET', '/api/rules/wide/scorecard')
    expect(body).toMatchObject({
      key: 'wide',
      precisionBar: 0.6,
      versions: [
        {
          version: 1,
          verdicts: { confirmed: 0, otherCause: 0, noFault: 0 },
          precision: null,
          precisionInterval: null,
          offers: { made: 0, answered: 0, accepted: 0 },
          cost: { orders: 0, totalMinor: 0, perConfirmedMinor: null },
          alarm: null,
        },
      ],
    })
    expect((await call('GET', '/api/rules/no-such/scorecard')).status).toBe(404)
    expect(hub.misfits).toEqual([])
    expect(hub.failures).toEqual([])
  },
  PATIENCE_MS,
)
