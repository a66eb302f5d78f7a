import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { aConsent, populate } from '../api/testing/scenario.ts'
import { openSink, type Sink } from '../api/testing/sink.ts'
import { makeHub, type TestBrand, type TestHub } from '../api/testing/test-hub.ts'
import { openBrowser } from './testing/browser.ts'
import { newPhone } from './testing/phone.ts'

/** The real hub serves the pages, and what is pressed on a phone reaches the database. */

let browser: Browser
let hub: TestHub
let sink: Sink
let brand: TestBrand
let url: string

beforeAll(async () => {
  browser = await openBrowser()
  hub = await makeHub()
  sink = await openSink()
  await hub.call('POST', '/api/partners', { body: { key: 'fixit', name: 'Fixit', url: sink.url } })
  brand = await hub.newBrand('acme')
  const { ids } = await populate(hub, brand, { partnerKey: 'fixit', sink })
  // One of everything is there, so also a silence; here something is to be heard.
  await call('POST', `/api/silences/${ids.silence}/end`, {})
  url = await hub.api.listen({ port: 0, host: '127.0.0.1' })
}, 120_000)
afterAll(async () => {
  await browser?.close()
  await hub?.close()
  await sink?.close()
})

const call = async (method: string, path: string, body?: unknown) => {
  const answer = await hub.call(method, path, { key: brand.admin, ...(body === undefined ? {} : { body }) })
  if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.status} ${answer.text}`)
  return answer.body
}

/** A home whose filter clogs; its offer's link and id. */
async function clogged(serial: string): Promise<{ link: string; offer: string; home: string }> {
  const home = await call('POST', '/api/homes', {
    region: '310115005',
    address: { province: '上海市', city: '上海市', district: '浦东新区', street: `${serial} 路`, room: '1201' },
  })
  await call('POST', `/api/homes/${home.id}/people`, {
    role: 'owner',
    name: '住户',
    contact: { number: '13800000000', kind: 'privacy' },
    channel: 'wechat',
  })
  for (const purpose of ['monitoring', 'contact'])
    await call('POST', `/api/homes/${home.id}/consents`, aConsent(purpose))
  const made = await call('POST', '/api/devices', {
    serial,
    product: 'ap-300',
    home: home.id,
    installedAt: '2024-01-01T00:00:00.000Z',
  })
  for (const value of [180, 262.1]) {
    await call('POST', `/api/v1/${made.credential.accessToken}/telemetry`, {
      ts: hub.clock.nowMs(),
      values: { filter_dp_pa: value },
    })
    hub.clock.advance(60_000)
  }
  await hub.pass(30 * 60_000)
  const [offer] = (await call('GET', `/api/offers?homeId=${home.id}`)).items
  return { link: `${url}/h/${offer.link.split('/').at(-1)}`, offer: offer.id, home: home.id }
}

async function open(link: string, before?: (page: Page) => Promise<void>): Promise<Page> {
  const context = await newPhone(browser, 'zh-CN')
  context.setDefaultTimeout(10_000)
  const page = await context.newPage()
  page.on('pageerror', (error) => {
    throw error
  })
  await before?.(page)
  const answer = await page.goto(link)
  expect(answer!.headers()['content-security-policy']).toContain("default-src 'none'")
  await page.locator('h1').waitFor()
  return page
}

const rowOf = (offer: string) =>
  hub.db.asHub((tx) =>
    tx
      .selectFrom('work_orders')
      .innerJoin('offers', (join) => join.onRef('offers.offer_id', '=', 'work_orders.offer_id'))
      .selectAll('work_orders')
      .select('offers.state as offer_state')
      .where('work_orders.offer_id', '=', offer)
      .executeTakeFirst(),
  )

describe('the hub’s own pages', () => {
  test('a home agrees, a technician comes, and each press is a row', async () => {
    const { link, offer, home } = await clogged('SN-PAGE-1')
    const homeowner = await open(link)
    expect(await homeowner.locator('h1').innerText()).toBe('检查滤芯')
    await homeowner.locator('[data-day]').nth(1).click()
    await homeowner.locator('input[name=slot]').nth(1).check()
    const from = await homeowner.locator('input[name=slot]:checked').getAttribute('value')
    await homeowner.locator('[data-choice=accept]').click()
    await homeowner.locator('.steps').waitFor()
    await hub.settled()

    const ordered = (await rowOf(offer))!
    expect(ordered).toMatchObject({ state: 'sent', partner_key: 'fixit', offer_state: 'accepted' })
    expect(ordered.packet.workOrder.window.slots[0]!.from).toBe(from)
    const consents = await hub.db.asHub((tx) =>
      tx.selectFrom('consents').select(['purpose', 'recipient_key', 'granted']).where('home_id', '=', home).execute(),
    )
    expect(consents).toContainEqual({ purpose: 'share', recipient_key: 'fixit', granted: true })

    const technician = await open(`${url}/j/${ordered.packet.links.job.split('/').at(-1)}`)
    await technician.locator('[data-status=accepted]').click()
    await technician.locator('[data-status=appointed]').click()
    await technician.locator('[data-send=appointed]').click()
    await technician.locator('button.main[data-status=dispatched]').waitFor()
    await technician.locator('[data-address]').click()
    await technician.getByText('SN-PAGE-1 路').waitFor()
    await hub.settled()
    expect(await rowOf(offer)).toMatchObject({ state: 'accepted', status: 'appointed', appointment: { from } })

    await homeowner.reload()
    await homeowner.getByText('服务商已接单').waitFor()
    for (const status of ['dispatched', 'en_route', 'arrived'])
      await technician.locator(`button.main[data-status=${status}]`).click()

    // More than was agreed is found: the technician asks, the home decides, both on their pages.
    await technician.locator('section > details summary').first().click()
    await technician.locator('[data-status=quoted]').click()
    await technician.locator('textarea[name=reason]').fill('风机轴承磨损')
    await technician.locator('[data-add=lines]').click()
    await technician.locator('input[name$=".amount"]').last().fill('120')
    await technician.locator('[data-send=quoted]').click()
    await technician.locator('[data-quote=open]').waitFor()
    await homeowner.reload()
    await homeowner.getByText('风机轴承磨损').waitFor()
    await homeowner.locator('[data-choice=quote-accept]').click()
    await homeowner.locator('[data-send=accept]').click()
    await homeowner.getByText('好的，已告诉师傅').waitFor()
    await hub.settled()
    const quotes = await hub.db.asHub((tx) =>
      tx
        .selectFrom('quotes')
        .select(['state', 'total_minor'])
        .where('work_order_id', '=', ordered.work_order_id)
        .execute(),
    )
    expect(quotes).toEqual([{ state: 'accepted', total_minor: ordered.charge.totalMinor + 12_000 }])
    await technician.reload()
    await technician.locator('[data-quote=accepted]').waitFor()

    await technician.locator('[data-status=completed]').click()
    await technician.locator('input[name="i0.parts.0.serial"]').fill('H-123')
    await technician.locator('[data-send=completed]').click()
    await technician.getByText('任务已结束').waitFor()
    await hub.settled()
    const done = (await rowOf(offer))!
    expect(done).toMatchObject({ state: 'completed', status: 'completed', overcharged: false })
    const { outcome } = await call('GET', `/api/work-orders/${done.work_order_id}`)
    expect(outcome.items[0]).toMatchObject({ verdict: 'confirmed', partsUsed: [{ sku: 'HEPA-300', serial: 'H-123' }] })

    await homeowner.reload()
    await homeowner.locator('[data-choice=rate]').click()
    for (let i = 0; i < 3; i++) await homeowner.locator('.stars').nth(i).locator('.star').nth(3).click()
    await homeowner.locator('input[name=solved][value=yes]').check()
    await homeowner.getByRole('button', { name: '提交评价' }).click()
    await homeowner.getByText('谢谢您的评价').waitFor()
    const stars = await hub.db.asHub((tx) =>
      tx
        .selectFrom('ratings')
        .select(['attitude', 'quality', 'speed', 'solved'])
        .where('work_order_id', '=', done.work_order_id)
        .executeTakeFirst(),
    )
    expect(stars).toEqual({ attitude: 4, quality: 4, speed: 4, solved: true })

    await homeowner.locator('[data-choice=report_problem]').click()
    await homeowner.locator('input[value=conduct]').check()
    await homeowner.locator('textarea').fill('没有换鞋套')
    await homeowner.getByRole('button', { name: '提交', exact: true }).click()
    await homeowner.getByText('已收到，会有人跟进').waitFor()
    const told = await hub.db.asHub((tx) =>
      tx.selectFrom('fault_reports').select(['channel', 'problem']).where('home_id', '=', home).execute(),
    )
    expect(told).toEqual([{ channel: 'page', problem: 'conduct' }])
    expect(hub.failures).toEqual([])
  })

  test('an answer that never came back: the hub counts the press once', async () => {
    const { link, offer } = await clogged('SN-PAGE-2')
    const homeowner = await open(link)
    await homeowner.locator('[data-choice=accept]').click()
    await homeowner.locator('.steps').waitFor()
    await hub.settled()
    const ordered = (await rowOf(offer))!
    let lost = 0
    const technician = await open(`${url}/j/${ordered.packet.links.job.split('/').at(-1)}`, async (page) => {
      await page.route('**/events', async (route) => {
        // The hub has it; the phone never learns so the first time.
        await route.fetch()
        if (lost++ === 0) await route.abort('connectionreset')
        else await route.continue()
      })
    })
    await technician.locator('[data-status=accepted]').click()
    await technician.locator('[data-again]').click()
    await technician.locator('[data-waiting]').waitFor({ state: 'detached' })
    const said = await hub.db.asHub((tx) =>
      tx
        .selectFrom('partner_events')
        .select('disposition')
        .where('work_order_id', '=', ordered.work_order_id)
        .execute(),
    )
    expect(said).toEqual([{ disposition: 'applied' }])
    expect(lost).toBeGreaterThan(1)
  })

  test('declined on the page is declined in the database, with its reason', async () => {
    const { link, offer } = await clogged('SN-PAGE-3')
    const page = await open(link)
    await page.locator('[data-choice=decline]').click()
    await page.locator('input[value=too_expensive]').check()
    await page.getByRole('button', { name: '确认不需要' }).click()
    await page.getByText('已记录，不再打扰').waitFor()
    const row = await hub.db.asHub((tx) =>
      tx.selectFrom('offers').select(['state', 'answer']).where('offer_id', '=', offer).executeTakeFirst(),
    )
    expect(row).toMatchObject({ state: 'declined', answer: { reason: 'too_expensive' } })
  })

  test('no more of these, and back again: both are rows, and the page says which holds', async () => {
    const { link, home } = await clogged('SN-PAGE-4')
    const stops = () =>
      hub.db.asHub((tx) =>
        tx
          .selectFrom('offer_stops')
          .select('lifted_by')
          .where('home_id', '=', home)
          .where('lifted_at_ms', 'is', null)
          .execute(),
      )
    const page = await open(link)
    await page.locator('[data-choice=stop]').click()
    await page.getByRole('button', { name: '不再提醒', exact: true }).click()
    await page.getByText('好的，以后不再提醒').waitFor()
    expect(await stops()).toHaveLength(1)
    await page.locator('[data-choice=resume]').click()
    await page.getByRole('button', { name: '恢复', exact: true }).click()
    await page.getByText('好的，以后会再提醒您').waitFor()
    expect(await stops()).toEqual([])
  })
})
