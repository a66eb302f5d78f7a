import type { OfferView } from '#contracts'
import { details } from './controls.ts'
import { type Child, el } from './dom.ts'
import { openDrafts } from './drafts.ts'
import { when } from './format.ts'
import { problemCard, ratingCard, solvedCard } from './offer-after.ts'
import { booking } from './offer-booking.ts'
import { guide, otherChoices } from './offer-choices.ts'
import { apart, headline, needs } from './offer-needs.ts'
import { price } from './offer-price.ts'
import { quoteCard } from './offer-quote.ts'
import { safetyCard } from './offer-safety.ts'
import { type Offer, readOffer } from './offer-state.ts'
import { changeCard, overchargeCard, progress, stageTitle } from './offer-visit.ts'
import { runScreen } from './session.ts'

/** A visit under way changes by the minute at most. */
const REFRESH_MS = 20_000

let shown: OfferView | null = null
const screen = runScreen<OfferView>({
  root: document.getElementById('page')!,
  load: readOffer,
  localeOf: (view) => view.locale,
  drafts: openDrafts(() => sessionStorage, location.pathname),
  newsOf: (view, say) => (view.quote ? say('quoteTitle') : view.progress ? stageTitle(view.progress, say) : ''),
  render(view, page) {
    shown = view
    const title = view.needs[0]!.job.title[page.locale]
    document.title = `${title} · ${view.brand.name[page.locale]}`
    return [header(view, page), safetyCard(view, page), ...body(view, page), foreignZone(view, page)]
  },
})
void screen.reload()
const refresh = (): void => {
  // Only a visit under way is watched; a choice half made is never drawn over.
  if (document.visibilityState === 'visible' && shown?.state === 'accepted' && !document.querySelector('[data-open]'))
    void screen.reload()
}
setInterval(refresh, REFRESH_MS)
document.addEventListener('visibilitychange', refresh)

function header(view: OfferView, page: Offer): HTMLElement {
  return el('header', { class: 'top' }, el('span', {}, view.brand.name[page.locale]), page.switcher())
}

function body(view: OfferView, page: Offer): Child[] {
  const { say } = page
  switch (view.state) {
    case 'offered':
    case 'snoozed':
      return asked(view, page)
    case 'accepted':
      return [
        quoteCard(view, page),
        headline(view, page),
        progress(view, page),
        overchargeCard(view, page),
        ratingCard(view, page),
        changeCard(view, page),
        needs(view, page),
        price(view, page),
        apart(view, page),
        problemCard(view, page),
      ]
    case 'closed':
      return view.progress
        ? [
            headline(view, page),
            solvedCard(view, page),
            progress(view, page),
            overchargeCard(view, page),
            ratingCard(view, page),
            price(view, page),
            apart(view, page),
            problemCard(view, page),
          ]
        : [ended(say('closedTitle')), otherChoices(view, page)]
    case 'self_service':
      return [
        ended(say('selfTitle'), say('selfAfter')),
        ...view.needs.map((need) => need.selfService && guide(need.selfService, need, page)),
        // Who changes their mind sees the price again before agreeing to it.
        view.choices.includes('accept') && details(say('visit'), price(view, page), booking(view, page)),
        otherChoices(view, page),
        problemCard(view, page),
      ]
    case 'declined':
      return view.stopped
        ? [ended(say('stoppedTitle'), say('stoppedBody')), otherChoices(view, page)]
        : [ended(say('declinedTitle'), say('declinedBody')), otherChoices(view, page)]
    case 'expired':
      return [ended(say('expiredTitle'), say('expired')), otherChoices(view, page)]
    case 'withdrawn':
      return [ended(say('withdrawnTitle')), otherChoices(view, page)]
    case 'cancelled':
      return [ended(say('cancelledTitle'), say('cancelledBody')), otherChoices(view, page), problemCard(view, page)]
  }
}

function asked(view: OfferView, page: Offer): Child[] {
  const { say, locale } = page
  const where = { locale, timeZone: view.timeZone }
  return [
    view.state === 'snoozed' &&
      view.snoozedUntil !== null &&
      el(
        'div',
        { class: 'notice', role: 'status' },
        el('p', { class: 'big' }, say('snoozedTitle')),
        el('p', {}, say('snoozedBody') + when(view.snoozedUntil, 'full', where)),
      ),
    headline(view, page),
    needs(view, page),
    price(view, page),
    view.choices.includes('accept') && booking(view, page),
    otherChoices(view, page),
    apart(view, page),
    problemCard(view, page),
    el('p', { class: 'soft' }, `${say('validUntil')} ${when(view.expiresAt, 'full', where)}`),
  ]
}

function ended(title: string, text?: string): HTMLElement {
  return el('section', { class: 'card', role: 'status' }, el('h1', {}, title), text !== undefined && el('p', {}, text))
}

/** Times are those of the home; whoever reads them elsewhere is told so. */
function foreignZone(view: OfferView, { say }: Offer): Child {
  const mine = Intl.DateTimeFormat().resolvedOptions().timeZone
  return mine === view.timeZone ? null : el('p', { class: 'soft' }, say('homeZone') + view.timeZone)
}
