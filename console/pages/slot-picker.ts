import type { Slot } from '#contracts'
import { el } from './dom.ts'
import { type Locale, slotHours, when } from './format.ts'
import type { Say } from './words.ts'

/** Days as a strip, the chosen day's times below: two taps on a phone. */
export function slotPicker(
  slots: readonly Slot[],
  { say, ...where }: { say: Say; locale: Locale; timeZone: string },
): { element: HTMLElement; chosen: () => Slot | null } {
  const days = new Map<string, Slot[]>()
  for (const slot of slots) {
    const day = when(slot.from, 'day', where)
    days.set(day, [...(days.get(day) ?? []), slot])
  }
  let chosen = slots[0] ?? null
  const times = el('div', { role: 'radiogroup', 'aria-label': say('pickTime') })
  const buttons = new Map<string, HTMLButtonElement>()

  const pickDay = (day: string): void => {
    for (const [key, button] of buttons) button.setAttribute('aria-pressed', String(key === day))
    const offered = days.get(day) ?? []
    if (!chosen || !offered.includes(chosen)) chosen = offered[0] ?? null
    times.replaceChildren(
      ...offered.map((slot) => {
        const input = el('input', { type: 'radio', name: 'slot', value: slot.from, change: () => (chosen = slot) })
        input.checked = slot === chosen
        return el('label', { class: 'choice' }, input, el('span', {}, slotHours(slot, where)))
      }),
    )
  }

  for (const day of days.keys()) buttons.set(day, el('button', { type: 'button', click: () => pickDay(day) }, day))
  const first = [...days.keys()][0]
  const strip = el('div', { class: 'days', role: 'group', 'aria-label': say('pickDay') }, ...buttons.values())
  const element = el('fieldset', {}, el('legend', {}, say('pickTime')), strip, times)
  if (first !== undefined) pickDay(first)
  return { element, chosen: () => chosen }
}
