import { readdirSync, readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { join } from 'node:path'
import pg from 'pg'
import { expect, onTestFinished, test } from 'vitest'
import { instant, type OfferView, type PartnerEvent, type WorkOrderPacket } from '#contracts'
import { newId, realClock, sha256Hex } from '#platform'
import { HubApi, HubClock, signWebhook } from '#simulators'
import { openEars } from './testing/ears.ts'
import { HOUR_MS, MINUTE_MS, PRODUCT, partnerServer, setUpHouse } from './testing/small-house.ts'
import { hubProcess, testFolder } from './testing/test-hub.ts'

/** Stands in everything that is somebody's: one search finds them all, in whatever place they were left. */
const SENTINEL = 'Zq7Weiss'
/** Stands in what is nobody's and stays: it proves that the search looks where it says. */
const APPLIANCE = 'SN-Vk3Bleibt'

const person = {
  role: 'owner',
  name: `王${SENTINEL}Name`,
  contact: { number: `1380000${SENTINEL}`, kind: 'direct', extension: `x${SENTINEL}` },
  channel: 'wechat',
  channels: ['wechat', 'sms'],
  locale: 'zh-CN',
}
const address = {
  province: '上海市',
  city: '上海市',
  district: '浦东新区',
  street: `${SENTINEL}路`,
  community: `${SENTINEL}花园`,
  building: `${SENTINEL}座`,
  room: `1201${SENTINEL}`,
  accessNotes: `门禁 ${SENTINEL}`,
}

test('what is somebody’s is said to nobody unasked; and a home erased during a live order is in no table, no file, no line of the log', async () => {
  const dataDir = join(testFolder(), 'data')
  const hub = await hubProcess({
    HUB_DATA_DIR: dataDir,
    HUB_HTTP_PORT: '0',
    HUB_MQTT_PORT: '0',
    HUB_ALLOW_LOOPBACK: 'yes',
    HUB_DISK_RESERVE: '0',
    HUB_LOG_LEVEL: 'trace',
    HUB_TIME_SCALE: '10000000',
  })
  const operator = new HubApi(hub.httpUrl, hub.adminKey!)
  const clock = new HubClock(operator)
  const partner = await partnerServer()
  onTestFinished(() => partner.server.close())
  const { brand, partnerSecret } = await setUpHouse(operator, {
    nowMs: await clock.read(),
    partnerUrl: partner.server.url,
    homes: 0,
    rule: { for: 'PT0S' },
  })
  partner.setSecret(partnerSecret)
  await brand.post('/api/rules/hepa-clogged/activate', { settle: 'PT0S' })
  // Never answers well: what is for the brand stays in the queue, and in the end becomes a dead letter.
  let badly = 500
  const deaf = createServer((_request, response) => response.writeHead(badly).end())
  await new Promise<void>((resolve) => deaf.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void deaf.close())
  const { port } = deaf.address() as { port: number }
  await brand.post('/api/endpoints', { url: `http://127.0.0.1:${port}/` })

  const newHome = (headers: Record<string, string> = {}): Promise<{ id: string }> =>
    brand.post(
      '/api/homes',
      {
        timeZone: 'Asia/Shanghai',
        region: '310115005',
        quietHours: { from: '00:00', to: '00:00' },
        externalRef: `customer ${SENTINEL} ${Object.keys(headers).length}`,
        address,
        people: [person],
      },
      { headers },
    )
  const home = await newHome({ 'idempotency-key': 'home-once' })
  // Nobody is asked often: what another offer takes to be said is said in another home.
  const second = await newHome()
  await brand.post(
    `/api/homes/${home.id}/people`,
    { ...person, name: `李${SENTINEL}` },
    { headers: { 'idempotency-key': 'person-once' } },
  )
  const kept = await brand.post<{ id: string }>('/api/homes', { siteRef: `place ${SENTINEL}`, people: [person] })
  for (const { id } of [home, second])
    for (const purpose of ['monitoring', 'contact'])
      await brand.post(`/api/homes/${id}/consents`, {
        purpose,
        granted: true,
        at: instant(clock.nowMs),
        by: 'owner',
        method: 'app',
        textVersion: '1',
        textSha256: sha256Hex('text'),
        dataKinds: ['telemetry'],
      })
  const tokens: string[] = []
  const devices: string[] = []
  for (const number of [1, 2, 3, 4]) {
    const made = await brand.post<{ device: { id: string }; credential: { accessToken: string } }>('/api/devices', {
      serial: `${APPLIANCE}-${number}`,
      product: PRODUCT.key,
      home: number <= 2 ? home.id : second.id,
    })
    tokens.push(made.credential.accessToken)
    devices.push(made.device.id)
  }
  const partnerKey = await operator.post<{ key: string }>('/api/keys', {
    role: 'partner',
    partnerKey: 'swift-repair',
    label: 'technicians',
  })
  const ears = await openEars({ httpUrl: hub.httpUrl, operator, brand, partner: operator.as(partnerKey.key) })
  const anyone = new HubApi(hub.httpUrl, null)
  const list = async <T>(path: string): Promise<T[]> => (await brand.get<{ items: T[] }>(path)).items

  /** The filter clogs and the home is asked: the path of its page. */
  const offerOf = async (token: string): Promise<string> => {
    for (const value of [180, 262, 262]) {
      await clock.stepTo(clock.nowMs + MINUTE_MS)
      await anyone.post(`/api/v1/${token}/telemetry`, { ts: clock.nowMs, values: { filter_dp_pa: value } })
    }
    await clock.stepTo(clock.nowMs + 20 * MINUTE_MS)
    const [offer] = await list<{ link: string; state: string }>('/api/offers?state=offered')
    return `/home/v1/offers/${offer!.link.split('/').at(-1)}`
  }
  /** It agrees; the order is at the partner. */
  const pathOf = new Map<string, string>()
  const orderFor = async (token: string): Promise<WorkOrderPacket> => {
    const path = await offerOf(token)
    const { slots } = await anyone.get<OfferView>(path)
    await anyone.post(`${path}/accept`, { slot: slots[0], shareWith: ['swift-repair'] })
    await clock.stepTo(clock.nowMs + MINUTE_MS)
    const orders = await list<{ packet: WorkOrderPacket }>('/api/work-orders?state=sent')
    pathOf.set(orders[0]!.packet.workOrder.id, path)
    return orders[0]!.packet
  }
  const say = async (order: WorkOrderPacket, event: PartnerEvent): Promise<void> => {
    const body = JSON.stringify(event)
    const response = await fetch(`${hub.httpUrl}/partner/v1/work-orders/${order.workOrder.id}/events`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        ...signWebhook(partnerSecret, { id: newId('msg'), body, nowMs: realClock.nowMs() }),
      },
      body,
    })
    expect(response.status, await response.text()).toBe(200)
  }
  const technician = { ref: `T-${SENTINEL}`, name: `张${SENTINEL}`, contact: `139${SENTINEL}` }
  const ownWords = [
    ...Object.values(technician),
    `王女士${SENTINEL}说`,
    `换 ${SENTINEL}`,
    `打给${SENTINEL}`,
    `${SENTINEL} 家的外壳裂了`,
    `https://pictures.example/${SENTINEL}.jpg`,
  ]
  const arrive = async (order: WorkOrderPacket): Promise<void> => {
    await say(order, { status: 'accepted', technician })
    const site = await operator.as(partnerKey.key).get(`/partner/v1/work-orders/${order.workOrder.id}/site`)
    expect(JSON.stringify(site)).toContain(SENTINEL)
    await say(order, { status: 'dispatched', technician })
  }

  const first = await orderFor(tokens[0]!)
  await arrive(first)
  await say(first, {
    status: 'completed',
    outcome: {
      items: [
        {
          item: first.items[0]!.id,
          verdict: 'confirmed',
          partsUsed: [{ sku: 'HEPA-300', quantity: 1, origin: 'genuine' }],
          report: { found: `王女士${SENTINEL}说`, done: [`换 ${SENTINEL}`], advice: `打给${SENTINEL}` },
        },
      ],
      photos: [`https://pictures.example/${SENTINEL}.jpg`],
    },
  })
  // Everything people can write: the home of a fault and of the visit, the brand of what it ended.
  const firstLink = pathOf.get(first.workOrder.id)!
  const stars = { attitude: 5, quality: 5, speed: 5, solved: true }
  await anyone.post(`${firstLink}/rate`, { ...stars, text: `师傅${SENTINEL}很好` })
  await anyone.post(`${firstLink}/report_problem`, { kind: 'price', text: `贵 ${SENTINEL}` })
  const declined = await offerOf(tokens[2]!)
  await anyone.post(`${declined}/decline`, { reason: 'other', text: `${SENTINEL} 不用` })
  const calledOff = await orderFor(tokens[3]!)
  await say(calledOff, { status: 'accepted', technician })
  await brand.post(`/api/work-orders/${calledOff.workOrder.id}/cancel`, { reason: `${SENTINEL} 搬家了` })
  const [alert] = await list<{ id: string }>(`/api/alerts?open=true&device=${devices[3]}`)
  await brand.post(`/api/alerts/${alert!.id}/dismiss`, { reason: `${SENTINEL} 打来电话` })

  const live = await orderFor(tokens[1]!)
  await say(live, { status: 'accepted', technician })
  await say(live, {
    status: 'quoted',
    quote: {
      version: 2,
      lines: [{ kind: 'labour', amountMinor: 30_000 }],
      reason: `${SENTINEL} 家的外壳裂了`,
      validUntil: instant(clock.nowMs + HOUR_MS),
    },
  })
  await anyone.post(`${pathOf.get(live.workOrder.id)}/quote/2`, { decision: 'accept' })
  await arrive(live)
  await brand.post('/api/fault-reports', {
    device: devices[0],
    reportedAt: instant(clock.nowMs),
    channel: 'hotline',
    // Whoever answers the telephone may well write down who rang.
    externalRef: `T-1 ${SENTINEL}`,
    text: `王女士 ${SENTINEL} 说坏了`,
  })
  await brand.post('/api/silences', {
    scope: { device: devices[0] },
    until: instant(clock.nowMs + HOUR_MS),
    reason: `${SENTINEL} 不要打扰`,
  })

  // What will be looked for was there, in everything the home may ask to see.
  const seen = JSON.stringify([
    await brand.get(`/api/homes/${home.id}/export`),
    await brand.get(`/api/homes/${second.id}/export`),
  ])
  for (const word of [person.name, `李${SENTINEL}`, person.contact.number, address.room, address.accessNotes]) {
    expect(seen).toContain(word)
  }
  for (const word of [
    `师傅${SENTINEL}很好`,
    `贵 ${SENTINEL}`,
    `王女士 ${SENTINEL} 说坏了`,
    `T-1 ${SENTINEL}`,
    `${SENTINEL} 不要打扰`,
    `${SENTINEL} 不用`,
    `${SENTINEL} 搬家了`,
    `${SENTINEL} 打来电话`,
    `${SENTINEL} 家的外壳裂了`,
  ]) {
    expect(seen).toContain(word)
  }
  for (const word of [technician.name, technician.contact, `王女士${SENTINEL}说`, `customer ${SENTINEL}`]) {
    expect(seen).toContain(word)
  }

  // And yet none of it was said to anybody who did not ask for it under audit, or written where words lie open.
  await clock.stepTo(clock.nowMs + MINUTE_MS)
  const said = await ears.heard()
  const heard: Record<string, string> = {
    ...said,
    // Who polls reads the technicians and words it sent itself, and of the home nothing.
    polled: ownWords.reduce((text, word) => text.replaceAll(word, ''), said.polled),
    partner: JSON.stringify(partner.events),
    logLines: hub.errors(),
  }
  // By what is in it each of them proves that it was listened to.
  const known: Record<string, string> = {
    webhooks: 'beforehand.notice.requested',
    stream: live.workOrder.id,
    metrics: 'beforehand_',
    deadLetters: '"dead"',
    outbox: 'beforehand.work_order.created',
    polled: live.workOrder.number,
    audit: 'site',
    partner: live.workOrder.number,
    logLines: '"level"',
  }
  expect(Object.keys(heard).toSorted()).toEqual(Object.keys(known).toSorted())
  for (const [way, text] of Object.entries(heard)) {
    expect(text.includes(known[way]!), `${way} says ${known[way]}`).toBe(true)
    expect(text.includes(SENTINEL), `${way} says something of a person`).toBe(false)
  }
  for (const folder of ['log', 'history']) {
    const written = everyFile(join(dataDir, folder))
    expect(written.length).toBeGreaterThan(0)
    expect(written.filter((file) => readFileSync(file).includes(SENTINEL))).toEqual([])
  }

  const erased = await brand.post<{ state: string; removed: Record<string, number> }>(
    `/api/homes/${home.id}/erase`,
    undefined,
  )
  expect(erased.removed).toMatchObject({ people: 2, homes: 1, partner_events: expect.any(Number) })
  for (const { id } of [kept, second]) await brand.post(`/api/homes/${id}/erase`, undefined)
  const site = await fetch(`${hub.httpUrl}/partner/v1/work-orders/${live.workOrder.id}/site`, {
    headers: { authorization: `Bearer ${partnerKey.key}` },
  })
  expect(site.status).toBe(410)
  // A word that comes late, of a home that is gone, is taken without what it says of people.
  await say(live, { status: 'en_route', technician, visit: 9 })
  badly = 410
  for (let hour = 0; hour < 24; hour++) await clock.stepTo(clock.nowMs + HOUR_MS)
  for (const id of [home.id, second.id, kept.id]) {
    expect(await brand.get(`/api/homes/${id}/erasure`)).toMatchObject({ state: 'done' })
  }
  await partner.event('beforehand.work_order.cancelled')
  await expect(
    brand.post('/api/homes', { people: [person] }, { headers: { 'idempotency-key': 'home-once' } }),
  ).rejects.toThrow(/422|GONE/)

  const rows = await everyRow(dataDir)
  expect(rows.filter((row) => row.text.includes(APPLIANCE)).length).toBeGreaterThan(0)
  expect(placesOf(rows)).toEqual([])

  const { stderr } = await hub.kill('SIGTERM')
  expect(stderr.split('\n').length).toBeGreaterThan(1)
  expect(stderr).not.toContain(SENTINEL)
  const files = everyFile(dataDir)
  const holding = (word: string): string[] => files.filter((file) => readFileSync(file).includes(word))
  // The appliance is in the log, in the database and in its write-ahead log; so this looks where things are.
  expect(holding(APPLIANCE).some((file) => file.includes('pg_wal'))).toBe(true)
  expect(holding(APPLIANCE).some((file) => file.startsWith(join(dataDir, 'log')))).toBe(true)
  expect(holding(SENTINEL)).toEqual([])
}, 400_000)

interface Row {
  table: string
  text: string
}

/** Every column of every row of every table, as text; `bytea` in hex, as PostgreSQL writes it. */
async function everyRow(dataDir: string): Promise<Row[]> {
  const { owner } = JSON.parse(readFileSync(join(dataDir, 'postgres', 'credentials.json'), 'utf8')) as { owner: string }
  const client = new pg.Client({
    host: join(dataDir, 'postgres', 'run'),
    user: 'hub_owner',
    password: owner,
    database: 'beforehand',
  })
  await client.connect()
  try {
    // Row-level security binds the owner too.
    await client.query(`SELECT set_config('hub.scope', 'hub', false)`)
    const { rows: tables } = await client.query<{ name: string }>(
      `SELECT quote_ident(c.relname) AS name FROM pg_class c
        WHERE c.relkind IN ('r', 'p', 'm') AND c.relnamespace = 'public'::regnamespace ORDER BY 1`,
    )
    const all: Row[] = []
    for (const { name } of tables) {
      const { rows } = await client.query<{ text: string }>(`SELECT t::text AS text FROM ${name} t`)
      all.push(...rows.map(({ text }) => ({ table: name, text })))
    }
    return all
  } finally {
    await client.end()
  }
}

/** Tables in which the sentinel is left, in plain or in hex. */
function placesOf(rows: readonly Row[]): string[] {
  const hex = Buffer.from(SENTINEL).toString('hex')
  return [
    ...new Set(rows.filter(({ text }) => text.includes(SENTINEL) || text.includes(hex)).map(({ table }) => table)),
  ]
}

function everyFile(dir: string): string[] {
  return readdirSync(dir, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
}
