import type { AcceptBody, OfferPartner, OfferView } from '#contracts'
import { tick } from './controls.ts'
import { el } from './dom.ts'
import { type Offer, tell } from './offer-state.ts'
import { slotPicker } from './slot-picker.ts'
import type { Word } from './words.ts'

const SHARED: Readonly<Record<OfferPartner['shares'][number], Word>> = {
  address: 'shareAddress',
  contact: 'shareContact',
  diagnosis: 'shareDiagnosis',
  device: 'shareDevice',
}

/** When, by whom, who learns what, and the one button that agrees to all of it. */
export function booking(view: OfferView, page: Offer): HTMLElement {
  const { say, locale, drafts } = page
  if (view.slots.length === 0 || view.partners.length === 0)
    return el('section', { class: 'card' }, el('p', {}, say('noSlots')))
  const picker = slotPicker(view.slots, { say, locale, timeZone: view.timeZone, drafts, form: 'booking' })
  const one = view.partners.length === 1
  const told = (partner: OfferPartner): string =>
    say('shareLearns') + partner.shares.map((kind) => say(SHARED[kind])).join(say('listComma'))
  const boxes = view.partners.map((partner) => {
    const { label, input } = tick('checkbox', {
      name: 'partner',
      value: partner.key,
      text: partner.name[locale],
      checked: true,
    })
    if (!one) label.lastElementChild!.append(el('small', {}, told(partner)))
    return { partner, label, input }
  })
  const first = view.partners[0]!
  const who = one
    ? el(
        'div',
        {},
        el('h2', {}, say('who')),
        el('p', {}, el('strong', {}, first.name[locale])),
        el('p', { class: 'soft' }, told(first)),
      )
    : el(
        'fieldset',
        {},
        el('legend', {}, say('who')),
        el('p', { class: 'soft' }, say('whoSeveral')),
        ...boxes.map(({ label }) => label),
      )
  const accept = () => {
    const slot = picker.chosen()
    const shareWith = boxes.filter(({ input }) => input.checked).map(({ partner }) => partner.key)
    if (!slot) return page.ask('pickTime')
    if (shareWith.length === 0) return page.ask('whoNobody')
    const body = { slot, shareWith, revision: view.revision } satisfies AcceptBody
    void page.send(() => tell('accept', body), { panel: 'booking' })
  }
  const section = el(
    'section',
    { class: 'card' },
    picker.element,
    who,
    el('p', { class: 'soft', 'data-consent': view.consentText.version }, view.consentText.text[locale]),
    page.messages,
    el('button', { type: 'button', class: 'main', 'data-choice': 'accept', click: accept }, say('accept')),
  )
  drafts.bind('booking', section)
  return section
}
