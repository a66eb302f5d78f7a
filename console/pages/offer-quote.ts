import type { OfferView, QuoteDecisionBody } from '#contracts'
import { el } from './dom.ts'
import { money, when } from './format.ts'
import { PAYERS, priceRows } from './offer-price.ts'
import { type Offer, tell } from './offer-state.ts'
import { panels } from './panels.ts'

/** The partner asks for another price: what it found, both prices, and what follows from yes and from no. */
export function quoteCard(view: OfferView, page: Offer): HTMLElement | null {
  const { quote } = view
  if (quote === null) return null
  const { say, locale, drafts, messages } = page
  const shown = (minor: number) => money(minor, quote.currency, locale)
  const more = quote.totalMinor - quote.agreedMinor
  const decide = (decision: QuoteDecisionBody['decision']) => () =>
    void page.send(() => tell(`quote/${quote.version}`, { decision } satisfies QuoteDecisionBody), {
      thanks: decision === 'accept' ? 'quoteAcceptedThanks' : 'quoteDeclinedThanks',
      panel: `quote.quote-${decision}`,
    })
  const noMeans = quote.ifDeclined === 'continue' ? 'quoteNoContinue' : 'quoteNoCancel'
  const sure = (decision: QuoteDecisionBody['decision']) => () =>
    el(
      'div',
      {},
      el(
        'p',
        { class: 'big' },
        decision === 'accept' ? `${say('quoteYesSure')} ${shown(quote.totalMinor)}` : say(noMeans),
      ),
      el(
        'button',
        { type: 'button', class: 'main', 'data-send': decision, click: decide(decision) },
        say(decision === 'accept' ? 'quoteYesDo' : 'quoteNoDo'),
      ),
    )
  return el(
    'section',
    { class: 'card asks' },
    el('h2', { class: 'big' }, say('quoteTitle')),
    el('p', {}, el('strong', {}, say('quoteFound')), quote.reason),
    priceRows(quote.lines, { ...quote, payer: view.charge.payer, total: [say('quoteNew'), quote.totalMinor] }, page),
    el(
      'p',
      {},
      `${say('quoteAgreed')} ${shown(quote.agreedMinor)} · `,
      el('strong', {}, `${say(more < 0 ? 'quoteLess' : 'quoteMore')} ${shown(Math.abs(more))}`),
    ),
    view.charge.payer !== 'homeowner' && el('p', { class: 'soft' }, say(PAYERS[view.charge.payer])),
    el('p', {}, say('quoteYesMeans')),
    el('p', {}, say(noMeans)),
    el(
      'p',
      { class: 'soft' },
      `${say('quoteUntil')} ${when(quote.validUntil, 'full', { locale, timeZone: view.timeZone })}${say('quoteExpires')}`,
    ),
    view.choices.includes('quote') &&
      panels(
        'quote',
        [
          { name: 'quote-accept', label: say('quoteYes'), look: 'main', content: sure('accept') },
          { name: 'quote-decline', label: say('quoteNo'), content: sure('decline') },
        ],
        { drafts, back: say('back'), messages },
      ),
  )
}
