import type { Answer, Trouble } from './call.ts'
import { type Child, el, show } from './dom.ts'
import type { Drafts } from './drafts.ts'
import type { Locale } from './format.ts'
import { browserLocale, storedLocale, storeLocale } from './locale.ts'
import { type Say, speaker, type Word } from './words.ts'

const TROUBLES: Record<Trouble, readonly [title: Word, body: Word]> = {
  offline: ['offlineTitle', 'offline'],
  not_found: ['notFoundTitle', 'notFound'],
  expired: ['expiredTitle', 'expired'],
  gone: ['goneTitle', 'gone'],
  busy: ['busyTitle', 'busy'],
  changed: ['failedTitle', 'failed'],
  conflict: ['failedTitle', 'failed'],
  refused: ['failedTitle', 'failed'],
  failed: ['failedTitle', 'failed'],
}
/** Trying again cannot help with these. */
const FINAL: ReadonlySet<Trouble> = new Set(['not_found', 'expired', 'gone'])
/** The page is drawn anew, and says why. */
const ELSEWHERE: Partial<Record<Trouble, Word>> = { conflict: 'conflict', changed: 'changed' }
/** What the hub would not take, in the reader's own language where the place tells it. */
const REFUSED: Readonly<Record<string, Word>> = { '/slot': 'refusedSlot', '/until': 'refusedTime' }

export interface Screen<View> {
  root: HTMLElement
  load: () => Promise<Answer<View>>
  render: (view: View, page: Page<View>) => Child[]
  /** The language of the view, used until the reader chooses another. */
  localeOf: (view: View) => Locale
  drafts: Drafts
  /** What a reader who cannot see the page is told when the view changed by itself. */
  newsOf: (view: View, say: Say) => string
}

/** What a page's renderer may do: speak, send, and show another view. */
export interface Page<View> {
  readonly locale: Locale
  readonly say: Say
  readonly drafts: Drafts
  switcher(): HTMLElement
  /** Sends once, shows the answer or, beside the buttons, what was wrong. */
  send(request: () => Promise<Answer<View>>, options?: SendOptions): Promise<void>
  /** Says beside the buttons what is still missing. */
  ask(word: Word): void
  /** A form was closed: shows what was learnt meanwhile. */
  redraw(): void
  /** Where messages about a failed choice appear; put it near the buttons. */
  messages: HTMLElement
}

export interface SendOptions {
  /** Said on top of the page once the hub has it. */
  thanks?: Word
  /** The panel that was answered, as `group.panel`: closed, and what was filled in forgotten. */
  panel?: string
}

export interface Running<View> {
  reload(): Promise<void>
  /** Shows what a call in the background answered; an open form is left alone until it is closed. */
  learn(view: View): void
  /** Says what the hub would not take of a call in the background. */
  refused(answer: Answer<View> & { ok: false }): Promise<void>
  /** Draws the same view again: something beside it changed. */
  redraw(): void
}

/** Loads, shows, reloads, and switches language: what both pages have in common. */
export function runScreen<View extends { now: string }>(screen: Screen<View>): Running<View> {
  const { root, drafts } = screen
  let chosen = storedLocale()
  let view: View | null = null
  let trouble: Trouble | null = null
  let sending = false
  /** Said once, on top of the next drawing. */
  let flash: { text: (say: Say) => string; look: string } | null = null
  const news = el('div', { class: 'unseen', role: 'status' })
  root.after(news)

  const locale = (): Locale => chosen ?? (view ? screen.localeOf(view) : browserLocale())

  const draw = (focusTop: boolean): void => {
    const say = speaker(locale())
    document.documentElement.lang = locale()
    const page = pageOf(say)
    const held = focusTop ? null : heldControl()
    const content = view
      ? screen.render(view, page)
      : [el('div', { class: 'top' }, el('span'), page.switcher()), troubleCard(say)]
    const message = flash && el('p', { class: `notice ${flash.look}`, role: 'alert' }, flash.text(say))
    flash = null
    const unfolded = focusTop ? [] : summaries(root).filter((it) => it.parentElement!.hasAttribute('open'))
    show(root, message ? [content[0], message, ...content.slice(1)] : content, { focusTop })
    for (const it of summaries(root))
      if (unfolded.some((old) => old.textContent === it.textContent)) it.parentElement!.setAttribute('open', '')
    if (held)
      (root.querySelector<HTMLElement>(held) ?? focusable(root.querySelector('h1')))?.focus({ preventScroll: true })
  }

  const pageOf = (say: Say): Page<View> => ({
    locale: locale(),
    say,
    drafts,
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
          },
        },
        say('switchTo'),
      ),
    redraw: () => draw(false),
    ask(word) {
      this.messages.replaceChildren(el('p', { class: 'notice alarm' }, say(word)))
      this.messages.scrollIntoView({ block: 'nearest' })
    },
    async send(request, { thanks, panel } = {}) {
      if (sending) return
      sending = true
      root.setAttribute('aria-busy', 'true')
      const buttons = [...root.querySelectorAll('button')].filter((it) => !it.disabled)
      for (const it of buttons) it.disabled = true
      const answer = await request()
      sending = false
      root.removeAttribute('aria-busy')
      for (const it of buttons) it.disabled = false
      if (answer.ok) {
        if (panel !== undefined) {
          drafts.clear(panel)
          drafts.open(panel.split('.')[0]!, null)
        }
        if (thanks !== undefined) flash = { text: (words) => words(thanks), look: '' }
        return take(answer)
      }
      if (ELSEWHERE[answer.trouble] !== undefined || FINAL.has(answer.trouble)) return refused(answer)
      this.messages.replaceChildren(el('p', { class: 'notice alarm' }, reasonOf(answer, say)))
    },
  })

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

  const reasonOf = (answer: Answer<View> & { ok: false }, say: Say): string => {
    if (answer.trouble !== 'refused') return say(ELSEWHERE[answer.trouble] ?? TROUBLES[answer.trouble][1])
    // The hub explains itself to programmers, in English.
    return say(REFUSED[answer.pointer] ?? 'refused') + (locale() === 'en' ? ` ${answer.detail}` : '')
  }

  const refused = async (answer: Answer<View> & { ok: false }): Promise<void> => {
    if (FINAL.has(answer.trouble)) return take(answer)
    flash = { text: (say) => reasonOf(answer, say), look: answer.trouble === 'refused' ? 'alarm' : 'warning' }
    const again = await screen.load()
    take(again.ok ? again : answer)
  }

  const take = (answer: Answer<View>): void => {
    if (answer.ok) view = answer.value
    else if (FINAL.has(answer.trouble)) {
      view = null
      trouble = answer.trouble
    }
    draw(true)
  }

  const reload = async (): Promise<void> => {
    const answer = await screen.load()
    if (answer.ok) {
      const first = view === null
      const same = view !== null && withoutNow(view) === withoutNow(answer.value)
      view = answer.value
      // Nothing is drawn over for nothing: a finger may be on its way to a button.
      if (same) return
      draw(first)
      if (!first) news.textContent = screen.newsOf(answer.value, speaker(locale()))
      return
    }
    // A view that is shown stays when only the connection went away.
    if (view && !FINAL.has(answer.trouble)) return
    view = null
    trouble = answer.trouble
    draw(true)
  }
  /** A form somebody fills in is not drawn anew under their hands. */
  const quietly = (): void => {
    if (view && !root.querySelector('[data-open]')) draw(false)
  }
  const learn = (next: View): void => {
    view = next
    quietly()
    news.textContent = screen.newsOf(next, speaker(locale()))
  }
  return { reload, learn, refused, redraw: quietly }
}

const withoutNow = (view: { now: string }): string => JSON.stringify({ ...view, now: '' })

/** What was unfolded stays so, whatever is drawn anew around it. */
const summaries = (root: Element): HTMLElement[] => [...root.querySelectorAll<HTMLElement>('details > summary')]

function focusable(heading: HTMLElement | null): HTMLElement | null {
  heading?.setAttribute('tabindex', '-1')
  return heading
}

/** How to find the control that has the focus once everything was drawn anew. */
function heldControl(): string | null {
  const held = document.activeElement
  if (!(held instanceof HTMLElement)) return null
  if (held.classList.contains('switch')) return '.switch'
  for (const name of ['choice', 'status', 'send', 'day'])
    if (held.dataset[name] !== undefined) return `[data-${name}="${CSS.escape(held.dataset[name])}"]`
  const named = held.getAttribute('name')
  if (named === null) return null
  const value =
    held instanceof HTMLInputElement && /radio|checkbox/.test(held.type) ? `[value="${CSS.escape(held.value)}"]` : ''
  return `[name="${CSS.escape(named)}"]${value}`
}
