import { el } from './dom.ts'
import type { Say, Word } from './words.ts'

/** A button with words of the page. */
export function button(word: Word, click: () => void, look: string, say: Say): HTMLButtonElement {
  return el('button', { type: 'button', class: look || null, click }, say(word))
}

/** A button for one of the choices the hub offers, found by its name. */
export function choice(name: string, text: string, click: () => void): HTMLButtonElement {
  return el('button', { type: 'button', 'data-choice': name, click }, text)
}
