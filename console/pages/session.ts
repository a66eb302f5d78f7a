import type { Answer, Trouble } from './call.ts'
import { type Child, el, show } from './dom.ts'
import type { Locale } from './format.ts'
import { type Say, speaker, type Word } from './words.ts'

const TROUBLES: Record<Trouble, readonly [title: Word, body: Word]> = {
  offline: ['offlineTitle', 'offline'],
  not_found: ['notFoundTitle', 'notFound'],
  expired: ['expiredTitle', 'expired'],
  gone: ['goneTitle', 'gone'],
  busy: ['busyTitle', 'busy'],
  conflict: ['failedTitle', 'failed'],
  refused: ['failedTitle', 'failed'],
  failed: ['failedTitle', 'failed'],
}
/** Trying again cannot help with these. */
const FINAL: ReadonlySet<Trouble> = new Set(['not_found', 'expired', 'gone'])
const LOCALE_KEY = 'beforehand.locale'

export interface Screen<View> {
  root: HTMLElement
  load: () => Promise<Answer<View>>
  render: (view: View, page: Page<View>) => Child[]
  /** The language of the view, used until the reader chooses another. */
  localeOf: (view: View) => Locale
}

/** What a page's renderer may do: speak, send, and show another view. */
export interface Page<View> {
  readonly locale: Locale
  readonly say: Say
  switcher(): HTMLElement
  /** Sends once, shows the answer or, beside the buttons, what was wrong. */
  send(request: () => Promise<Answer<View>>): Promise<void>
  /** Where messages about a failed choice appear; put it near the buttons. */
  messages: HTMLElement
}

/** Loads, shows, reloads, and switches language: what both pages have in common. */
export function runScreen<View>(screen: Screen<View>): { reload: () => Promise<void> } {
  const { root } = screen
  let chosen = storedLocale()
  let view: View | null = null
  let trouble: Trouble | null = null
  let sending = false

  const locale = (): Locale => chosen ?? (view ? screen.localeOf(view) : browserLocale())

  const draw = (focusTop: boolean): void => {
    const say = speaker(locale())
    document.documentElement.lang = locale()
    const page = pageOf(say)
    const content = view ? screen.render(view, page) : [top(page), troubleCard(say)]
    show(root, content, { focusTop })
  }

  const pageOf = (say: Say): Page<View> => ({
    locale: locale(),
    say,
    messages: el('div', { role: 'alert' }),
    switcher: () =>
      el(
        'button',
        {
          type: 'button',
          class: 'switch',
          lang: locale() === 'en' ? 'zh-CN' : 'en',
          click: () => {
            chosen = locale() === 'en' ? 'zh-CN' : 'en'
            storeLocale(chosen)
            draw(false)
            root.querySelector<HTMLElement>('.switch')?.focus()
          },
        },
        say('switchTo'),
      ),
    async send(request) {
      if (sending) return
      sending = true
      root.setAttribute('aria-busy', 'true')
      for (const button of root.querySelectorAll('button')) button.disabled = true
      const answer = await request()
      sending = false
      root.removeAttribute('aria-busy')
      if (answer.ok) {
        view = answer.value
        return draw(true)
      }
      for (const button of root.querySelectorAll('button')) button.disabled = false
      if (answer.trouble === 'conflict') {
        await reload()
        return root.prepend(el('p', { class: 'notice warning', role: 'alert' }, say('conflict')))
      }
      if (FINAL.has(answer.trouble)) {
        view = null
        trouble = answer.trouble
        return draw(true)
      }
      const text = answer.trouble === 'refused' ? say('refused') + answer.detail : say(TROUBLES[answer.trouble][1])
      this.messages.replaceChildren(el('p', { class: 'notice alarm' }, text))
    },
  })

  const top = (page: Page<View>): HTMLElement => el('div', { class: 'top' }, el('span'), page.switcher())

  const troubleCard = (say: Say): HTMLElement => {
    const [title, body] = TROUBLES[trouble ?? 'failed']
    const again = !FINAL.has(trouble ?? 'failed')
    return el(
      'section',
      { class: 'card' },
      el('h1', {}, say(title)),
      el('p', {}, say(body)),
      again && el('button', { type: 'button', class: 'main', click: () => void reload() }, say('retry')),
    )
  }

  const reload = async (): Promise<void> => {
    const answer = await screen.load()
    if (answer.ok) {
      const first = view === null
      view = answer.value
      return draw(first)
    }
    // A view that is shown stays when only the connection went away.
    if (view && !FINAL.has(answer.trouble)) return
    view = null
    trouble = answer.trouble
    draw(true)
  }
  return { reload }
}

function browserLocale(): Locale {
  return navigator.language.toLowerCase().startsWith('zh') ? 'zh-CN' : 'en'
}

function storedLocale(): Locale | null {
  try {
    const stored = localStorage.getItem(LOCALE_KEY)
    return stored === 'en' || stored === 'zh-CN' ? stored : null
  } catch {
    return null
  }
}

function storeLocale(locale: Locale): void {
  try {
    localStorage.setItem(LOCALE_KEY, locale)
  } catch {
    // Private windows may refuse; the choice then lasts as long as the page.
  }
}
