import { Compile } from 'typebox/compile'
import { describe, expect, test } from 'vitest'
import { AcceptBody, DeclineBody, SnoozeBody } from '#contracts'
import { contrasts } from './testing/contrasts.ts'
import { withPhones } from './testing/phone.ts'
import { acceptedView, offerView } from './testing/recorded.ts'

const SCHEMAS = { accept: Compile(AcceptBody), snooze: Compile(SnoozeBody), decline: Compile(DeclineBody) }
const OFFER = '/home/v1/offers/tok'
const { phone, sent, posts } = withPhones()

describe('offer page', () => {
  test.each(['zh-CN', 'en'] as const)('says why, how much, who and when in %s', async (locale) => {
    const page = await phone('/h/tok', { [`GET ${OFFER}`]: () => ({ body: offerView({ locale }) }) })
    const text = await page.locator('body').textContent()
    const words =
      locale === 'en'
        ? ['Replace the HEPA filter', '262 Pa', '¥279.00', 'Swift Repair', 'Agree and book']
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
    expect(sent(`${OFFER}/accept`)).toEqual([{ slot: slots[5], shareWith: ['swift-repair'], revision: 1 }])
    expect(SCHEMAS.accept.Check(sent(`${OFFER}/accept`)[0])).toBe(true)
    expect(await page.locator('.steps li > span').allInnerTexts()).toEqual(['受理', '接单', '前往', '完成', '回访'])
    expect(await page.locator('[aria-current=step] > span').textContent()).toBe('受理')
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
        body: offerView({ locale: 'en', state: 'self_service', choices: ['visit'] }),
      }),
    })
    await page.locator('[data-choice=self_service]').click()
    await page.getByRole('button', { name: 'I will take care of it' }).click()
    await page.getByText('The appliance tells us when it is done').waitFor()
    expect(await page.locator('ol li').count()).toBe(3)
    const text = await page.locator('body').textContent()
    for (const words of ['Air purifier AP-300 · HEPA filter', 'About 5 minutes', 'Send somebody after all'])
      expect(text).toContain(words)
  })

  test.each([
    ['taken', 'zh-CN'],
    ['under_way', 'en'],
  ] as const)('progress at %s in %s', async (stage, locale) => {
    const page = await phone('/h/tok', { [`GET ${OFFER}`]: () => ({ body: { ...acceptedView(stage), locale } }) })
    expect(await page.locator('.steps .reached').count()).toBe(stage === 'taken' ? 2 : 3)
    expect(await page.locator('[data-choice=cancel]').count()).toBe(stage === 'taken' ? 1 : 0)
  })

  test('says that the repair was verified', async () => {
    const view = acceptedView('followed_up', {
      result: { found: '滤网堵塞，已更换', verified: 'verified', solved: null },
    })
    const page = await phone('/h/tok', { [`GET ${OFFER}`]: () => ({ body: view }) })
    await page.getByText('设备数据显示，问题已解决。').waitFor()
    expect(await page.locator('.tag').allInnerTexts()).toEqual(['已解决'])
    expect(await page.locator('body').textContent()).not.toContain('建议近期处理')
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
    expect(await page.locator('.facts dt').allInnerTexts()).toEqual(['您选择的时间', '单号'])
    expect(await page.locator('.facts dd').first().innerText()).toBe('11月25日 周三 09:00–11:00')
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
    }
  })
})
