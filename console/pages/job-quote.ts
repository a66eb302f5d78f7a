import type { JobView, PartnerQuote } from '#contracts'
import { chargeLines } from './charge-lines.ts'
import { field, oneOf, textArea } from './controls.ts'
import { el } from './dom.ts'
import { money, when } from './format.ts'
import type { Job } from './job-state.ts'
import type { Word } from './words.ts'

/** As the contract bounds it. */
const REASON_MAX = 1_000
const HOUR_MS = 3_600_000
/** How long the home may think: while the technician waits at the door, today, or over some nights. */
const VALID = { 1: 'valid1', 24: 'valid24', 72: 'valid72' } as const satisfies Record<number, Word>

/** Another price than agreed: every line of the new charge, what was found, and what follows from a no. */
export function quoteForm(
  view: JobView,
  form: string,
  page: Job,
): { element: HTMLElement; read: () => PartnerQuote | null } {
  const { say } = page
  const lines = chargeLines(view.workOrder.charge, form, page)
  const reason = textArea('reason', REASON_MAX)
  const valid = oneOf(
    say('validFor'),
    'valid',
    Object.entries(VALID).map(([hours, word]) => [hours, say(word)] as const),
    '24',
  )
  const no = oneOf(
    say('ifDeclined'),
    'ifDeclined',
    [
      ['continue', say('ifDeclinedContinue')],
      ['cancel', say('ifDeclinedCancel')],
    ] as const,
    'cancel',
  )
  const version = Math.max(1, view.workOrder.charge.quoteVersion, view.quote?.version ?? 0) + 1
  return {
    element: el(
      'div',
      {},
      field(say('quoteReason'), reason, say('quoteReasonAbout')),
      lines.element,
      valid.element,
      no.element,
    ),
    read() {
      const text = reason.value.trim()
      const read = lines.read()
      if (text === '' || read.lines.length === 0) return null
      const validUntil = new Date(Date.parse(view.now) + Number(valid.chosen()) * HOUR_MS).toISOString()
      return { version, lines: read.lines, reason: text, validUntil, ifDeclined: no.chosen() ?? 'cancel' }
    },
  }
}

const DECIDED: Readonly<Record<NonNullable<JobView['quote']>['state'], Word>> = {
  open: 'quoteOpen',
  accepted: 'quoteAccepted',
  declined: 'quoteDeclined',
  expired: 'quoteExpired',
  replaced: 'quoteReplaced',
  withdrawn: 'quoteWithdrawn',
}

/** What became of the last quote. */
export function quoteCard(view: JobView, { say, locale }: Job): HTMLElement | null {
  const { quote } = view
  if (quote === null) return null
  const until = `${say('quoteUntil')} ${when(quote.validUntil, 'full', { locale, timeZone: view.timeZone })}`
  return el(
    'section',
    { class: `notice ${quote.state === 'open' ? 'warning' : ''}`, role: 'status', 'data-quote': quote.state },
    el(
      'p',
      { class: 'big' },
      `${say(DECIDED[quote.state])} · ${money(quote.totalMinor, view.workOrder.charge.currency, locale)}`,
    ),
    quote.state === 'open' && el('p', {}, until),
  )
}
