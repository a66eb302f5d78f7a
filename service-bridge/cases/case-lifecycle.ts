import type { CaseState } from '#contracts'
import type { CaseEffect, CaseEvent, CaseGuard } from './case-words.ts'

/**
 * The life of a service need as one table: rows are states, columns what happened. A cell
 * names its row of the specification (`C4`), where the case goes, what must be true first
 * (`guards`) and what follows (`effects`). Others find out whether guards hold and make the
 * effects happen; nothing here reads or writes.
 *
 * A missing cell is a happening that makes no sense in that state.
 */

/** Back to where the case was when it was interrupted. */
const RESUME = 'resume'

export interface Cell {
  row: string
  to: CaseState | typeof RESUME
  /** Where it will go on after an interruption; kept with the case. */
  resume?: CaseState
  guards?: readonly CaseGuard[]
  effects?: readonly CaseEffect[]
}

type Row = Partial<Record<CaseEvent, Cell>>

/** C21 before anything was promised to a partner. */
const dropped: Cell = { row: 'C21', to: 'cancelled', effects: ['withdrawOffer'] }
/** C21 once an order is out: it ends there too, and with it the way to the address. */
const calledOff: Cell = {
  row: 'C21',
  to: 'cancelled',
  guards: ['notArrived'],
  effects: ['withdrawQuote', 'closeOffer', 'cancelOrder', 'closeAddress', 'tellCalledOff'],
}
/** An order outlives the alert it came from (T19, T20); somebody should look whether it is still wanted. */
const keptForReview = (state: CaseState): Cell => ({ row: 'T20', to: state, effects: ['flagReview'] })

const accept: Cell = {
  row: 'C6',
  to: 'accepted',
  guards: ['offerNotExpired', 'shareConsent'],
  effects: ['recordConsent', 'freezeCharge', 'placeOrder'],
}
const recovered: Cell = { row: 'C8', to: 'recovered', effects: ['withdrawOffer'] }
/** The home wants no more of this kind. What it would be asked is not asked. */
const stopped: Cell = { row: 'C7', to: 'declined', effects: ['closeOffer'] }
const selfService: Cell = {
  row: 'C7',
  to: 'self_serviced',
  guards: ['offerNotExpired'],
  effects: ['setAside', 'watchSignal'],
}
const repaired: Cell = {
  row: 'C15',
  to: 'verifying',
  effects: ['withdrawQuote', 'closeOrder', 'resetComponent', 'recordOutcome', 'startVerification'],
}
const nothingFound: Cell = {
  row: 'C16',
  to: 'closed',
  effects: ['withdrawQuote', 'closeOrder', 'recordOutcome', 'closeOffer'],
}
/** The partner gives the order back, or never took it: it is cancelled there before anybody else is asked. */
const nextPartner = (row: 'C10' | 'C22'): Cell => ({
  row,
  to: 'rerouting',
  effects: ['withdrawQuote', 'endOrderThere', 'closeAddress', 'askNextPartner'],
})

/** While an order is out, wherever it stands. */
const orderOut = (state: 'ordered' | 'scheduled' | 'in_progress' | 'awaiting_parts'): Row => ({
  order_taken: { row: 'C11', to: 'scheduled' },
  quoted: { row: 'C12', to: 'awaiting_quote', resume: state, effects: ['askQuote'] },
  // A partner may leave out steps, or its messages arrive out of order: the later one says it all.
  work_started: { row: 'C13', to: 'in_progress', effects: ['muteDevice'] },
  parts_awaited: { row: 'C14', to: 'awaiting_parts' },
  visit_missed: { row: 'C14', to: 'scheduled' },
  repaired,
  nothing_found: nothingFound,
  order_refused: nextPartner('C22'),
  order_failed: nextPartner('C22'),
  cancelled: calledOff,
  device_gone: calledOff,
})

/** The same cells, for a state in which somebody may be at work: whoever leaves it is no longer. */
function handsOff(row: Row): Row {
  return Object.fromEntries(
    Object.entries(row).map(([event, cell]) =>
      event === 'quoted' || event === 'work_started' || event === 'alerts_resolved'
        ? [event, cell]
        : [event, { ...cell, effects: ['unmuteDevice', ...(cell.effects ?? [])] }],
    ),
  )
}

const over: Row = {}

export const CASE_TABLE: Readonly<Record<CaseState, Row>> = {
  open: {
    storm_held: { row: 'C3', to: 'held', effects: ['keepInHold'] },
    informed: {
      row: 'C4',
      to: 'open',
      guards: ['gateOpen', 'homeKnown', 'contactConsent', 'outsideQuietHours'],
      effects: ['informHome'],
    },
    offer_made: {
      row: 'C4',
      to: 'offered',
      guards: [
        'gateOpen',
        'homeKnown',
        'contactConsent',
        'noOtherOffer',
        'partnerAvailable',
        'timely',
        'outsideQuietHours',
        'belowContactCap',
      ],
      effects: ['makeOffer', 'askHome'],
    },
    // One home, one offer: what is not answered yet takes the new need in.
    offer_joined: {
      row: 'C4',
      to: 'offered',
      guards: ['gateOpen', 'homeKnown', 'contactConsent', 'outsideQuietHours', 'fitsOffer'],
      effects: ['joinOffer', 'askHome'],
    },
    joined_asleep: {
      row: 'C4',
      to: 'snoozed',
      guards: ['gateOpen', 'homeKnown', 'contactConsent', 'outsideQuietHours', 'fitsOffer'],
      effects: ['joinOffer'],
    },
    auto_dispatched: {
      row: 'C5',
      to: 'accepted',
      guards: ['gateOpen', 'homeKnown', 'partnerAvailable', 'standingShareConsent'],
      effects: ['freezeCharge', 'placeOrder'],
    },
    stopped,
    alerts_resolved: recovered,
    cancelled: dropped,
    device_gone: dropped,
  },
  held: {
    storm_released: { row: 'C3', to: 'open', effects: ['settleAgain'] },
    storm_dropped: { row: 'C3', to: 'cancelled', effects: ['withdrawOffer'] },
    stopped,
    alerts_resolved: recovered,
    cancelled: dropped,
    device_gone: dropped,
  },
  offered: {
    accepted: accept,
    snoozed: { row: 'C7', to: 'snoozed', guards: ['offerNotExpired', 'snoozeWithinLimit'] },
    declined: { row: 'C7', to: 'declined', guards: ['offerNotExpired'], effects: ['closeOffer'] },
    offer_expired: { row: 'C7', to: 'expired', effects: ['closeOffer'] },
    self_service_chosen: selfService,
    stopped,
    alerts_resolved: recovered,
    cancelled: dropped,
    device_gone: dropped,
  },
  snoozed: {
    offer_expired: { row: 'C7', to: 'expired', effects: ['closeOffer'] },
    snooze_over: {
      row: 'C7',
      to: 'offered',
      guards: ['gateOpen', 'homeKnown', 'contactConsent', 'outsideQuietHours'],
      effects: ['renewOffer', 'askHome'],
    },
    // The link stays good while it sleeps: a change of mind needs no second message.
    accepted: accept,
    declined: { row: 'C7', to: 'declined', guards: ['offerNotExpired'], effects: ['closeOffer'] },
    self_service_chosen: selfService,
    snoozed: { row: 'C7', to: 'snoozed', guards: ['offerNotExpired', 'snoozeWithinLimit'] },
    stopped,
    alerts_resolved: recovered,
    cancelled: dropped,
    device_gone: dropped,
  },
  accepted: {
    ordered: { row: 'C9', to: 'ordered', guards: ['gateOpen', 'homeKnown', 'partnerAvailable', 'shareConsent'] },
    retried: { row: 'C9', to: 'accepted', effects: ['placeOrder'] },
    alerts_resolved: keptForReview('accepted'),
    cancelled: calledOff,
    device_gone: calledOff,
  },
  ordered: {
    ...orderOut('ordered'),
    order_refused: nextPartner('C10'),
    accept_missed: nextPartner('C10'),
    alerts_resolved: keptForReview('ordered'),
  },
  rerouting: {
    ordered: { row: 'C10', to: 'ordered', guards: ['gateOpen', 'homeKnown', 'partnerAvailable', 'shareConsent'] },
    retried: { row: 'C10', to: 'rerouting', effects: ['placeOrder'] },
    alerts_resolved: keptForReview('rerouting'),
    cancelled: calledOff,
    device_gone: calledOff,
  },
  scheduled: { ...orderOut('scheduled'), alerts_resolved: keptForReview('scheduled') },
  awaiting_quote: {
    ...handsOff({
      // The visit goes on while the home thinks it over.
      order_taken: { row: 'C12', to: 'awaiting_quote', resume: 'scheduled' },
      parts_awaited: { row: 'C12', to: 'awaiting_quote', resume: 'awaiting_parts' },
      visit_missed: { row: 'C12', to: 'awaiting_quote', resume: 'scheduled' },
      // Done without waiting for the answer: for the price that was agreed.
      repaired,
      nothing_found: nothingFound,
      order_refused: nextPartner('C22'),
      order_failed: nextPartner('C22'),
      accept_missed: nextPartner('C10'),
      quote_refused: { row: 'C12', to: 'cancelled', effects: ['closeOffer', 'cancelOrder', 'closeAddress'] },
      cancelled: calledOff,
      device_gone: calledOff,
    }),
    work_started: { row: 'C12', to: 'awaiting_quote', resume: 'in_progress', effects: ['muteDevice'] },
    // A newer version takes the place of the one that was asked about.
    quoted: { row: 'C12', to: 'awaiting_quote', effects: ['askQuote'] },
    quote_accepted: { row: 'C12', to: RESUME, effects: ['freezeQuote'] },
    quote_set_aside: { row: 'C12', to: RESUME },
    alerts_resolved: keptForReview('awaiting_quote'),
  },
  awaiting_parts: { ...orderOut('awaiting_parts'), alerts_resolved: keptForReview('awaiting_parts') },
  in_progress: {
    ...handsOff(orderOut('in_progress')),
    // While someone works on it the signal may show anything.
    alerts_resolved: { row: 'C13', to: 'in_progress' },
  },
  verifying: {
    verified: {
      row: 'C17',
      to: 'closed',
      guards: ['sameAttempt'],
      effects: ['stopWatching', 'tellVerdict', 'closeOffer', 'tellProven'],
    },
    not_fixed: {
      row: 'C18',
      to: 'open',
      guards: ['sameAttempt'],
      effects: ['stopWatching', 'tellVerdict', 'closeOffer', 'settleAgain'],
    },
    not_observed: {
      row: 'C19',
      to: 'closed',
      guards: ['sameAttempt'],
      effects: ['stopWatching', 'tellVerdict', 'closeOffer', 'flagReview'],
    },
    unverified: {
      row: 'C20',
      to: 'closed',
      guards: ['sameAttempt'],
      effects: ['stopWatching', 'tellVerdict', 'closeOffer', 'askSolved'],
    },
    // The home's word goes before a signal that has not spoken yet.
    still_broken: {
      row: 'C18',
      to: 'open',
      effects: ['stopWatching', 'tellVerdict', 'closeOffer', 'settleAgain'],
    },
    alerts_resolved: { row: 'C17', to: 'verifying' },
    // Nothing will be heard of it any more (decision 11).
    device_gone: { row: 'C20', to: 'closed', effects: ['stopWatching', 'tellVerdict', 'closeOffer'] },
  },
  self_serviced: {
    // It turned out to be more than one can do oneself: the same link books a visit.
    accepted: {
      row: 'C7',
      to: 'accepted',
      guards: ['offerNotExpired', 'componentFree', 'shareConsent'],
      effects: ['stopWatching', 'recordConsent', 'freezeCharge', 'placeOrder'],
    },
    offer_joined: {
      row: 'C7',
      to: 'offered',
      guards: ['componentFree', 'fitsOffer'],
      effects: ['stopWatching', 'joinOffer'],
    },
    joined_asleep: {
      row: 'C7',
      to: 'snoozed',
      guards: ['componentFree', 'fitsOffer'],
      effects: ['stopWatching', 'joinOffer'],
    },
    visit_wanted: {
      row: 'C7',
      to: 'open',
      guards: ['componentFree'],
      effects: ['stopWatching', 'closeOffer', 'settleNow'],
    },
    verified: {
      row: 'C7',
      to: 'closed',
      guards: ['sameAttempt'],
      effects: ['stopWatching', 'resetComponent', 'closeOffer'],
    },
    alerts_resolved: { row: 'C7', to: 'closed', effects: ['stopWatching', 'closeOffer'] },
    // The home may need a weekend: one window without a sign is not yet an answer.
    not_fixed: { row: 'C7', to: 'self_serviced', guards: ['sameAttempt'], effects: ['watchAgain'] },
    unverified: { row: 'C7', to: 'self_serviced', guards: ['sameAttempt'], effects: ['watchAgain'] },
    self_service_unseen: {
      row: 'C7',
      to: 'open',
      guards: ['offeredOnceOnly'],
      effects: ['stopWatching', 'closeOffer', 'settleAgain'],
    },
  },
  closed: {
    still_broken: { row: 'C18', to: 'open', effects: ['settleAgain'] },
    // The brand believes the signal rather than the claim: once more, as a rework.
    retried: {
      row: 'C18',
      to: 'open',
      guards: ['endedNotObserved', 'componentFree', 'homeKnown'],
      effects: ['settleAgain'],
    },
  },
  declined: over,
  recovered: over,
  expired: over,
  cancelled: over,
}

export type CaseStep =
  | {
      kind: 'step'
      row: string
      to: CaseState
      /** Where it will go on: kept as it was, newly set, or over with this step. */
      resume: CaseState | null
      effects: readonly CaseEffect[]
    }
  /** Lawful, but a guard does not hold; `unmet` in the table's order. */
  | { kind: 'unmet'; row: string; unmet: readonly CaseGuard[] }
  /** Makes no sense in this state. */
  | { kind: 'refused' }

/**
 * Looks up one cell. Guards not mentioned in `facts` count as not met. `resume` is where an
 * interrupted case goes on; a case that was not interrupted cannot be resumed.
 */
export function caseStep(
  state: CaseState,
  event: CaseEvent,
  facts: Partial<Record<CaseGuard, boolean>>,
  resume: CaseState | null = null,
): CaseStep {
  const cell = CASE_TABLE[state][event]
  if (!cell) return { kind: 'refused' }
  const unmet = (cell.guards ?? []).filter((guard) => facts[guard] !== true)
  if (unmet.length > 0) return { kind: 'unmet', row: cell.row, unmet }
  const to = cell.to === RESUME ? resume : cell.to
  if (to === null) return { kind: 'refused' }
  const interrupted = to === state || cell.resume !== undefined
  return {
    kind: 'step',
    row: cell.row,
    to,
    resume: cell.resume ?? (interrupted && cell.to !== RESUME ? resume : null),
    effects: cell.effects ?? [],
  }
}

/** The guards a happening has to be asked about in this state. */
export function guardsOf(state: CaseState, event: CaseEvent): readonly CaseGuard[] {
  return CASE_TABLE[state][event]?.guards ?? []
}
