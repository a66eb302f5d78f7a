import { Compile } from 'typebox/compile'
import { describe, expect, test } from 'vitest'
import {
  AcceptBody,
  DeclineBody,
  type OfferView,
  QuoteDecisionBody,
  RateBody,
  ReportProblemBody,
  SelfServiceBody,
  SnoozeBody,
  StopBody,
  VisitBody,
} from '#contracts'
import { contrasts } from './testing/contrasts.ts'
import { OFFER_SCENES } from './testing/gallery.ts'
import { withPhones } from './testing/phone.ts'
import { acceptedView, offerView, twoNeeds } from './testing/recorded.ts'

const SCHEMAS = {
  accept: Compile(AcceptBody),
  snooze: Compile(SnoozeBody),
  decline: Compile(DeclineBody),
  self_service: Compile(SelfServiceBody),
  visit: Compile(VisitBody),
  stop: Compile(StopBody),
  rate: Compile(RateBody),
  report_problem: Compile(ReportProblemBody),
  quote: Compile(QuoteDecisionBody),
}
const scene = (name: string) => OFFER_SCENES.find((it) => it.name === name)!.view as OfferView
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
        body: offerView({ locale: 'en', state: 'self_service', choices: ['accept'] }),
      }),
      [`POST ${OFFER}/accept`]: () => ({ body: acceptedView('received') }),
    })
    await page.locator('[data-choice=self_service]').click()
    await page.getByRole('button', { name: 'I will take care of it' }).click()
    await page.getByText('The appliance tells us when it is done').waitFor()
    expect(await page.locator('ol li').count()).toBe(3)
    const text = await page.locator('body').textContent()
    for (const words of ['Air purifier AP-300 · HEPA filter', 'About 5 minutes', 'Send somebody after all'])
      expect(text).toContain(words)
    // Who changes their mind sees price and times, and is one tap from a visit.
    await page.locator('summary').click()
    expect(await page.locator('.rows .total').last().innerText()).toBe('¥279.00')
    await page.locator('[data-choice=accept]').click()
    await page.locator('.steps').waitFor()
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

  test('several needs: one visit, one price, each with its own reason; some of them may be declined', async () => {
    const page = await phone('/h/tok', {
      [`GET ${OFFER}`]: () => ({ body: twoNeeds() }),
      [`POST ${OFFER}/decline`]: () => ({ body: offerView() }),
    })
    expect(await page.locator('h1').textContent()).toBe('一次上门处理 2 件事')
    expect(await page.locator('svg.chart').count()).toBe(2)
    await page.locator('[data-choice=decline]').click()
    await page.locator('input[value=not_now]').check()
    for (const box of await page.locator('input[name=need]').all()) await box.uncheck()
    await page.getByRole('button', { name: '确认不需要' }).click()
    await page.getByText('请至少选择一项').waitFor()
    await page.locator('input[name=need]').nth(1).check()
    await page.locator('textarea[name=text]').fill('下个月再说')
    await page.getByRole('button', { name: '确认不需要' }).click()
    await expect.poll(() => posts().length).toBe(1)
    const [body] = sent(`${OFFER}/decline`)
    expect(body).toEqual({ reason: 'not_now', needs: [twoNeeds().needs[1]!.caseId], text: '下个月再说' })
    expect(SCHEMAS.decline.Check(body)).toBe(true)
  })

  test('only what one can do oneself is taken on; the rest stays offered', async () => {
    const page = await phone('/h/tok', {
      [`GET ${OFFER}`]: () => ({ body: twoNeeds() }),
      [`POST ${OFFER}/self_service`]: () => ({ body: offerView() }),
    })
    await page.locator('[data-choice=self_service]').click()
    await page.getByText('其余的仍可预约上门').waitFor()
    await page.getByRole('button', { name: '我会自己处理' }).click()
    await expect.poll(() => posts().length).toBe(1)
    expect(sent(`${OFFER}/self_service`)).toEqual([{ needs: [twoNeeds().needs[0]!.caseId] }])
    expect(SCHEMAS.self_service.Check(sent(`${OFFER}/self_service`)[0])).toBe(true)
  })

  test.each([
    { from: 'apart', choice: 'visit', confirm: '查看上门时间', body: { needs: ['case_00000000000000000000000009'] } },
    { from: 'offered', choice: 'stop', confirm: '不再提醒', body: {} },
    { from: 'stopped', choice: 'resume', confirm: '恢复', body: {} },
  ] as const)('$choice from “$from” says what it means before it is sent', async ({ from, choice, confirm, body }) => {
    const page = await phone('/h/tok', {
      [`GET ${OFFER}`]: () => ({ body: scene(from) }),
      [`POST ${OFFER}/${choice}`]: () => ({ body: offerView() }),
    })
    await page.locator(`[data-choice=${choice}]`).click()
    expect(posts()).toEqual([])
    expect(await page.locator(`[data-open=${choice}] :is(p, li)`).count()).toBeGreaterThan(0)
    if (choice === 'stop')
      expect(await page.locator('[data-open=stop]').textContent()).toContain('安全的消息仍会发给您')
    await page.getByRole('button', { name: confirm, exact: true }).click()
    await expect.poll(() => posts().length).toBe(1)
    expect(sent(`${OFFER}/${choice}`)).toEqual([body])
    if (choice !== 'resume') expect(SCHEMAS[choice].Check(body)).toBe(true)
  })

  test('who pays which line; what is covered costs nothing', async () => {
    const page = await phone('/h/tok', { [`GET ${OFFER}`]: () => ({ body: scene('offered-shared') }) })
    expect(await page.locator('.rows dd').allInnerTexts()).toEqual(['¥30.00', '保修承担', '¥50.00', '¥80.00'])
    const covered = await phone('/h/tok', { [`GET ${OFFER}`]: () => ({ body: scene('offered-covered') }) })
    expect(await covered.locator('.rows .total').allInnerTexts()).toEqual(['您支付', '¥0.00'])
  })

  test('the reader sees who would learn what, and may leave a partner out', async () => {
    const view = scene('offered-two-partners')
    const page = await phone('/h/tok', {
      [`GET ${OFFER}`]: () => ({ body: view }),
      [`POST ${OFFER}/accept`]: () => ({ body: acceptedView('received') }),
    })
    expect(await page.locator('fieldset small').allInnerTexts()).toEqual(
      view.partners.map(() => '接单后可看到：地址、联系方式、诊断结果、设备信息'),
    )
    await page.locator('input[value=near-home]').uncheck()
    await page.locator('[data-choice=accept]').click()
    await page.locator('.steps').waitFor()
    expect(sent(`${OFFER}/accept`)).toMatchObject([{ shareWith: ['swift-repair'] }])
  })

  test('what changed meanwhile is shown and said before anybody agrees to it', async () => {
    let view = offerView()
    const page = await phone('/h/tok', {
      [`GET ${OFFER}`]: () => ({ body: view }),
      [`POST ${OFFER}/accept`]: (body) => {
        if ((body as AcceptBody).revision === 3) return { body: acceptedView('received') }
        view = twoNeeds()
        return { status: 409, body: { code: 'OFFER_CHANGED', detail: 'x' } }
      },
    })
    await page.locator('[data-choice=accept]').click()
    await page.getByText('内容或价格刚有更新').waitFor()
    expect(await page.locator('.total').last().innerText()).toBe('¥339.00')
    await page.locator('[data-choice=accept]').click()
    await page.locator('.steps').waitFor()
  })

  test('a time that is gone is said in the reader’s language', async () => {
    const refusal = { code: 'VALIDATION_FAILED', detail: 'Choose another.', pointer: '/slot' }
    const page = await phone('/h/tok', {
      [`GET ${OFFER}`]: () => ({ body: offerView() }),
      [`POST ${OFFER}/accept`]: () => ({ status: 422, body: refusal }),
    })
    await page.locator('[data-choice=accept]').click()
    await page.getByText('这个时间已约满或已过去').waitFor()
    expect(await page.locator('body').textContent()).not.toContain('Choose another')
  })

  test.each([
    { decision: 'accept', from: 'quote', says: '新的总价 ¥399.00' },
    { decision: 'decline', from: 'quote', says: '按原来约定的内容和价格继续' },
    { decision: 'decline', from: 'quote-cancels', says: '这次服务取消' },
  ] as const)(
    'a quote is decided ($decision) only after its consequence was read',
    async ({ decision, from, says }) => {
      const page = await phone('/h/tok', {
        [`GET ${OFFER}`]: () => ({ body: scene(from) }),
        [`POST ${OFFER}/quote/2`]: () => ({ body: acceptedView('under_way') }),
      })
      const card = await page.locator('.asks').innerText()
      for (const words of ['风机轴承磨损', '¥279.00', '¥399.00', '多 ¥120.00', '11月24日 周二 10:30'])
        expect(card).toContain(words)
      await page.locator(`[data-choice=quote-${decision}]`).click()
      expect(await page.locator('[data-open]').innerText()).toContain(says)
      expect(posts()).toEqual([])
      await page.locator(`[data-send=${decision}]`).click()
      await page.locator('.asks').waitFor({ state: 'detached' })
      expect(sent(`${OFFER}/quote/2`)).toEqual([{ decision }])
      expect(SCHEMAS.quote.Check({ decision })).toBe(true)
    },
  )

  test('rates with stars and by keyboard, asks for what is missing, and can be changed', async () => {
    const page = await phone('/h/tok', {
      [`GET ${OFFER}`]: () => ({ body: scene('rate') }),
      [`POST ${OFFER}/rate`]: () => ({ body: scene('verified') }),
    })
    await page.locator('[data-choice=rate]').click()
    await page.getByRole('button', { name: '提交评价' }).click()
    await page.getByText('请为每一项点星').waitFor()
    await page.locator('.stars').nth(0).locator('.star').nth(4).click()
    await page.locator('input[name=quality]').first().focus()
    for (let i = 0; i < 3; i++) await page.keyboard.press('ArrowRight')
    await page.locator('.stars').nth(2).locator('.star').nth(2).click()
    expect(await page.locator('.star.lit').count()).toBe(5 + 4 + 3)
    await page.locator('input[name=solved][value=yes]').check()
    await page.locator('textarea').fill('很准时')
    await page.getByRole('button', { name: '提交评价' }).click()
    await page.getByText('谢谢您的评价').waitFor()
    const [body] = sent(`${OFFER}/rate`)
    expect(body).toEqual({ attitude: 5, quality: 4, speed: 3, solved: true, text: '很准时' })
    expect(SCHEMAS.rate.Check(body)).toBe(true)
    await page.getByRole('button', { name: '修改评价' }).click()
    expect(await page.locator('.star.lit').count()).toBe(5 + 4 + 5)
  })

  test('reports a problem; what was typed outlives a reload, and is forgotten once sent', async () => {
    const page = await phone('/h/tok', {
      [`GET ${OFFER}`]: () => ({ body: scene('problem') }),
      [`POST ${OFFER}/report_problem`]: () => ({ body: scene('problem') }),
    })
    await page.locator('[data-choice=report_problem]').click()
    await page.locator('input[value=damage]').check()
    await page.locator('textarea').fill('地板划了一道')
    await page.reload()
    await page.locator('textarea').waitFor()
    expect(await page.locator('textarea').inputValue()).toBe('地板划了一道')
    expect(await page.locator('input[value=damage]').isChecked()).toBe(true)
    await page.getByRole('button', { name: 'English' }).click()
    expect(await page.locator('textarea').inputValue()).toBe('地板划了一道')
    await page.getByRole('button', { name: 'Send' }).click()
    await page.getByText('somebody will look into it').waitFor()
    const [body] = sent(`${OFFER}/report_problem`)
    expect(body).toEqual({ kind: 'damage', text: '地板划了一道' })
    expect(SCHEMAS.report_problem.Check(body)).toBe(true)
    await page.locator('[data-choice=report_problem]').click()
    expect(await page.locator('textarea').inputValue()).toBe('')
  })

  test.each([
    ['wait-parts', '等配件到货 · 第 2 次上门', '还差一个配件'],
    ['wait-time', '重新约时间 · 第 2 次上门', '没能碰上面'],
    ['next-partner', '正在联系下一家', '您同意的下一家，价格不变'],
    ['overcharged', '回访', '收费高于约定'],
  ])('says kindly what a visit waits for: %s', async (name, title, words) => {
    const page = await phone('/h/tok', { [`GET ${OFFER}`]: () => ({ body: scene(name) }) })
    expect(await page.locator('section[aria-label] .big').first().innerText()).toBe(title)
    expect(await page.locator('body').innerText()).toContain(words)
  })

  test('with several needs, one that holds does not speak for the others', async () => {
    const page = await phone('/h/tok', { [`GET ${OFFER}`]: () => ({ body: scene('verified-several') }) })
    expect(await page.locator('.tag').allInnerTexts()).toEqual(['已上门'])
    expect(await page.locator('.notice').allInnerTexts()).toEqual([
      '设备数据显示，问题已解决。',
      '数据未显示更换，我们正在核实。',
    ])
  })

  test('danger stands first in every state until it is known to be gone', async () => {
    for (const name of ['offered-danger', 'stopped-danger', 'not-fixed-danger']) {
      const page = await phone('/h/tok', { [`GET ${OFFER}`]: () => ({ body: scene(name) }) })
      expect(await page.locator('#page > :nth-child(2)').getAttribute('data-safety'), name).not.toBeNull()
    }
  })

  test('times are the home’s, and whoever reads elsewhere is told so', async () => {
    const page = await phone('/h/tok', { [`GET ${OFFER}`]: () => ({ body: offerView({ timeZone: 'Europe/Berlin' }) }) })
    await page.getByText('时间以家中时区为准：Europe/Berlin').waitFor()
    expect(await page.locator('input[name=slot] + span').first().innerText()).toBe('02:00–04:00')
  })

  test('the picture of a measurement has its words for who cannot see it', async () => {
    const page = await phone('/h/tok', { [`GET ${OFFER}`]: () => ({ body: offerView() }) })
    await page.getByRole('img', { name: '滤网压差 262 Pa（上限 250 Pa），自 11月23日 周一 07:18 起' }).waitFor()
  })

  test('the whole way by keyboard: day, time, agreement', async () => {
    const page = await phone('/h/tok', {
      [`GET ${OFFER}`]: () => ({ body: offerView() }),
      [`POST ${OFFER}/accept`]: () => ({ body: acceptedView('received') }),
    })
    const reach = async (selector: string): Promise<void> => {
      for (let i = 0; i < 40; i++) {
        await page.keyboard.press('Tab')
        if (await page.evaluate(`document.activeElement.matches(${JSON.stringify(selector)})`)) return
      }
      throw new Error(`Tab never reaches ${selector}`)
    }
    await reach('[data-day]')
    await reach('[data-day]')
    await page.keyboard.press('Enter')
    await reach('input[name=slot]')
    await page.keyboard.press('ArrowDown')
    await reach('[data-choice=accept]')
    await page.keyboard.press('Enter')
    await page.locator('.steps').waitFor()
    expect(sent(`${OFFER}/accept`)).toMatchObject([{ slot: { from: offerView().slots[4]!.from } }])
    expect(await page.evaluate('document.activeElement.tagName')).toBe('H1')
  })
})
