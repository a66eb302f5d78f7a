import { el } from './dom.ts'
import type { Drafts } from './drafts.ts'

export interface Row<T> {
  element: HTMLElement
  /** `null` for a row that was left empty. */
  read: () => T | null
}

/**
 * Rows that can be added and taken away. Each keeps its number for good, so that what was
 * typed into the third is still the third's after the second is gone and the page reloaded.
 */
export function rows<T>(
  { drafts, form, name, start }: { drafts: Drafts; form: string; name: string; start: number },
  make: (n: number, remove: () => void) => Row<T>,
  words: { add: string; max: number },
): { element: HTMLElement; read: () => T[] } {
  const kept = drafts.read(form, `${name}.rows`)
  const first =
    kept === undefined ? Array.from({ length: start }, (_, n) => n) : kept.split(',').filter(Boolean).map(Number)
  const all = new Map<number, Row<T>>()
  const list = el('div', {})
  const save = (): void => {
    drafts.write(form, `${name}.rows`, [...all.keys()].join(','))
    more.disabled = all.size >= words.max
  }
  const put = (n: number): Row<T> => {
    const row = make(n, () => {
      all.delete(n)
      row.element.remove()
      save()
      list.dispatchEvent(new Event('input', { bubbles: true }))
    })
    all.set(n, row)
    list.append(row.element)
    return row
  }
  const add = (): void => {
    const row = put(Math.max(-1, ...all.keys()) + 1)
    save()
    row.element.querySelector<HTMLElement>('input, select')?.focus()
  }
  const more = el('button', { type: 'button', class: 'quiet', 'data-add': name, click: add }, words.add)
  for (const n of first) put(n)
  more.disabled = all.size >= words.max
  return {
    element: el('div', {}, list, more),
    read: () => [...all.values()].map((row) => row.read()).filter((it) => it !== null),
  }
}
