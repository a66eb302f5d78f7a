import type { Browser, BrowserContext } from 'playwright-core'
import { Compile } from 'typebox/compile'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { JobView, OfferView } from '#contracts'
import { openBrowser } from './testing/browser.ts'
import { JOB_SCENES, OFFER_SCENES, type Scene, siteAddress } from './testing/gallery.ts'
import { type PagesServer, servePages } from './testing/pages-server.ts'
import { newPhone, picture } from './testing/phone.ts'

/** Every state in both languages: nothing wider than the phone, nothing unnamed, no word missing. */

const LOCALES = ['zh-CN', 'en'] as const
/** The narrowest phones people still use, and the usual one. */
const WIDTHS = [320, 360] as const

let browser: Browser
let server: PagesServer
let context: BrowserContext

beforeAll(async () => {
  browser = await openBrowser()
  server = await servePages({})
  context = await newPhone(browser, 'zh-CN')
}, 60_000)
afterAll(async () => {
  await browser?.close()
  await server?.close()
})

test('what was recorded fits the contract', () => {
  const schemas = { offer: Compile(OfferView), job: Compile(JobView) }
  for (const [kind, scenes] of [
    ['offer', OFFER_SCENES],
    ['job', JOB_SCENES],
  ] as const)
    for (const { name, view } of scenes)
      if (!('code' in view)) expect([...schemas[kind].Errors(view)], name).toEqual([])
})

describe.each(LOCALES)('in %s', (locale) => {
  test.each(OFFER_SCENES)('the homeowner sees $name', (scene) => look(scene, { kind: 'offer', locale }))
  test.each(JOB_SCENES)('the technician sees $name', (scene) => look(scene, { kind: 'job', locale }))
})

test.each([
  { kind: 'offer', scene: OFFER_SCENES[0]! },
  { kind: 'offer', scene: OFFER_SCENES.find(({ name }) => name === 'quote')! },
  { kind: 'job', scene: JOB_SCENES.find(({ name }) => name === 'new')! },
] as const)('in the dark: $scene.name', ({ kind, scene }) => look(scene, { kind, locale: 'zh-CN', dark: true }))

interface Looking {
  kind: 'offer' | 'job'
  locale: (typeof LOCALES)[number]
  dark?: boolean
}

async function look(scene: Scene, { kind, locale, dark = false }: Looking): Promise<void> {
  const path = kind === 'offer' ? '/home/v1/offers/tok' : '/job/v1/tok'
  const { view } = scene
  const answer = 'code' in view ? { status: view.status, body: { code: view.code, detail: 'x' } } : { body: view }
  server.calls = { [`GET ${path}`]: () => answer, [`GET ${path}/site`]: () => ({ body: siteAddress }) }
  const page = await context.newPage()
  const wrong: string[] = []
  page.on('pageerror', (error) => wrong.push(String(error)))
  page.on('request', (request) => {
    if (!request.url().startsWith(server.url)) wrong.push(`asked ${request.url()}`)
  })
  try {
    await page.addInitScript(`localStorage.clear(); localStorage.setItem('beforehand.locale', '${locale}')`)
    if (dark) await page.emulateMedia({ colorScheme: 'dark' })
    await page.goto(`${server.url}/${kind === 'offer' ? 'h' : 'j'}/tok`)
    await page.locator('h1').waitFor()
    await scene.before?.(page)
    if (scene.name === 'address') await page.locator('a[href^="tel:"]').waitFor()
    for (const width of WIDTHS) {
      await page.setViewportSize({ width, height: 740 })
      const found = await page.evaluate(faults)
      expect(found.width, `wider than ${width} px`).toBe(width)
      expect(found.faults).toEqual([])
    }
    expect(await page.locator('h1').count()).toBe(1)
    expect(wrong).toEqual([])
    await picture(page, `${kind}-${scene.name}-${locale}${dark ? '-dark' : ''}`)
  } finally {
    await page.close()
  }
}

/** What a reader, a finger or a screen reader would stumble over. Runs in the browser. */
function faults(): { width: number; faults: string[] } {
  const found: string[] = []
  const seen = (it: Element): boolean => (it as HTMLElement).offsetParent !== null
  const nameOf = (it: Element): string => (it.getAttribute('aria-label') ?? it.textContent ?? '').trim()
  for (const it of document.querySelectorAll('button, summary, a, [role=img], [role=radiogroup]'))
    if (seen(it) && nameOf(it) === '') found.push(`unnamed: ${it.outerHTML.slice(0, 80)}`)
  for (const it of document.querySelectorAll<HTMLElement>('button, summary, .choice, .star, a.button')) {
    const { height, width } = it.getBoundingClientRect()
    if (seen(it) && !it.classList.contains('small') && (height < 44 || width < 44))
      found.push(`small: ${nameOf(it)} ${width}×${height}`)
  }
  for (const it of document.querySelectorAll<HTMLInputElement>('input, select, textarea'))
    if (!it.labels?.length) found.push(`no label: ${it.outerHTML.slice(0, 80)}`)
  for (const it of document.querySelectorAll('.card, .notice, button, dd, dt, td, p, li'))
    if (it.scrollWidth > it.clientWidth + 1 && !it.closest('.days') && getComputedStyle(it).display !== 'inline')
      found.push(`runs over: ${nameOf(it).slice(0, 60)}`)
  const text = document.body.innerText
  for (const word of ['undefined', 'null', 'NaN', '[object']) if (text.includes(word)) found.push(`says ${word}`)
  return { width: document.documentElement.scrollWidth, faults: found }
}
