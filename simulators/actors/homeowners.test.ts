import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { instant, type OfferView } from '#contracts'
import { seededRandom } from '#platform'
import { awake } from './awake.ts'
import type { HomeownerChange } from './home-diary.ts'
import { DemoHomeowners } from './homeowners.ts'
import type { Temper } from './temper.ts'

const HOUR_MS = 3_600_000
const START_MS = Date.UTC(2026, 10, 23)
const slot = (day: number) => ({
  from: instant(START_MS + day * 24 * HOUR_MS),
  to: instant(START_MS + (day * 24 + 2) * HOUR_MS),
})

/** What a homeowner reads of an offer; the rest of the view is not looked at. */
function view(change: Partial<OfferView> = {}): OfferView {
  return {
    choices: ['accept', 'snooze', 'self_service', 'decline'],
    needs: [
      {
        device: { category: 'smart-lock', name: { en: 'Lock', 'zh-CN': '锁' }, serial: 'SL-1' },
        component: { key: 'cells', name: { en: 'Batteries', 'zh-CN': '电池' } },
        job: { code: 'replace-cells', title: { en: 'Batteries', 'zh-CN': '换电池' }, duration: 'PT15M' },
        selfService: { guide: 'lock-cells', minutes: 3 },
      },
    ],
    slots: [slot(1), slot(2), slot(3)],
    partners: [{ key: 'swift-repair', name: { en: 'Swift', 'zh-CN': '快修' }, shares: ['address'] }],
    ...change,
  } as OfferView
}

async function home(temper: Partial<Temper>, options: { seed?: number; answer?: OfferView } = {}) {
  const asked: { path: string; body: unknown }[] = []
  const answers = { view: options.answer ?? view(), status: 200 }
  const server = createServer((request, response) => {
    let text = ''
    request.on('data', (chunk) => (text += chunk))
    request.on('end', () => {
      asked.push({ path: `${request.method} ${request.url}`, body: text ? JSON.parse(text) : null })
      response
        .writeHead(answers.status)
        .end(JSON.stringify(answers.status === 200 ? answers.view : { code: 'GONE', detail: 'over' }))
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  const hubUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const changes: HomeownerChange[] = []
  const replaced: string[] = []
  const people = new DemoHomeowners({
    hubUrl,
    random: seededRandom(options.seed ?? 1),
    world: {
      has: () => true,
      wear: () => 0.9,
      replace: (serial, component, { by }) => void replaced.push(`${serial} ${component} ${by}`),
    },
    devicesOfHome: (homeId) =>
      homeId === 'home_1'
        ? [
            { serial: 'SL-1', category: 'smart-lock' },
            { serial: 'AP-1', category: 'air-purifier' },
          ]
        : [],
    temper: { accept: 0, snooze: 0, decline: 0, myself: 0, ...temper },
    onChange: (change) => changes.push(change),
  })
  const notice = {
    noticeId: 'nt_1',
    kind: 'service',
    reasonCode: 'offer',
    link: `${hubUrl}/h/tok-1`,
    sendAfter: instant(START_MS + 6 * HOUR_MS),
    home: 'home_1',
    text: { en: 'Act', 'zh-CN': '请处理' },
  }
  const posts = () => asked.filter((it) => it.path.startsWith('POST'))
  return { people, notice, changes, replaced, posts, asked, answers }
}

test('reads the notice no earlier than it may be sent, and answers hours later', async () => {
  const { people, notice, changes, posts, asked } = await home({ accept: 1 })
  people.receive(notice, START_MS)
  await people.step(START_MS + 5 * HOUR_MS)
  expect(asked).toEqual([])
  await people.step(START_MS + 6 * HOUR_MS)
  expect(changes.map((change) => change.kind)).toEqual(['notice'])
  await people.step(START_MS + 20 * HOUR_MS)
  expect(posts()).toEqual([
    {
      path: 'POST /home/v1/offers/tok-1/accept',
      body: { slot: expect.objectContaining({ from: expect.any(String) }), shareWith: ['swift-repair'] },
    },
  ])
  expect(view().slots).toContainEqual((posts()[0]!.body as { slot: unknown }).slot)
})

test.each([
  ['snooze', { snooze: 1 }, 'snooze'],
  ['decline', { decline: 1 }, 'decline'],
] as const)('%s is sent as such', async (kind, temper, path) => {
  const { people, notice, changes, posts } = await home(temper)
  people.receive(notice, START_MS)
  await people.step(START_MS + 48 * HOUR_MS)
  expect(posts().map((it) => it.path)).toEqual([`POST /home/v1/offers/tok-1/${path}`])
  expect(changes.at(-1)!.kind).toBe(kind)
})

test('does it alone, and the part in the simulated world is really new', async () => {
  const { people, notice, replaced, posts } = await home({ accept: 1, myself: 1 })
  people.receive(notice, START_MS)
  await people.step(START_MS + 20 * HOUR_MS)
  expect(posts().map((it) => it.path)).toEqual(['POST /home/v1/offers/tok-1/self_service'])
  expect(replaced).toEqual([])
  await people.step(START_MS + 6 * 24 * HOUR_MS)
  expect(replaced).toEqual(['SL-1 cells homeowner'])
})

test('some never answer', async () => {
  const { people, notice, changes, posts } = await home({})
  people.receive(notice, START_MS)
  await people.step(START_MS + 48 * HOUR_MS)
  expect(posts()).toEqual([])
  expect(changes.at(-1)!.kind).toBe('ignore')
})

test('an offer that is over by then is let be', async () => {
  const { people, notice, changes, posts, answers } = await home({ accept: 1 })
  people.receive(notice, START_MS)
  await people.step(START_MS + 6 * HOUR_MS)
  answers.status = 410
  await people.step(START_MS + 48 * HOUR_MS)
  expect(posts()).toEqual([])
  expect(changes.map((change) => change.kind)).toEqual(['notice'])
})

test('a notice without a link asks for nothing', async () => {
  const { people, notice, asked } = await home({ accept: 1 })
  people.receive({ ...notice, link: null }, START_MS)
  await people.step(START_MS + 48 * HOUR_MS)
  expect(asked).toEqual([])
})

test('a safety warning is acted upon within hours, whatever the hour', async () => {
  const { people, notice, changes, replaced } = await home({})
  people.receive({ ...notice, kind: 'safety', reasonCode: 'safety', link: null }, START_MS)
  expect(changes.map((change) => change.kind)).toEqual(['warned'])
  await people.step(START_MS + 10 * HOUR_MS)
  expect(replaced).toEqual(['SL-1 cells homeowner'])
})

test('nobody answers in their sleep', () => {
  const inShanghai = (clock: string) => awake(Date.parse(`2026-06-02T${clock}:00+08:00`), 'Asia/Shanghai')
  const shown = (clock: string) => new Date(inShanghai(clock) + 8 * 3_600_000).toISOString().slice(11, 16)
  expect(['22:59', '23:10', '00:30', '06:59', '07:00'].map(shown)).toEqual([
    '22:59',
    '07:10',
    '07:30',
    '07:59',
    '07:00',
  ])
})
