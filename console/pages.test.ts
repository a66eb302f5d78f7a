import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Browser, Page } from 'playwright-core'
import { Compile } from 'typebox/compile'
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { AcceptBody, DeclineBody, JobEventBody, JobView, OfferView, SiteAddress, SnoozeBody } from '#contracts'
import { openBrowser } from './testing/browser.ts'
import { type Calls, type PagesServer, servePages } from './testing/pages-server.ts'
import { acceptedView, jobView, offerView, siteAddress } from './testing/recorded.ts'

const SCHEMAS = {
  OfferView: Compile(OfferView),
  JobView: Compile(JobView),
  SiteAddress: Compile(SiteAddress),
  accept: Compile(AcceptBody),
  snooze: Compile(SnoozeBody),
  decline: Compile(DeclineBody),
  event: Compile(JobEventBody),
}
const OFFER = '/home/v1/offers/tok'
const JOB = '/job/v1/tok'
/** Where pictures go when somebody wants to look at them. */
const PICTURES = process.env.PAGES_PICTURES

let browser: Browser
let server: PagesServer

beforeAll(async () => {
  browser = await openBrowser()
  server = await servePages({})
}, 60_000)
afterAll(async () => {
  await browser?.close()
  await server?.close()
})
beforeEach(() => {
  server.calls = {}
  server.asked.length = 0
})

/** A phone that shows the page, and fails the test on any script error or request to elsewhere. */
async function phone(path: string, calls: Calls, locale = 'zh-CN'): Promise<Page> {
  server.calls = calls
  const context = await browser.newContext({ viewport: { width: 360, height: 740 }, locale, deviceScaleFactor: 2 })
  const page = await context.newPage()
  const wrong: string[] = []
  page.on('pageerror', (error) => wrong.push(String(error)))
  page.on('console', (message) => {
    if (message.type() === 'error' && !message.text().includes('Failed to load resource')) wrong.push(message.text())
  })
  page.on('request', (request) => {
    if (!request.url().startsWith(server.url)) wrong.push(`asked ${request.url()}`)
  })
  onTestFinished(async () => {
    await context.close()
    expect(wrong).toEqual([])
  })
  await page.goto(`${server.url}${path}`)
  await page.locator('h1').waitFor()
  return page
}

async function picture(page: Page, name: string): Promise<void> {
  expect(await page.evaluate('document.documentElement.scrollWidth'), 'wider than the phone').toBe(360)
  if (!PICTURES) return
  await mkdir(PICTURES, { recursive: true })
  await page.screenshot({ path: join(PICTURES, `${name}.png`), fullPage: true })
}

const sent = (path: string) =>
  server.asked.filter((it) => it.method === 'POST' && it.path === path).map((it) => it.body)
const posts = () => server.asked.filter((it) => it.method === 'POST')

test('what was recorded fits the contract', () => {
  for (const view of [offerView(), acceptedView(), acceptedView('followed_up')])
    expect([...SCHEMAS.OfferView.Errors(view)]).toEqual([])
  expect([...SCHEMAS.JobView.Errors(jobView())]).toEqual([])
  expect([...SCHEMAS.SiteAddress.Errors(siteAddress)]).toEqual([])
})

describe('offer page', () => {
  test.each(['zh-CN', 'en'] as const)('says why, how much, who and when in %s', async (locale) => {
    const page = await phone('/h/tok', { [`GET ${OFFER}`]: () => ({ body: offerView({ locale }) }) })
    await picture(page, `offer-${locale}`)
    const text = await page.locator('body').textContent()
    const words =
      locale === 'en'
        ? ['Replace the HEPA filter', '262 Pa', '¥279.00', 'Swift Repair', 'Book this visit']
        : ['更换 HEPA 滤网', '262 Pa', '¥279.00', '快修到家', '同意并预约']
    for (const word of words) expect(text).toContain(word)
    expect(await page.locator('html').getAttribute('lang')).toBe(locale)
    expect(await page.locator('svg.chart').count()).toBe(1)
  })

  test('switches language, keeps the focus on the switch and remembers it', async () => {
    const page = await phone('/h/tok', { [`GET ${OFFER}`]: () => ({ body: offerView() }) })
    await page.getByRole('button', { name: 'English' }).click()
    expect(await page.locator('h1').textContent()).toBe('Replace the HEPA filter')
    expect(await page.evaluate('document.activeElement.className')).toBe('switch')
    await page.reload()
    await page.locator('h1').waitFor()
    expect(await page.locator('h1').textContent()).toBe('Replace the HEPA filter')
  })

  test('accepts the chosen slot for the partner named, then shows progress', async () => {
    const page = await phone('/h/tok', {
      [`GET ${OFFER}`]: () => ({ body: offerView() }),
      [`POST ${OFFER}/accept`]: () => ({ body: acceptedView('received', { technician: null }) }),
    })
    const slots = offerView().slots
    await page.locator('.days button').nth(1).click()
    await page.locator('input[name=slot]').nth(2).check()
    await page.locator('[data-choice=accept]').click()
    await page.locator('.steps').waitFor()
    expect(sent(`${OFFER}/accept`)).toEqual([{ slot: slots[5], shareWith: ['swift-repair'] }])
    expect(SCHEMAS.accept.Check(sent(`${OFFER}/accept`)[0])).toBe(true)
    expect(await page.locator('.steps li').allInnerTexts()).toEqual(['受理', '接单', '前往', '完成', '回访'])
    expect(await page.locator('[aria-current=step]').textContent()).toBe('受理')
    await picture(page, 'offer-accepted')
  })

  test('two taps on accept are one request', async () => {
    let release = (): void => {}
    const page = await phone('/h/tok', {
      [`GET ${OFFER}`]: () => ({ body: offerView() }),
      [`POST ${OFFER}/accept`]: async () => {
        await new Promise<void>((resolve) => (release = resolve))
        return { body: acceptedView('received') }
      },
    })
    await page.locator('[data-choice=accept]').dblclick()
    await expect.poll(() => posts().length).toBe(1)
    release()
    await page.locator('.steps').waitFor()
    expect(posts().length).toBe(1)
  })

  test('snoozes by hub time', async () => {
    const page = await phone('/h/tok', {
      [`GET ${OFFER}`]: () => ({ body: offerView() }),
      [`POST ${OFFER}/snooze`]: (body) => ({
        body: offerView({ state: 'snoozed', snoozedUntil: (body as { until: string }).until }),
      }),
    })
    await page.locator('[data-choice=snooze]').click()
    await page.locator('input[name=snooze][value="7"]').check()
    await picture(page, 'offer-snooze')
    await page.getByRole('button', { name: '到时提醒我' }).click()
    await page.locator('.notice[role=status]').waitFor()
    const body = sent(`${OFFER}/snooze`)[0] as SnoozeBody
    expect(SCHEMAS.snooze.Check(body)).toBe(true)
    expect(Date.parse(body.until) - Date.parse(offerView().now)).toBe(7 * 86_400_000)
  })

  test('declines with a reason', async () => {
    const page = await phone('/h/tok', {
      [`GET ${OFFER}`]: () => ({ body: offerView() }),
      [`POST ${OFFER}/decline`]: () => ({ body: offerView({ state: 'declined', choices: [] }) }),
    })
    await page.locator('[data-choice=decline]').click()
    await page.locator('input[value=too_expensive]').check()
    await page.getByRole('button', { name: '确认不需要' }).click()
    await page.getByText('已记录，不再打扰').waitFor()
    expect(sent(`${OFFER}/decline`)).toEqual([{ reason: 'too_expensive' }])
    expect(SCHEMAS.decline.Check(sent(`${OFFER}/decline`)[0])).toBe(true)
  })

  test('shows the guide to whoever does it alone', async () => {
    const page = await phone('/h/tok', {
      [`GET ${OFFER}`]: () => ({ body: offerView({ locale: 'en' }) }),
      [`POST ${OFFER}/self_service`]: () => ({
        body: offerView({ locale: 'en', state: 'self_service', choices: ['accept'] }),
      }),
    })
    await page.locator('[data-choice=self_service]').click()
    await picture(page, 'offer-self')
    await page.getByRole('button', { name: 'I will take care of it' }).click()
    await page.getByText('The appliance tells us when it is done').waitFor()
    expect(await page.locator('ol li').count()).toBe(3)
    const text = await page.locator('body').textContent()
    for (const words of ['Air purifier AP-300 · HEPA filter', 'About 5 minutes', 'Book a visit instead'])
      expect(text).toContain(words)
    await picture(page, 'offer-self-chosen')
  })

  test.each([
    ['taken', 'zh-CN'],
    ['under_way', 'en'],
  ] as const)('progress at %s in %s', async (stage, locale) => {
    const page = await phone('/h/tok', { [`GET ${OFFER}`]: () => ({ body: { ...acceptedView(stage), locale } }) })
    expect(await page.locator('.steps .reached').count()).toBe(stage === 'taken' ? 2 : 3)
    expect(await page.locator('[data-choice=cancel]').count()).toBe(stage === 'taken' ? 1 : 0)
    await picture(page, `offer-progress-${locale}`)
  })

  test('says that the repair was verified', async () => {
    const view = acceptedView('followed_up', {
      result: { found: '滤网堵塞，已更换', verified: 'verified', solved: null },
    })
    const page = await phone('/h/tok', { [`GET ${OFFER}`]: () => ({ body: view }) })
    await page.getByText('设备数据显示，问题已解决。').waitFor()
    expect(await page.locator('.tag').allInnerTexts()).toEqual(['已解决'])
    expect(await page.locator('body').textContent()).not.toContain('建议近期处理')
    await picture(page, 'offer-verified')
  })

  test('a danger stays on the page after a visit that did not end it', async () => {
    const result = (verified: 'verified' | 'not_fixed') => ({
      ...acceptedView('followed_up', { result: { found: null, verified, solved: null } }),
      safety: 'gas' as const,
    })
    const page = await phone('/h/tok', { [`GET ${OFFER}`]: () => ({ body: result('not_fixed') }) })
    expect(await page.locator('[role=alert]').textContent()).toContain('燃气')
    const solved = await phone('/h/tok', { [`GET ${OFFER}`]: () => ({ body: result('verified') }) })
    expect(await solved.locator('[role=alert]').count()).toBe(0)
  })

  test('until the partner appoints, the time reads as the one asked for', async () => {
    const view = acceptedView('received', { appointment: null, technician: null })
    const page = await phone('/h/tok', { [`GET ${OFFER}`]: () => ({ body: view }) })
    expect(await page.locator('.facts dt').allInnerTexts()).toEqual(['您选择的时间', '单号', '最近更新'])
    expect(await page.locator('.facts dd').first().innerText()).toBe('11月25日 周三 09:00–11:00')
    await picture(page, 'offer-requested')
  })

  test.each([
    { name: 'the value that fired', value: 262, series: [251, 262, 240], marked: '262 Pa' },
    { name: 'the worst one, when none shows that value', value: 255, series: [200, 280, 240], marked: '280 Pa' },
  ])('the chart marks $name, not a recovery at its end', async ({ value, series, marked }) => {
    const view = offerView()
    const [first] = view.needs[0]!.evidence
    const points = series.map((reading, i): [string, number] => [`2026-11-2${i}T00:00:00.000Z`, reading])
    view.needs[0]!.evidence = [{ ...first!, value, series: points }]
    const page = await phone('/h/tok', { [`GET ${OFFER}`]: () => ({ body: view }) })
    expect(await page.locator('.now-label').textContent()).toBe(marked)
    await picture(page, `offer-chart-${value}`)
  })

  test('asks for another time and says that it waits for the partner', async () => {
    const before = acceptedView('taken')
    const wanted = before.slots.find((slot) => slot.from > before.slots[2]!.from)!
    const page = await phone('/h/tok', {
      [`GET ${OFFER}`]: () => ({ body: before }),
      [`POST ${OFFER}/reschedule`]: () => ({ body: acceptedView('taken', { requested: wanted }) }),
    })
    await page.locator('[data-choice=reschedule]').click()
    await page.locator('.days button').nth(1).click()
    await page.getByRole('button', { name: '申请改到这个时间' }).click()
    await page.getByText('已转告服务商，等待确认。').waitFor()
    expect(posts()).toMatchObject([{ body: { slot: { from: wanted.from, to: wanted.to } } }])
    await picture(page, 'offer-reschedule')
  })

  test.each([
    { solved: true, press: '解决了', thanks: '您已确认问题解决，谢谢。' },
    { solved: false, press: '没有解决', thanks: '已收到，我们会重新为您安排。' },
  ])('asks whether it is solved when no reading can tell; $press', async ({ solved, press, thanks }) => {
    const view = (said: boolean | null) => ({
      ...acceptedView('followed_up', { result: { found: null, verified: 'unverified', solved: said } }),
      choices: said === null ? (['solved'] as const) : [],
    })
    const page = await phone('/h/tok', {
      [`GET ${OFFER}`]: () => ({ body: view(null) }),
      [`POST ${OFFER}/solved`]: () => ({ body: view(solved) }),
    })
    await page.getByRole('button', { name: press, exact: true }).click()
    await page.getByText(thanks).waitFor()
    expect(posts()).toMatchObject([{ body: { solved } }])
    expect(await page.locator('[data-choice]').count()).toBe(0)
  })

  test('cancelling asks once more', async () => {
    const page = await phone('/h/tok', {
      [`GET ${OFFER}`]: () => ({ body: acceptedView('taken') }),
      [`POST ${OFFER}/cancel`]: () => ({ body: offerView({ state: 'cancelled', choices: [] }) }),
    })
    await page.locator('[data-choice=cancel]').click()
    expect(posts()).toEqual([])
    await page.getByRole('button', { name: '确定取消' }).click()
    await page.getByText('已取消').waitFor()
    expect(posts().length).toBe(1)
  })

  test.each([
    [404, 'NOT_FOUND', '链接无效', false],
    [410, 'OFFER_EXPIRED', '提醒已过期', false],
    [410, 'GONE', '已无法查看', false],
    [503, 'STORE_UNAVAILABLE', '请稍候', true],
    [500, 'INTERNAL', '出错了', true],
  ])('%i %s reads “%s”', async (status, code, title, again) => {
    const page = await phone('/h/tok', { [`GET ${OFFER}`]: () => ({ status, body: { code, detail: 'x' } }) })
    expect(await page.locator('h1').textContent()).toBe(title)
    expect(await page.getByRole('button', { name: '再试一次' }).count()).toBe(again ? 1 : 0)
    if (status === 410 && code === 'OFFER_EXPIRED') await picture(page, 'offer-expired')
  })

  test('offline: the choice stays, and goes through once the line is back', async () => {
    const page = await phone('/h/tok', {
      [`GET ${OFFER}`]: () => ({ body: offerView() }),
      [`POST ${OFFER}/accept`]: () => ({ body: acceptedView('received') }),
    })
    await page.context().setOffline(true)
    await page.locator('[data-choice=accept]').click()
    await page.locator('.notice.alarm').waitFor()
    expect(await page.locator('.notice.alarm').textContent()).toContain('请检查网络')
    await page.context().setOffline(false)
    await page.locator('[data-choice=accept]').click()
    await page.locator('.steps').waitFor()
  })

  test('what others wrote stays text', async () => {
    const nasty = '<img src=x onerror="document.title=1"><b>'
    const view = acceptedView('done', {
      result: { found: nasty, verified: null, solved: null },
      technician: { ref: nasty },
    })
    view.needs[0]!.cause = { en: nasty, 'zh-CN': nasty }
    const page = await phone('/h/tok', { [`GET ${OFFER}`]: () => ({ body: view }) })
    expect(await page.locator('img, b').count()).toBe(0)
    expect(await page.locator('body').textContent()).toContain(nasty)
  })

  test('a safety notice stands first and loud', async () => {
    const view = offerView({ urgency: 'critical', safety: 'lockout' })
    const page = await phone('/h/tok', { [`GET ${OFFER}`]: () => ({ body: view }) })
    expect(await page.locator('[role=alert]').first().textContent()).toContain('机械钥匙')
  })

  test('every control has a name, is large enough to hit, and text contrasts', async () => {
    const page = await phone('/h/tok', { [`GET ${OFFER}`]: () => ({ body: offerView() }) })
    const controls = await page
      .locator('button, summary, .choice')
      .evaluateAll((all) =>
        all.map((it) => ({ text: (it as HTMLElement).textContent.trim(), height: it.getBoundingClientRect().height })),
      )
    expect(controls.length).toBeGreaterThan(8)
    for (const { text, height } of controls) {
      expect(text).not.toBe('')
      expect(height, text).toBeGreaterThanOrEqual(44)
    }
    for (const input of await page.locator('input').all())
      expect(await input.evaluate((it) => (it as HTMLInputElement).labels?.length)).toBe(1)
    for (const scheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme: scheme })
      const ratios = await page.evaluate(contrasts)
      for (const [name, ratio] of Object.entries(ratios)) expect(ratio, `${scheme} ${name}`).toBeGreaterThanOrEqual(4.5)
      if (scheme === 'dark') await picture(page, 'offer-dark')
    }
  })
})

describe('job page', () => {
  test.each(['zh-CN', 'en'] as const)('reads in ten seconds in %s', async (locale) => {
    const page = await phone('/j/tok', { [`GET ${JOB}`]: () => ({ body: jobView({ locale }) }) })
    await picture(page, `job-${locale}`)
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
    await picture(page, 'job-outcome')
    await page.locator('[data-send=completed]').click()
    await page.getByText('任务已结束').waitFor()
    const events = sent(`${JOB}/events`) as JobEventBody[]
    expect(events.map((event) => event.status)).toEqual([...way, 'completed'])
    for (const event of events) expect([...SCHEMAS.event.Errors(event)]).toEqual([])
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
    expect(SCHEMAS.event.Check(event)).toBe(true)
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
    const reads = () => server.asked.filter((it) => it.path === `${JOB}/site`).length
    expect(reads()).toBe(0)
    await page.locator('[data-address]').click()
    await page.getByText('浦东新区').waitFor()
    expect(await page.locator('a[href^="tel:"]').getAttribute('href')).toBe('tel:17000000000')
    await page.locator('.switch').click()
    expect(await page.locator('body').textContent()).toContain('1102')
    expect(reads()).toBe(1)
    await picture(page, 'job-address')
  })
})

/** Contrast of the colours the pages put on each other, after WCAG 2. Runs in the browser. */
function contrasts(): Record<string, number> {
  const style = getComputedStyle(document.documentElement)
  const luminance = (name: string): number => {
    const hex = style.getPropertyValue(name).trim().slice(1)
    const [r, g, b] = [0, 2, 4].map((i) => {
      const c = Number.parseInt(hex.slice(i, i + 2), 16) / 255
      return c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4
    })
    return 0.2126 * r! + 0.7152 * g! + 0.0722 * b!
  }
  const pairs = [
    ['--ink', '--paper'],
    ['--ink', '--ground'],
    ['--ink', '--tint'],
    ['--ink', '--warn-tint'],
    ['--ink', '--alarm-tint'],
    ['--soft', '--paper'],
    ['--soft', '--ground'],
    ['--accent', '--paper'],
    ['--accent', '--ground'],
    ['--accent', '--tint'],
    ['--accent-ink', '--accent'],
    ['--warn', '--warn-tint'],
    ['--alarm', '--alarm-tint'],
    ['--alarm', '--paper'],
  ] as const
  return Object.fromEntries(
    pairs.map(([front, back]) => {
      const [light, dark] = [luminance(front), luminance(back)].sort((a, b) => b - a)
      return [`${front} on ${back}`, (light! + 0.05) / (dark! + 0.05)]
    }),
  )
}
