import { expect, test } from 'vitest'
import type { NoticeRequested } from '#contracts'
import { BRAND_USER, DAY, HOUR, MINUTE, MORNING_MS, makeWorld, type World } from '../testing/world.ts'

const told = (world: World): NoticeRequested[] =>
  world.brandServer.ofType('notice.requested').map((one) => one.event.data as NoticeRequested)

const prefer = (world: World, ...channels: string[]) =>
  world.db.asBrand(world.brandId, (tx) =>
    tx.updateTable('people').set({ channels }).where('home_id', '=', world.homeId).execute(),
  )

const own = (world: World, over: Partial<{ kind: 'service' | 'promotion'; zh: string; expiresAt: string }> = {}) =>
  world.db.asBrand(world.brandId, (tx) =>
    world.bridge.notices.request(tx, world.brandId, {
      homeId: world.homeId,
      kind: over.kind ?? 'service',
      text: { en: 'a word', 'zh-CN': over.zh ?? '一句话' },
      ...(over.expiresAt === undefined ? {} : { expiresAt: over.expiresAt }),
      by: BRAND_USER,
    }),
  )

async function asked(channels: string[] = ['wechat', 'sms', 'call']) {
  const world = await makeWorld()
  await prefer(world, ...channels)
  await world.fire()
  await world.pass(15 * MINUTE)
  const [notice] = told(world)
  const receipt = async (status: 'sent' | 'delivered' | 'read' | 'failed' | 'opted_out', channel?: string) => {
    const view = await world.bridge.notices.receipt(world.brandId, notice!.noticeId, {
      status,
      ...(channel === undefined ? {} : { channel }),
    })
    await world.bridge.idle()
    return view.status
  }
  return { world, notice: notice!, receipt }
}

test('channels come in the person’s order; a failure asks the next, under the same notice and another webhook', async () => {
  const { world, notice, receipt } = await asked()
  expect(notice).toMatchObject({
    attempt: 1,
    channels: ['wechat', 'sms', 'call'],
    quietHours: { from: '21:00', to: '08:30', timeZone: 'Asia/Shanghai' },
    person: expect.stringMatching(/^per_/),
  })
  expect(await receipt('failed')).toBe('requested')
  expect(await receipt('failed', 'sms')).toBe('requested')
  // The first channel says it again: it was heard.
  await receipt('failed', 'wechat')
  expect(told(world).map(({ noticeId, attempt, channels }) => [noticeId, attempt, channels])).toEqual([
    [notice.noticeId, 1, ['wechat', 'sms', 'call']],
    [notice.noticeId, 2, ['sms', 'call']],
    [notice.noticeId, 3, ['call']],
  ])
  expect(new Set(world.brandServer.ofType('notice.requested').map((one) => one.id)).size).toBe(3)
  expect(await receipt('failed', 'call')).toBe('failed')
  expect(await world.onlyCase()).toMatchObject({ needsReview: 'no channel reached the home' })
})

test('a receipt that comes late takes nothing back, and one that comes twice is one', async () => {
  const { receipt } = await asked()
  expect(await receipt('read')).toBe('read')
  expect(await receipt('delivered')).toBe('read')
  expect(await receipt('failed')).toBe('read')
  expect(await receipt('read')).toBe('read')
})

test('a failure at night asks the next channel in the morning', async () => {
  const { world, receipt } = await asked()
  // Ten at night in Shanghai.
  await world.pass(12 * HOUR)
  await receipt('failed')
  expect(told(world)).toHaveLength(1)
  await world.pass(10 * HOUR + 30 * MINUTE)
  expect(told(world)).toHaveLength(2)
})

test('opted out: not chased elsewhere, never again on that channel, and again once the home agrees anew', async () => {
  const { world, receipt } = await asked(['wechat'])
  expect(await receipt('opted_out')).toBe('opted_out')
  expect(told(world)).toHaveLength(1)
  await expect(own(world)).rejects.toMatchObject({ code: 'STATE_FORBIDS' })
  // The consent is still what it was: one channel was closed.
  const consents = await world.db.asBrand(world.brandId, (tx) =>
    tx.selectFrom('consents').select(['granted', 'withdrawn_at_ms']).where('purpose', '=', 'contact').execute(),
  )
  expect(consents).toEqual([{ granted: true, withdrawn_at_ms: null }])
  await world.pass(MINUTE)
  await world.consent('contact')
  expect((await own(world)).status).toBe('requested')
})

test('with every channel closed nobody is asked, until the home agrees anew', async () => {
  const { world, receipt } = await asked(['wechat'])
  await receipt('opted_out')
  await world.pass(30 * DAY)
  const before = told(world).length
  await world.fire({ component: 'fan' })
  await world.pass(DAY)
  expect(told(world)).toHaveLength(before)
  await world.consent('contact')
  await world.pass(DAY)
  expect(told(world).length).toBeGreaterThan(before)
})

test('danger passes everything: night, cap, opt-outs; on every channel of the home', async () => {
  const { world, receipt } = await asked(['wechat', 'sms'])
  await receipt('opted_out', 'wechat')
  await world.pass(12 * HOUR)
  const count = told(world).length
  await world.fire({ component: 'fan', safety: 'overheat' })
  await world.bridge.idle()
  const [danger] = told(world).slice(count)
  expect(danger).toMatchObject({ kind: 'safety', channels: ['wechat', 'sms'], quietHours: null })
  expect(danger!.text['zh-CN']).toContain('立即断电')
})

test('what was queued by day and failed does not go out at night', async () => {
  const world = await makeWorld({ startMs: MORNING_MS + 10 * HOUR + 48 * MINUTE })
  // It is 20:48 in Shanghai; the brand's server is away until after nine.
  world.brandServer.behave((_request, response) => response.writeHead(503).end())
  await world.fire()
  await world.pass(13 * MINUTE)
  expect(told(world).length).toBeGreaterThan(0)
  world.brandServer.behave((_request, response) => response.writeHead(200).end())
  const before = told(world).length
  await world.pass(11 * HOUR)
  expect(told(world)).toHaveLength(before)
  await world.pass(HOUR)
  expect(told(world)).toHaveLength(before + 1)
})

test('an offer answered or taken back before its message left: there is no message', async () => {
  const world = await makeWorld({ startMs: MORNING_MS + 12 * HOUR })
  await own(world)
  const episode = await world.fire()
  await world.pass(9 * HOUR)
  await world.resolve(episode)
  await world.pass(3 * HOUR)
  const statuses = (await world.bridge.notices.list(world.brandId, {})).items.map((one) => one.reasonCode)
  expect(statuses).toContain('brand_message')
  expect(told(world).map((one) => one.reasonCode)).toEqual(['brand_message'])
})

test('a notice that expires while it waits is never sent', async () => {
  const world = await makeWorld({ startMs: MORNING_MS })
  world.brandServer.behave((_request, response) => response.writeHead(503).end())
  await own(world, { expiresAt: new Date(MORNING_MS + HOUR).toISOString() })
  await world.pass(2 * HOUR)
  world.brandServer.behave((_request, response) => response.writeHead(200).end())
  const before = told(world).length
  await world.pass(5 * HOUR)
  expect(told(world)).toHaveLength(before)
  expect((await world.bridge.notices.list(world.brandId, { status: 'expired' })).items).toHaveLength(1)
})

test('two needs that are only told are one message; the cap then spreads what comes after', async () => {
  const world = await makeWorld({ rule: { dispatch: 'notify' }, bridge: { policy: { noticesPerHome: 2 } } })
  await world.fire()
  await world.fire({ component: 'fan' })
  await world.pass(15 * MINUTE)
  const [both] = told(world)
  expect(told(world)).toHaveLength(1)
  expect(both!.cases).toHaveLength(2)
  expect(both!.text['zh-CN']).toContain('2项')
  await own(world)
  await world.pass(MINUTE)
  expect(told(world)).toHaveLength(2)
  const third = await own(world, { expiresAt: new Date(world.clock.nowMs() + 20 * DAY).toISOString() })
  expect(Date.parse(third.sendAfter)).toBe(Date.parse(both!.sendAfter) + 14 * DAY)
  const tooSoon = new Date(world.clock.nowMs() + 13 * DAY).toISOString()
  await expect(own(world, { expiresAt: tooSoon })).rejects.toMatchObject({ code: 'STATE_FORBIDS' })
})

test('a promotion needs its own consent, and comes once a month', async () => {
  const world = await makeWorld()
  await expect(own(world, { kind: 'promotion' })).rejects.toMatchObject({ code: 'STATE_FORBIDS' })
  await world.consent('promotion')
  expect((await own(world, { kind: 'promotion' })).kind).toBe('promotion')
  await expect(own(world, { kind: 'promotion' })).rejects.toMatchObject({ code: 'STATE_FORBIDS' })
  await world.pass(MINUTE)
  expect(told(world).map((one) => one.kind)).toEqual(['promotion'])
  await expect(own(world, { zh: '长'.repeat(61) })).rejects.toMatchObject({ pointer: '/text/zh-CN' })
})

test('withdrawn before it left: a promotion is not sent after all', async () => {
  const world = await makeWorld({ startMs: MORNING_MS + 13 * HOUR })
  await world.consent('promotion')
  await own(world, { kind: 'promotion' })
  await world.consent('promotion', false)
  await world.pass(DAY)
  expect(told(world)).toEqual([])
  expect((await world.bridge.notices.list(world.brandId, { status: 'withdrawn' })).items).toHaveLength(1)
})
