import { choice } from './controls.ts'
import { el } from './dom.ts'
import type { Drafts } from './drafts.ts'

export interface Panel {
  /** The choice it stands for; also how a test finds its button. */
  name: string
  label: string
  look?: string
  /** What opens in the buttons' place: says what the choice means, and confirms it. */
  content: () => HTMLElement
}

/**
 * Choices that each open in place. Which one is open outlives a redraw and a reload, so that
 * nobody loses what they were about to say.
 */
export function panels(
  group: string,
  list: readonly Panel[],
  { drafts, back, messages }: { drafts: Drafts; back: string; messages: HTMLElement },
): HTMLElement | null {
  if (list.length === 0) return null
  const root = el('div', { class: 'panels' })
  const menu = (): void =>
    root.replaceChildren(...list.map((it) => choice(it.name, it.label, () => open(it, true), it.look ?? '')))
  const close = (): void => {
    const name = drafts.opened(group)
    drafts.open(group, null)
    menu()
    root.querySelector<HTMLElement>(`[data-choice="${name}"]`)?.focus()
  }
  const open = (panel: Panel, byHand: boolean): void => {
    const content = panel.content()
    content.setAttribute('data-open', panel.name)
    content.append(messages, el('button', { type: 'button', class: 'quiet', 'data-back': '', click: close }, back))
    root.replaceChildren(content)
    drafts.bind(`${group}.${panel.name}`, content)
    if (!byHand) return
    drafts.open(group, panel.name)
    content.setAttribute('tabindex', '-1')
    content.focus()
    content.scrollIntoView({ block: 'nearest' })
  }
  const before = list.find((it) => it.name === drafts.opened(group))
  if (before) open(before, false)
  else menu()
  return root
}
