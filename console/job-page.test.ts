import { Compile } from 'typebox/compile'
import { describe, expect, test } from 'vitest'
import { JobEventBody, type JobView } from '#contracts'
import { withPhones } from './testing/phone.ts'
import { jobView, siteAddress, twoItems } from './testing/recorded.ts'

const EVENT = Compile(JobEventBody)
const JOB = '/job/v1/tok'
const { phone, sent, posts, asked } = withPhones()

describe('job page', () => {
  test.each(['zh-CN', 'en'] as const)('reads in ten seconds in %s', async (locale) => {
    const page = await phone('/j/tok', { [`GET ${JOB}`]: () => ({ body: jobView({ locale }) }) })
    const first = await page.locator('section').first().textContent()
    for (const word of ['310115', 'HEPA-300', '86 %', '¥279.00']) expect(first).toContain(word)
    const order = await page
      .locator('[data-safety], button.main')
      .evaluateAll((all) => all.map((it) => it.hasAttribute('data-safety')))
    expect(order).toEqual([true, false])
    expect(await page.locator('svg.chart').count()).toBe(1)
  })

  test('walks the usual way, one big button at a time, each event in the contract’s form', async () => {
    const way = ['accepted', 'appointed', 'dispatched', 'en_route', 'arrived'] as const
    const rank = { accepted: 1, appointed: 2, dispatched: 3, en_route: 4, arrived: 5 }
    let view = jobView()
    const page = await phone('/j/tok', {
      [`GET ${JOB}`]: () => ({ body: view }),
      [`POST ${JOB}/events`]: (body) => {
        const { status, appointment } = body as JobEventBody
        const later = [
          ...way.filter((it) => rank[it] > (rank[status as 'accepted'] ?? 9)),
          'completed',
          'failed',
        ] as JobView['allowed']
        view = jobView({
          status,
          allowed: status === 'completed' ? [] : later,
          siteOpen: true,
          appointment: appointment ?? view.appointment,
        })
        return { body: view }
      },
    })
    for (const status of way) {
      await page.locator(`button.main[data-status=${status}]`).click()
      if (status === 'appointed') {
        await page.locator('input[name=slot]').nth(1).check()
        await page.locator('[data-send=appointed]').click()
      }
      await expect.poll(() => posts().length).toBe(way.indexOf(status) + 1)
    }
    await page.locator('button.main[data-status=completed]').click()
    await page.locator('[data-send=completed]').waitFor()
    await page.locator('[data-send=completed]').click()
    await page.getByText('任务已结束').waitFor()
    const events = sent(`${JOB}/events`) as JobEventBody[]
    expect(events.map((event) => event.status)).toEqual([...way, 'completed'])
    for (const event of events) expect([...EVENT.Errors(event)]).toEqual([])
    expect(events[1]!.appointment).toEqual(jobView().workOrder.window.slots[1])
    expect(events.at(-1)!.outcome!.items).toEqual([
      {
        item: jobView().items[0]!.id,
        verdict: 'confirmed',
        partsUsed: [{ sku: 'HEPA-300', quantity: 1, origin: 'genuine' }],
        report: { found: expect.stringContaining('HEPA'), done: ['更换 HEPA 滤网'], advice: '' },
      },
    ])
  })

  test('no fault found: no parts, no words put in the technician’s mouth', async () => {
    const page = await phone('/j/tok', {
      [`GET ${JOB}`]: () => ({ body: jobView({ status: 'arrived', allowed: ['completed', 'failed'], locale: 'en' }) }),
      [`POST ${JOB}/events`]: () => ({ body: jobView({ status: 'completed', allowed: [] }) }),
    })
    await page.locator('button.main[data-status=completed]').click()
    await page.locator('input[value=no_fault_found]').check()
    await page.locator('textarea').first().fill('Pressure is fine\nwith the window closed')
    await page.locator('[data-send=completed]').click()
    await expect.poll(() => posts().length).toBe(1)
    const event = sent(`${JOB}/events`)[0] as JobEventBody
    expect(EVENT.Check(event)).toBe(true)
    expect(event.outcome!.items[0]).toMatchObject({
      verdict: 'no_fault_found',
      report: { done: [], found: 'Pressure is fine\nwith the window closed' },
    })
    expect(event.outcome!.items[0]!.partsUsed).toBeUndefined()
  })

  test('rejecting asks for a reason from the closed list', async () => {
    const page = await phone('/j/tok', {
      [`GET ${JOB}`]: () => ({ body: jobView() }),
      [`POST ${JOB}/events`]: () => ({ body: jobView({ status: 'rejected', allowed: [] }) }),
    })
    await page.locator('summary').first().click()
    await page.locator('[data-status=rejected]').click()
    await page.locator('select').selectOption('no_part')
    await page.locator('[data-send=rejected]').click()
    await page.getByText('任务已结束').waitFor()
    expect(sent(`${JOB}/events`)[0]).toMatchObject({ status: 'rejected', reason: 'no_part', visit: 1 })
  })

  test('the address is fetched only when asked for, once', async () => {
    const page = await phone('/j/tok', {
      [`GET ${JOB}`]: () => ({
        body: jobView({
          status: 'accepted',
          siteOpen: true,
          allowed: ['appointed', 'dispatched', 'en_route', 'arrived', 'cancelled'],
        }),
      }),
      [`GET ${JOB}/site`]: () => ({ body: siteAddress }),
    })
    const reads = () => asked().filter((it) => it.path === `${JOB}/site`).length
    expect(reads()).toBe(0)
    await page.locator('[data-address]').click()
    await page.getByText('浦东新区').waitFor()
    expect(await page.locator('a[href^="tel:"]').getAttribute('href')).toBe('tel:17000000000,0042')
    await page.locator('.switch').click()
    expect(await page.locator('body').textContent()).toContain('1102')
    expect(reads()).toBe(1)
  })

  const at = (status: NonNullable<JobView['status']>, allowed: JobView['allowed'], change: Partial<JobView> = {}) =>
    jobView({ status, allowed, siteOpen: true, ...change })
  const outbox = '[data-waiting]'

  test('without a connection what is said waits, outlives a reload, and arrives once, in order', async () => {
    let view = at('appointed', ['dispatched', 'en_route', 'arrived', 'completed'])
    const page = await phone('/j/tok', {
      [`GET ${JOB}`]: () => ({ body: view }),
      [`POST ${JOB}/events`]: (body) => {
        const { status } = body as JobEventBody
        view = at(status, status === 'arrived' ? ['completed', 'failed'] : ['en_route', 'arrived', 'completed'])
        return { body: view }
      },
    })
    await page.context().setOffline(true)
    for (const status of ['dispatched', 'en_route', 'arrived']) {
      await page.locator(`button.main[data-status=${status}]`).click()
      await page.locator(outbox).getByText('等待网络，尚未发出').waitFor()
    }
    // In the cellar the work goes on: the next step is there although the hub knows of none.
    await page.locator('button.main[data-status=completed]').waitFor()
    expect(await page.locator(outbox).innerText()).toContain('已派出 → 前往中 → 已到达')
    expect(posts()).toEqual([])
    await page.context().setOffline(false)
    await page.reload()
    await page.locator(outbox).waitFor({ state: 'detached' })
    await page.locator('button.main[data-status=completed]').waitFor()
    const events = sent(`${JOB}/events`) as JobEventBody[]
    // The reload may cut off an answer: what then goes out again does so under the same id.
    const counted = new Map(events.map(({ id, status }) => [id, status]))
    expect([...counted.values()]).toEqual(['dispatched', 'en_route', 'arrived'])
    for (const event of events) expect([...EVENT.Errors(event)]).toEqual([])
  })

  test('what was unfolded stays so while something is sent in the background', async () => {
    let release = (): void => {}
    const page = await phone('/j/tok', {
      [`GET ${JOB}`]: () => ({ body: at('en_route', ['arrived', 'customer_absent', 'completed']) }),
      [`POST ${JOB}/events`]: async () => {
        await new Promise<void>((resolve) => (release = resolve))
        return { body: at('arrived', ['customer_absent', 'quoted', 'completed']) }
      },
    })
    await page.locator('button.main[data-status=arrived]').click()
    await page.locator(outbox).getByText('正在发送').waitFor()
    await page.locator('section > details summary').first().click()
    release()
    await page.locator(outbox).waitFor({ state: 'detached' })
    await page.locator('[data-status=customer_absent]').click()
    await page.locator('[data-send=customer_absent]').waitFor()
  })

  test('an answer that was lost on its way: the same saying goes out under the same id', async () => {
    let view = jobView()
    let lose = true
    const page = await phone('/j/tok', {
      [`GET ${JOB}`]: () => ({ body: view }),
      [`POST ${JOB}/events`]: () => {
        view = at('accepted', ['appointed', 'dispatched'])
        const status = lose ? 503 : 200
        lose = false
        return { status, body: status === 200 ? view : { code: 'STORE_UNAVAILABLE', detail: 'x' } }
      },
    })
    await page.locator('[data-status=accepted]').click()
    await page.locator('[data-again]').click()
    await page.locator('button.main[data-status=appointed]').waitFor()
    const [first, second] = sent(`${JOB}/events`) as JobEventBody[]
    // The first has the hub's own time; what had to wait says when it was said.
    const { at: saidAt, ...same } = second!
    expect(same).toEqual(first)
    expect(Date.parse(saidAt!)).toBeGreaterThanOrEqual(Date.parse(jobView().now))
    expect(first!.id).toMatch(/^[0-9a-f]{32}$/)
    expect(posts().length).toBe(2)
  })

  test('what the hub refuses comes back as it was filled in, with the reason', async () => {
    const refusal = { code: 'VALIDATION_FAILED', detail: 'The outcome lacks it_2.', pointer: '/outcome/items' }
    const page = await phone('/j/tok', {
      [`GET ${JOB}`]: () => ({ body: at('arrived', ['completed', 'failed'], { locale: 'en' }) }),
      [`POST ${JOB}/events`]: () => ({ status: 422, body: refusal }),
    })
    await page.locator('[data-status=completed]').click()
    await page.locator('textarea').first().fill('mouse in the duct')
    await page.locator('[data-send=completed]').click()
    await page.getByText('The outcome lacks it_2.').waitFor()
    expect(await page.locator('textarea').first().inputValue()).toBe('mouse in the duct')
    expect(await page.locator(outbox).count()).toBe(0)
  })

  test('a report half written is still there after a reload and a change of language', async () => {
    const page = await phone('/j/tok', {
      [`GET ${JOB}`]: () => ({ body: at('arrived', ['completed', 'failed']) }),
    })
    await page.locator('[data-status=completed]').click()
    await page.locator('input[value=other_cause]').check()
    await page.locator('input[name="i0.cause"]').fill('fan_bearing')
    await page.locator('[data-add="i0.parts"]').click()
    await page.locator('input[name="i0.parts.1.sku"]').fill('FAN-300')
    await page.locator('input[name="i0.parts.1.serial"]').fill('F-77')
    await page.locator('input[name=asAgreed]').uncheck()
    await page.locator('input[name="lines.2.amount"]').fill('80.5')
    const check = async (): Promise<void> => {
      await page.locator('[data-send=completed]').waitFor()
      expect(await page.locator('input[name="i0.cause"]').inputValue()).toBe('fan_bearing')
      expect(await page.locator('input[name="i0.parts.1.serial"]').inputValue()).toBe('F-77')
      expect(await page.locator('input[name="lines.2.amount"]').inputValue()).toBe('80.5')
      expect(await page.locator('output').innerText()).toBe('¥309.50')
    }
    await page.reload()
    await check()
    await page.locator('.switch').click()
    await check()
  })

  test('the outcome says parts with serials, old part, origin, another cause, and what was charged', async () => {
    const page = await phone('/j/tok', {
      [`GET ${JOB}`]: () => ({ body: at('arrived', ['completed', 'failed']) }),
      [`POST ${JOB}/events`]: () => ({ body: at('completed', []) }),
    })
    await page.locator('[data-status=completed]').click()
    await page.locator('input[value=other_cause]').check()
    await page.locator('input[name="i0.cause"]').fill('9 lives')
    await page.locator('[data-send=completed]').click()
    await page.getByText('请检查标出的一栏').waitFor()
    await page.locator('input[name="i0.cause"]').fill('fan_bearing')
    await page.locator('input[name="i0.parts.0.serial"]').fill('H-1')
    await page.locator('input[name="i0.parts.0.oldPart"]').fill('H-0')
    await page.locator('[data-add="i0.parts"]').click()
    await page.locator('input[name="i0.parts.1.sku"]').fill('FAN-300')
    await page.locator('select[name="i0.parts.1.origin"]').selectOption('refurbished')
    await page.locator('textarea[name="i0.found"]').fill('轴承磨损')
    await page.locator('textarea[name="i0.done"]').fill('换滤网\n换风机\n')
    await page.locator('input[name=asAgreed]').uncheck()
    await page.locator('[data-add=lines]').click()
    await page.locator('select[name="lines.3.kind"]').selectOption('part')
    await page.locator('input[name="lines.3.name"]').fill('风机')
    await page.locator('input[name="lines.3.amount"]').fill('19.99')
    await page.getByText('高于约定').waitFor()
    await page.locator('[data-send=completed]').click()
    await page.getByText('任务已结束').waitFor()
    const event = sent(`${JOB}/events`)[0] as JobEventBody
    expect([...EVENT.Errors(event)]).toEqual([])
    expect(event.outcome).toEqual({
      items: [
        {
          item: jobView().items[0]!.id,
          verdict: 'other_cause',
          cause: 'fan_bearing',
          partsUsed: [
            { sku: 'HEPA-300', quantity: 1, origin: 'genuine', serial: 'H-1', oldPart: 'H-0' },
            { sku: 'FAN-300', quantity: 1, origin: 'refurbished' },
          ],
          report: { found: '轴承磨损', done: ['换滤网', '换风机'], advice: '' },
        },
      ],
      charge: {
        lines: [
          ...jobView().workOrder.charge.lines,
          { kind: 'part', name: { 'zh-CN': '风机', en: '风机' }, amountMinor: 1_999 },
        ],
        totalMinor: 29_899,
      },
    })
  })

  test('several items: nothing is presumed, each needs its verdict', async () => {
    const page = await phone('/j/tok', {
      [`GET ${JOB}`]: () => ({ body: { ...twoItems(), status: 'arrived', allowed: ['completed'], siteOpen: true } }),
      [`POST ${JOB}/events`]: () => ({ body: at('completed', []) }),
    })
    const cards = await page.locator('section[aria-label]').allInnerTexts()
    expect(cards[1]).toContain('进水速度 3 L/min')
    expect(cards[1]).toContain('水压低')
    await page.locator('[data-status=completed]').click()
    await page.locator('input[name="i0.verdict"][value=confirmed]').check()
    await page.locator('[data-send=completed]').click()
    await page.getByText('请为每一项选择现场判定').waitFor()
    await page.locator('input[name="i1.verdict"][value=other_cause]').check()
    await page.locator('[data-send=completed]').click()
    await page.getByText('任务已结束').waitFor()
    const { outcome } = sent(`${JOB}/events`)[0] as JobEventBody
    expect(outcome!.items).toMatchObject([{ verdict: 'confirmed' }, { verdict: 'other_cause', cause: 'low_pressure' }])
  })

  test('asks for another price with every line, a reason, and what a no means', async () => {
    const open = { version: 2, state: 'open', totalMinor: 39_900, validUntil: '2026-11-24T02:30:00.000Z' } as const
    const page = await phone('/j/tok', {
      [`GET ${JOB}`]: () => ({ body: at('arrived', ['quoted', 'completed', 'failed']) }),
      [`POST ${JOB}/events`]: () => ({ body: at('quoted', ['completed', 'failed'], { quote: open }) }),
    })
    await page.locator('section > details summary').first().click()
    await page.locator('[data-status=quoted]').click()
    await page.locator('[data-send=quoted]').click()
    await page.getByText('请写明原因').waitFor()
    await page.locator('textarea[name=reason]').fill('风机轴承磨损')
    await page.locator('[data-add=lines]').click()
    await page.locator('select[name="lines.3.kind"]').selectOption('part')
    await page.locator('input[name="lines.3.amount"]').fill('120')
    expect(await page.locator('output').innerText()).toBe('¥399.00')
    await page.locator('input[name=valid][value="1"]').check()
    await page.locator('input[name=ifDeclined][value=continue]').check()
    await page.locator('[data-send=quoted]').click()
    await page.locator('[data-quote=open]').waitFor()
    const event = sent(`${JOB}/events`)[0] as JobEventBody
    expect([...EVENT.Errors(event)]).toEqual([])
    expect(event.quote).toEqual({
      version: 2,
      lines: [...jobView().workOrder.charge.lines, { kind: 'part', amountMinor: 12_000 }],
      reason: '风机轴承磨损',
      validUntil: '2026-11-23T03:30:00.000Z',
      ifDeclined: 'continue',
    })
    // Going on before the customer decided is possible, but nothing the page pushes for.
    expect(await page.locator('button.main[data-status]').count()).toBe(0)
    await page.getByText('请等用户决定').waitFor()
  })

  test.each([
    ['accepted', 'appointed', '2026-12-03T06:00:00.000Z'],
    ['appointed', 'rescheduled', '2026-12-03T06:00:00.000Z'],
  ] as const)('after %s, %s at any time agreed on the phone, in the home’s zone', async (status, next, from) => {
    const page = await phone('/j/tok', {
      [`GET ${JOB}`]: () => ({ body: at(status, [next, 'cancelled']) }),
      [`POST ${JOB}/events`]: () => ({ body: at(next, ['dispatched']) }),
    })
    if (next === 'rescheduled') await page.locator('section > details summary').first().click()
    await page.locator(`[data-status=${next}]`).click()
    if (next === 'appointed') await page.locator('input[name=otherTime]').check()
    await page.locator('input[name=day]').fill('2026-12-03')
    await page.locator('input[name=from]').fill('14:00')
    await page.locator('input[name=to]').fill('13:00')
    await page.locator(`[data-send=${next}]`).click()
    await page.getByText('请填写正确的起止时间').waitFor()
    await page.locator('input[name=to]').fill('16:00')
    await page.locator(`[data-send=${next}]`).click()
    await expect.poll(() => posts().length).toBe(1)
    const event = sent(`${JOB}/events`)[0] as JobEventBody
    expect([...EVENT.Errors(event)]).toEqual([])
    expect(event).toMatchObject({ status: next, appointment: { from, to: '2026-12-03T08:00:00.000Z' } })
    expect(event.reason).toBe(next === 'rescheduled' ? 'customer_request' : undefined)
  })

  test.each([
    ['customer_absent', '会提醒用户重新约时间'],
    ['awaiting_parts', '配件到货后请再约时间'],
  ] as const)('%s is said only after it was read what follows', async (status, means) => {
    const page = await phone('/j/tok', {
      [`GET ${JOB}`]: () => ({ body: at('arrived', [status, 'completed']) }),
      [`POST ${JOB}/events`]: () => ({ body: at(status, ['appointed', 'arrived'], { visit: 2 }) }),
    })
    await page.locator('section > details summary').first().click()
    await page.locator(`[data-status=${status}]`).click()
    await page.getByText(means).waitFor()
    expect(posts()).toEqual([])
    await page.locator(`[data-send=${status}]`).click()
    await page.getByText('第 2 次上门').waitFor()
    await page.locator('button.main[data-status=appointed]').waitFor()
  })

  test('a repair the readings do not show is said, and can be objected to in one’s own words', async () => {
    const doubted = [{ item: jobView().items[0]!.id, end: 'not_observed', objectUntil: '2026-11-26T02:30:00.000Z' }]
    const over = (allowed: JobView['allowed']) => at('completed', allowed, { doubted } as Partial<JobView>)
    const page = await phone('/j/tok', {
      [`GET ${JOB}`]: () => ({ body: over(['objected']) }),
      [`POST ${JOB}/events`]: () => ({ body: over([]) }),
    })
    await page.getByText('任务已结束').waitFor()
    await page.getByText('数据未显示已更换').waitFor()
    await page.locator('[data-status=objected]').click()
    await page.locator('[data-send=objected]').click()
    expect(posts()).toEqual([])
    await page.locator('textarea[name=objection]').fill('旧滤芯在店里')
    await page.locator('[data-send=objected]').click()
    await expect.poll(() => posts().length).toBe(1)
    const event = sent(`${JOB}/events`)[0] as JobEventBody
    expect([...EVENT.Errors(event)]).toEqual([])
    expect(event).toMatchObject({ status: 'objected', visit: 1, objection: { text: '旧滤芯在店里' } })
    await expect.poll(() => page.locator('[data-status=objected]').count()).toBe(0)
  })

  test('calls and finds the way with one tap each, and tells no map of the home before it', async () => {
    const page = await phone('/j/tok', {
      [`GET ${JOB}`]: () => ({ body: at('accepted', ['appointed']) }),
      [`GET ${JOB}/site`]: () => ({
        body: { ...siteAddress, geo: { lat: 31.2, lng: 121.5, datum: 'gcj02' } },
      }),
    })
    await page.locator('[data-address]').click()
    const links = await page.locator('.pair a').evaluateAll((all) => all.map((it) => it.getAttribute('href')!))
    expect(links[0]).toContain('to=121.5,31.2,')
    expect(links[0]).toContain('coordinate=gaode')
    expect(decodeURIComponent(links[1]!)).toContain('geo:0,0?q=上海市 浦东新区 花木街道')
    for (const link of await page.locator('.pair a').all())
      expect(await link.getAttribute('rel')).toContain('noreferrer')
  })

  test('the address that may no longer be seen says why', async () => {
    const page = await phone('/j/tok', {
      [`GET ${JOB}`]: () => ({ body: at('accepted', ['appointed']) }),
      [`GET ${JOB}/site`]: () => ({ status: 410, body: { code: 'CONSENT_WITHDRAWN', detail: 'x' } }),
    })
    await page.locator('[data-address]').click()
    await page.getByText('用户已收回授权').waitFor()
  })
})
