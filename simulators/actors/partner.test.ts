import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Compile } from 'typebox/compile'
import { expect, onTestFinished, test } from 'vitest'
import { instant, PARTNER_STATUS_RANK, PartnerEvent, type WorkOrderPacket } from '#contracts'
import { realClock, seededRandom } from '#platform'
import { OrderLedger } from './order-ledger.ts'
import { DemoPartner, type PartnerOptions } from './partner.ts'
import { signWebhook, verifyWebhook } from './webhook-signature.ts'

const HOUR_MS = 3_600_000
const START_MS = Date.UTC(2026, 10, 23)
const SECRET = `whsec_${Buffer.from('a partner secret of 32 bytes ok!').toString('base64')}`
const API_KEY = 'partner-api-key-for-tests'
const eventSchema = Compile(PartnerEvent)

const id = (prefix: string, n: number) => `${prefix}_${String(n).padStart(26, '0')}`

function packet(n: number, hubUrl: string, change: Partial<WorkOrderPacket['workOrder']> = {}): WorkOrderPacket {
  const slot = { from: instant(START_MS + 30 * HOUR_MS), to: instant(START_MS + 32 * HOUR_MS) }
  return {
    workOrder: {
      id: id('wo', n),
      number: `BH-2026-${n}`,
      createdAt: instant(START_MS),
      priority: 'normal',
      reworkOf: null,
      window: { notBefore: slot.from, dueBy: slot.to, slots: [slot] },
      sla: { acceptBy: slot.from, bookBy: slot.from, arriveBy: slot.to, finishBy: slot.to },
      requirements: { skills: [], certifications: [], genuineParts: true },
      charge: {
        currency: 'CNY',
        payer: 'homeowner',
        coverage: 'out_of_warranty',
        lines: [],
        totalMinor: 0,
        collectedBy: 'partner',
        quoteVersion: 1,
      },
      ...change,
    },
    brand: { key: 'acme', name: { en: 'Acme', 'zh-CN': '优家' } },
    items: [
      {
        id: id('it', n),
        caseId: id('case', n),
        device: { id: id('dev', n), category: 'air-purifier', product: 'ap-300', serial: `AP-${n}`, history: [] },
        job: {
          code: 'replace-hepa',
          title: { en: 'Replace', 'zh-CN': '更换' },
          kind: 'replace_part',
          duration: 'PT30M',
          parts: [{ sku: 'HEPA-300', quantity: 1 }],
          tools: [],
          steps: [],
          safety: [],
        },
        diagnosis: {
          component: 'hepa-filter',
          cause: { code: 'clogged', text: { en: 'clogged', 'zh-CN': '堵塞' } },
          confidence: null,
          evidence: [],
          alternatives: [],
          faultCodes: [],
          remoteActions: [],
          dataAgeSeconds: 60,
        },
      },
    ],
    site: { district: '310115', street: null },
    links: {
      site: `${hubUrl}/partner/v1/work-orders/${id('wo', n)}/site`,
      job: `${hubUrl}/j/x`,
      events: `${hubUrl}/partner/v1/work-orders/${id('wo', n)}/events`,
    },
  }
}

/** The hub's partner side, as far as this test needs it: keeps what arrives and says whether it was signed. */
async function hub() {
  const events: (PartnerEvent & { signed: boolean; path: string })[] = []
  const siteReads: string[] = []
  const answers = { event: 200 }
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const path = request.url!
      if (path.endsWith('/site')) {
        siteReads.push(String(request.headers.authorization))
        response.end(
          JSON.stringify({
            contact: { name: 'x', number: '1', kind: 'privacy' },
            consent: { id: id('cons', 1), recipient: 'p', grantedAt: instant(START_MS) },
          }),
        )
        return
      }
      const body = Buffer.concat(chunks)
      const { ok } = verifyWebhook(SECRET, request.headers, body, realClock.nowMs())
      events.push({ ...(JSON.parse(body.toString()) as PartnerEvent), signed: ok, path })
      response.writeHead(answers.event).end('{}')
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, events, siteReads, answers }
}

async function started(options: Partial<PartnerOptions> & { hubUrl: string; wear?: number; seed?: number }) {
  const replaced: string[] = []
  let nowMs = START_MS
  const partner = new DemoPartner({
    random: seededRandom(options.seed ?? 1),
    world: {
      has: () => true,
      wear: () => options.wear ?? 0.85,
      replace: (serial, component, { by }) => void replaced.push(`${serial} ${component} ${by}`),
    },
    nowMs: () => nowMs,
    ...options,
  })
  onTestFinished(() => partner.close())
  const url = (await partner.start())!
  partner.equip({ secret: SECRET, apiKey: API_KEY })
  let sent = 0
  const send = async (type: string, data: unknown, webhookId = `msg_${sent++}`, secret = SECRET) => {
    const body = JSON.stringify({
      specversion: '1.0',
      id: webhookId,
      source: 'urn:x',
      type: `beforehand.${type}`,
      time: instant(nowMs),
      datacontenttype: 'application/json',
      sequence: '1',
      data,
    })
    const headers = signWebhook(secret, { id: webhookId, body, nowMs: realClock.nowMs() })
    return fetch(url, { method: 'POST', body, headers: { ...headers, 'content-type': 'application/json' } })
  }
  const run = async (hours: number) => {
    for (let i = 0; i < hours; i++) {
      nowMs += HOUR_MS
      await partner.step(nowMs)
    }
  }
  return { partner, send, run, replaced }
}

test('goes the whole way: accepts, looks at the address once, travels, replaces, reports, each event signed and in order', async () => {
  const outside = await hub()
  const { partner, send, run, replaced } = await started({ hubUrl: outside.url })
  expect((await send('work_order.created', packet(1, outside.url))).status).toBe(200)
  await run(40)
  expect(outside.events.map((event) => event.status)).toEqual([
    'accepted',
    'appointed',
    'dispatched',
    'en_route',
    'arrived',
    'completed',
  ])
  const ranks = outside.events.map((event) => PARTNER_STATUS_RANK[event.status]!)
  expect(ranks).toEqual([...ranks].sort((a, b) => a - b))
  expect(outside.events.every((event) => event.signed)).toBe(true)
  for (const { signed, path, ...event } of outside.events) expect([...eventSchema.Errors(event)]).toEqual([])
  expect(outside.events.at(-1)!.outcome!.items[0]).toMatchObject({
    item: id('it', 1),
    verdict: 'confirmed',
    partsUsed: [{ sku: 'HEPA-300', quantity: 1, origin: 'genuine' }],
  })
  expect(outside.siteReads).toEqual([`Bearer ${API_KEY}`])
  expect(replaced).toEqual(['AP-1 hepa-filter technician'])
  const times = outside.events.map((event) => Date.parse(event.at!))
  expect(times).toEqual([...times].sort((a, b) => a - b))
  expect(times.at(-1)).toBeLessThanOrEqual(START_MS + 40 * HOUR_MS)
  expect(partner.ledger.violations).toEqual([])
})

test('the ledger stays exact under repeats: one order per webhook id, however often it comes', async () => {
  const outside = await hub()
  const { partner, send, run } = await started({ hubUrl: outside.url })
  for (let i = 0; i < 5; i++)
    expect((await send('work_order.created', packet(1, outside.url), 'msg_same')).status).toBe(200)
  await run(40)
  expect(partner.counts()).toMatchObject({ received: 5, accepted: 1, repeated: 4, orders: 1 })
  expect(outside.events.filter((event) => event.status === 'accepted').length).toBe(1)
})

test('a bad signature is refused and leaves no trace', async () => {
  const outside = await hub()
  const { partner, send } = await started({ hubUrl: outside.url })
  const wrong = `whsec_${Buffer.from('not the secret of this partner!!').toString('base64')}`
  expect((await send('work_order.created', packet(1, outside.url), 'msg_1', wrong)).status).toBe(401)
  expect(partner.counts()).toMatchObject({ badSignature: 1, accepted: 0, orders: 0 })
})

test('while it is down it answers 503 and takes nothing; the same event is taken afterwards', async () => {
  const outside = await hub()
  const { partner, send, run } = await started({ hubUrl: outside.url, down: { chancePerDay: 1, hours: 5 } })
  await run(25)
  expect((await send('work_order.created', packet(1, outside.url), 'msg_1')).status).toBe(503)
  await run(6)
  expect((await send('work_order.created', packet(1, outside.url), 'msg_1')).status).toBe(200)
  expect(partner.counts()).toMatchObject({ refused: 1, orders: 1 })
})

test('an appliance that is not worn is left as it is', async () => {
  const outside = await hub()
  const { send, run, replaced } = await started({ hubUrl: outside.url, wear: 0.2 })
  await send('work_order.created', packet(1, outside.url))
  await run(40)
  expect(outside.events.at(-1)!.outcome!.items[0]).toMatchObject({ verdict: 'no_fault_found' })
  expect(replaced).toEqual([])
})

test('a technician who only claims changes nothing in the world', async () => {
  const outside = await hub()
  const { send, run, replaced } = await started({ hubUrl: outside.url, habits: { claimsOnly: 1 } })
  await send('work_order.created', packet(1, outside.url))
  await run(40)
  expect(outside.events.at(-1)!.outcome!.items[0]!.partsUsed).toHaveLength(1)
  expect(replaced).toEqual([])
})

test('a cancelled order is not travelled to', async () => {
  const outside = await hub()
  const { send, run, replaced } = await started({ hubUrl: outside.url })
  await send('work_order.created', packet(1, outside.url))
  await run(5)
  await send('work_order.cancelled', { workOrderId: id('wo', 1) })
  await run(40)
  expect(outside.events.map((event) => event.status)).toEqual(['accepted', 'appointed'])
  expect(replaced).toEqual([])
})

test('an order the hub no longer knows is dropped', async () => {
  const outside = await hub()
  outside.answers.event = 409
  const { send, run } = await started({ hubUrl: outside.url })
  await send('work_order.created', packet(1, outside.url))
  await run(40)
  expect(outside.events.length).toBe(1)
})

test('the same seed does the same at the same hub times', async () => {
  const runs: unknown[] = []
  for (let i = 0; i < 2; i++) {
    const outside = await hub()
    const { send, run } = await started({ hubUrl: outside.url, seed: 5 })
    await send('work_order.created', packet(1, outside.url))
    await run(40)
    runs.push(outside.events.map(({ status, at, technician }) => [status, at, technician]))
  }
  expect(runs[0]).toEqual(runs[1])
})

test('the ledger names what must never happen', () => {
  const ledger = new OrderLedger()
  const first = ledger.receive(packet(1, 'http://x'), 0)
  ledger.receive(packet(1, 'http://x'), 0)
  expect(ledger.violations).toEqual(['order BH-2026-1 was created twice', expect.stringContaining('two live orders')])
  ledger.violations.length = 0
  first.statuses.push('completed')
  ledger.orders.clear()
  ledger.orders.set(first.id, first)
  const again = packet(2, 'http://x')
  again.items[0]!.caseId = first.cases[0]!
  ledger.receive(again, 0)
  expect(ledger.violations).toEqual([expect.stringContaining('without saying that it is rework')])
})
