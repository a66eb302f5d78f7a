import type { CaseState } from '#contracts'
import type { CaseEffect, CaseEvent, CaseGuard } from './case-words.ts'

/**
 * The life of a service need as one table: rows are states, columns what happened. A cell
 * names its row of the specification (`C4`), where the case goes, what must be true first
 * (`guards`) and what follows (`effects`). Others find out whether guards hold and make the
 * effects happen; nothing here reads or writes.
 *
 * `later` marks a happening that is known and lawful here but whose handling is not built:
 * it is refused by that name, stored and put before a person, never dropped. A missing cell
 * is a happening that makes no sense in that state.
 */

export interface Cell {
  row: string
  to: CaseState
  guards?: readonly CaseGuard[]
  effects?: readonly CaseEffect[]
}
export interface LaterCell {
  row: string
  later: true
}

type Row = Partial<Record<CaseEvent, Cell | LaterCell>>

const later = (row: string): LaterCell => ({ row, later: true })

/** C21 before anything was promised to a partner. */
const dropped: Cell = { row: 'C21', to: 'cancelled', effects: ['withdrawOffer'] }
/** C21 once an order is out: it ends there too, and with it the way to the address. */
const calledOff: Cell = {
  row: 'C21',
  to: 'cancelled',
  guards: ['notArrived'],
  effects: ['closeOffer', 'cancelOrder', 'closeAddress'],
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
const started: Cell = { row: 'C13', to: 'in_progress' }
const taken: Cell = { row: 'C11', to: 'scheduled' }
const repaired: Cell = {
  row: 'C15',
  to: 'verifying',
  effects: ['closeOrder', 'resetComponent', 'recordOutcome', 'startVerification'],
}
const nothingFound: Cell = { row: 'C16', to: 'closed', effects: ['closeOrder', 'recordOutcome', 'closeOffer'] }

/** While an order is out, wherever it stands. */
const orderOut: Row = {
  quoted: later('C12'),
  parts_awaited: later('C14'),
  visit_missed: later('C14'),
  order_failed: later('C22'),
  // A partner may leave out steps, or its messages arrive out of order: the later one says it all.
  repaired,
  nothing_found: nothingFound,
  cancelled: calledOff,
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
  },
  held: {
    storm_released: { row: 'C3', to: 'open', effects: ['settleAgain'] },
    storm_dropped: { row: 'C3', to: 'cancelled', effects: ['withdrawOffer'] },
    stopped,
    alerts_resolved: recovered,
    cancelled: dropped,
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
  },
  accepted: {
    ordered: { row: 'C9', to: 'ordered', guards: ['gateOpen', 'homeKnown', 'partnerAvailable', 'shareConsent'] },
    alerts_resolved: keptForReview('accepted'),
    cancelled: calledOff,
  },
  ordered: {
    ...orderOut,
    order_refused: later('C10'),
    accept_missed: later('C10'),
    order_taken: taken,
    work_started: started,
    alerts_resolved: keptForReview('ordered'),
  },
  rerouting: { ordered: later('C10'), alerts_resolved: keptForReview('rerouting'), cancelled: calledOff },
  scheduled: {
    ...orderOut,
    order_taken: taken,
    work_started: started,
    alerts_resolved: keptForReview('scheduled'),
  },
  awaiting_quote: {
    quote_decided: later('C12'),
    alerts_resolved: keptForReview('awaiting_quote'),
    cancelled: calledOff,
  },
  awaiting_parts: {
    ...orderOut,
    order_taken: later('C14'),
    work_started: later('C14'),
    alerts_resolved: keptForReview('awaiting_parts'),
  },
  in_progress: {
    ...orderOut,
    // A new date for a second visit.
    order_taken: later('C14'),
    work_started: started,
    // While someone works on it the signal may show anything.
    alerts_resolved: { row: 'C13', to: 'in_progress' },
  },
  verifying: {
    verified: {
      row: 'C17',
      to: 'closed',
      guards: ['sameAttempt'],
      effects: ['stopWatching', 'tellVerdict', 'closeOffer'],
    },
    not_fixed: {
      row: 'C18',
      to: 'open',
      guards: ['sameAttempt'],
      effects: ['stopWatching', 'tellVerdict', 'closeOffer', 'settleAgain'],
    },
    not_observed: later('C19'),
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
  closed: { still_broken: { row: 'C18', to: 'open', effects: ['settleAgain'] } },
  declined: over,
  recovered: over,
  expired: over,
  cancelled: over,
}

export type CaseStep =
  | { kind: 'step'; row: string; to: CaseState; effects: readonly CaseEffect[] }
  /** Lawful, but a guard does not hold; `unmet` in the table's order. */
  | { kind: 'unmet'; row: string; unmet: readonly CaseGuard[] }
  /** Known, but its row is not built yet. */
  | { kind: 'later'; row: string }
  /** Makes no sense in this state. */
  | { kind: 'refused' }

/** Looks up one cell. Guards not mentioned in `facts` count as not met. */
export function caseStep(state: CaseState, event: CaseEvent, facts: Partial<Record<CaseGuard, boolean>>): CaseStep {
  const cell = CASE_TABLE[state][event]
  if (!cell) return { kind: 'refused' }
  if ('later' in cell) return { kind: 'later', row: cell.row }
  const unmet = (cell.guards ?? []).filter((guard) => facts[guard] !== true)
  if (unmet.length > 0) return { kind: 'unmet', row: cell.row, unmet }
  return { kind: 'step', row: cell.row, to: cell.to, effects: cell.effects ?? [] }
}

/** The guards a happening has to be asked about in this state. */
export function guardsOf(state: CaseState, event: CaseEvent): readonly CaseGuard[] {
  const cell = CASE_TABLE[state][event]
  return cell && !('later' in cell) ? (cell.guards ?? []) : []
}
