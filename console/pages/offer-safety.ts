import type { OfferView, SafetyKind } from '#contracts'
import { el } from './dom.ts'
import { type Offer, solved } from './offer-state.ts'
import type { Word } from './words.ts'

/** What to do, in this order; the same as the hub's own warning says, a step at a time. */
const SAFETY: Readonly<Record<SafetyKind, readonly [title: Word, ...steps: Word[]]>> = {
  gas: ['gas', 'gasValve', 'gasWindows', 'gasSwitches', 'gasOutside'],
  carbon_monoxide: ['carbon_monoxide', 'coWindows', 'coOut', 'coUnwell'],
  water_leak: ['water_leak', 'waterTap', 'waterPower'],
  overheat: ['overheat', 'heatUnplug', 'heatClear', 'heatFire'],
  electric: ['electric', 'electricTouch', 'electricBreaker'],
  lockout: ['lockout', 'lockKey', 'lockBatteries'],
}

/** Stands before everything else until the danger is known to be gone, whatever was answered. */
export function safetyCard(view: OfferView, { say }: Offer): HTMLElement | null {
  if (view.safety === null || solved(view)) return null
  const [title, ...steps] = SAFETY[view.safety]
  return el(
    'section',
    { class: 'notice alarm', role: 'alert', 'data-safety': view.safety },
    el('p', { class: 'big' }, say(title)),
    el('ol', {}, ...steps.map((step) => el('li', {}, say(step)))),
  )
}
