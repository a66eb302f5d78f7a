import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { afterAll, beforeAll, beforeEach, expect, onTestFinished } from 'vitest'
import { openBrowser } from './browser.ts'
import { type Calls, type PagesServer, servePages } from './pages-server.ts'

/** Where pictures go when somebody wants to look at them. */
export const PICTURES = process.env.PAGES_PICTURES

export interface Phones {
  /** A phone that shows the page, and fails the test on any script error or request to elsewhere. */
  phone(path: string, calls: Calls, locale?: string): Promise<Page>
  /** Bodies posted to the path, in order. */
  sent(path: string): unknown[]
  posts(): PagesServer['asked']
  asked(): PagesServer['asked']
  calls(calls: Calls): void
}

/** One browser and one server for the tests of a file. */
export function withPhones(): Phones {
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
  const posts = () => server.asked.filter((it) => it.method === 'POST')
  return {
    async phone(path, calls, locale = 'zh-CN') {
      server.calls = calls
      const context = await newPhone(browser, locale)
      const page = await context.newPage()
      const wrong: string[] = []
      page.on('pageerror', (error) => wrong.push(String(error)))
      page.on('console', (message) => {
        if (message.type() === 'error' && !message.text().includes('Failed to load resource'))
          wrong.push(message.text())
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
    },
    sent: (path) =>
      posts()
        .filter((it) => it.path === path)
        .map((it) => it.body),
    posts,
    asked: () => server.asked,
    calls: (calls) => {
      server.calls = calls
    },
  }
}

export function newPhone(browser: Browser, locale: string): Promise<BrowserContext> {
  return browser.newContext({
    viewport: { width: 360, height: 740 },
    locale,
    timezoneId: 'Asia/Shanghai',
    deviceScaleFactor: 2,
  })
}

export async function picture(page: Page, name: string): Promise<void> {
  if (!PICTURES) return
  await mkdir(PICTURES, { recursive: true })
  await page.screenshot({ path: join(PICTURES, `${name}.png`), fullPage: true })
}
