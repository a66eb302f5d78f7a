import { Compile } from 'typebox/compile'
import { describe, expect, test } from 'vitest'
import { JobEventBody, type JobView } from '#contracts'
import { withPhones } from './testing/phone.ts'
import { jobView, siteAddress } from './testing/recorded.ts'

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
})
