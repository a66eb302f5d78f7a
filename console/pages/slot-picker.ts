import type { Slot } from '#contracts'
import { field } from './controls.ts'
import { el } from './dom.ts'
import type { Drafts } from './drafts.ts'
import { dayIn, instantAt, type Locale, slotHours, when } from './format.ts'
import type { Say } from './words.ts'

interface Where {
  say: Say
  locale: Locale
  timeZone: string
  drafts: Drafts
  /** Under which name the choice is kept. */
  form: string
}

/** Days as a strip, the chosen day's times below: two taps on a phone. */
export function slotPicker(
  slots: readonly Slot[],
  { say, drafts, form, ...where }: Where,
): { element: HTMLElement; chosen: () => Slot | null } {
  const days = new Map<string, Slot[]>()
  for (const slot of slots) {
    const day = when(slot.from, 'day', where)
    days.set(day, [...(days.get(day) ?? []), slot])
  }
  let chosen = slots.find((slot) => slot.from === drafts.read(form, 'slot')) ?? slots[0] ?? null
  const times = el('div', { role: 'radiogroup', 'aria-label': say('pickTime') })
  const buttons = new Map<string, HTMLButtonElement>()
  const choose = (slot: Slot): void => {
    chosen = slot
    drafts.write(form, 'slot', slot.from)
  }

  const pickDay = (day: string): void => {
    for (const [key, button] of buttons) button.setAttribute('aria-pressed', String(key === day))
    const offered = days.get(day) ?? []
    if (!chosen || !offered.includes(chosen)) chosen = offered[0] ?? null
    times.replaceChildren(
      ...offered.map((slot) => {
        const input = el('input', { type: 'radio', name: 'slot', value: slot.from, change: () => choose(slot) })
        input.checked = slot === chosen
        return el('label', { class: 'choice' }, input, el('span', {}, slotHours(slot, where)))
      }),
    )
  }

  for (const day of days.keys())
    buttons.set(day, el('button', { type: 'button', 'data-day': day, click: () => pickDay(day) }, day))
  const first = chosen && when(chosen.from, 'day', where)
  const strip = el('div', { class: 'days', role: 'group', 'aria-label': say('pickDay') }, ...buttons.values())
  const element = el('fieldset', {}, el('legend', {}, say('pickTime')), strip, times)
  if (first !== null) pickDay(first)
  return { element, chosen: () => chosen }
}

/** Any other time two people agreed on, in the home's zone. */
export function timeFields(
  start: Slot | null,
  { say, timeZone, nowAt }: Pick<Where, 'say' | 'timeZone'> & { nowAt: string },
): { element: HTMLElement; chosen: () => Slot | null } {
  const [from, to] = start ? slotHours(start, { locale: 'en', timeZone }).split('–') : ['09:00', '11:00']
  const today = dayIn(nowAt, timeZone)
  const input = (type: 'date' | 'time', name: string, value: string | undefined) =>
    el('input', { type, name, value, min: type === 'date' ? today : null, required: true })
  const day = input('date', 'day', start ? dayIn(start.from, timeZone) : today)
  const begins = input('time', 'from', from)
  const ends = input('time', 'to', to)
  return {
    element: el(
      'div',
      {},
      field(say('day'), day),
      el('div', { class: 'pair' }, field(say('fromTime'), begins), field(say('toTime'), ends)),
    ),
    chosen() {
      if (!day.value || !begins.value || !ends.value) return null
      const slot = {
        from: instantAt(day.value, begins.value, timeZone),
        to: instantAt(day.value, ends.value, timeZone),
      }
      return slot.from < slot.to ? slot : null
    },
  }
}
