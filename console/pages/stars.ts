import { el } from './dom.ts'
import type { Say } from './words.ts'

const WORDS = ['stars1', 'stars2', 'stars3', 'stars4', 'stars5'] as const

/**
 * Five stars to tap, each as large as a finger; to a keyboard or a screen reader, five radio
 * buttons. `chosen` is null until somebody chose.
 */
export function stars(
  legend: string,
  name: string,
  given: number | null,
  say: Say,
): { element: HTMLElement; chosen: () => number | null } {
  const word = el('span', { class: 'soft', 'aria-hidden': 'true' })
  const inputs = WORDS.map((label, i) => {
    const input = el('input', {
      type: 'radio',
      name,
      value: i + 1,
      'aria-label': `${i + 1} / 5 ${say(label)}`,
      change: () => paint(),
    })
    input.checked = given === i + 1
    return input
  })
  const chosen = (): number | null => {
    const found = inputs.find((input) => input.checked)
    return found ? Number(found.value) : null
  }
  const labels = inputs.map((input) =>
    el('label', { class: 'star' }, input, el('span', { 'aria-hidden': 'true' }, '★')),
  )
  const paint = (): void => {
    const count = chosen() ?? 0
    for (const [i, label] of labels.entries()) {
      label.classList.toggle('lit', i < count)
      label.lastElementChild!.textContent = i < count ? '★' : '☆'
    }
    word.textContent = count === 0 ? '' : say(WORDS[count - 1]!)
  }
  paint()
  return {
    element: el('fieldset', { class: 'stars' }, el('legend', {}, legend, ' ', word), el('div', {}, ...labels)),
    chosen,
  }
}
