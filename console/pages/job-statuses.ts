import type { PartnerReason, PartnerStatus } from '#contracts'
import type { Word } from './words.ts'

/** What a status needs beside itself before it can be sent. */
export type Form = 'none' | 'slot' | 'reason' | 'reason_slot' | 'outcome'

export interface StatusButton {
  word: Word
  form: Form
  reasons: readonly PartnerReason[]
}

/**
 * How each status is said on this page. Statuses that need a form of the partner's own office
 * (a quote, an objection) are not here: the page has no button for them.
 */
export const STATUS_BUTTONS: Partial<Record<PartnerStatus, StatusButton>> = {
  accepted: { word: 'doAccepted', form: 'none', reasons: [] },
  appointed: { word: 'doAppointed', form: 'slot', reasons: [] },
  dispatched: { word: 'doDispatched', form: 'none', reasons: [] },
  en_route: { word: 'doEnRoute', form: 'none', reasons: [] },
  arrived: { word: 'doArrived', form: 'none', reasons: [] },
  completed: { word: 'doCompleted', form: 'outcome', reasons: [] },
  rejected: {
    word: 'doRejected',
    form: 'reason',
    reasons: ['no_capacity', 'out_of_area', 'no_part', 'skill_missing', 'price', 'other'],
  },
  rescheduled: {
    word: 'doRescheduled',
    form: 'reason_slot',
    reasons: ['customer_request', 'technician_unavailable', 'part_delayed', 'weather', 'other'],
  },
  awaiting_parts: { word: 'doAwaitingParts', form: 'none', reasons: [] },
  customer_absent: { word: 'doCustomerAbsent', form: 'none', reasons: [] },
  technician_absent: { word: 'doTechnicianAbsent', form: 'none', reasons: [] },
  failed: {
    word: 'doFailed',
    form: 'reason',
    reasons: ['not_repairable', 'part_missing', 'unsafe', 'customer_refused', 'not_accessible', 'other'],
  },
  cancelled: {
    word: 'doCancelled',
    form: 'reason',
    reasons: ['customer_request', 'no_capacity', 'duplicate', 'unsafe', 'other'],
  },
}

/** The usual way of a visit: the first of these that is allowed is the big button. */
export const USUAL_WAY: readonly PartnerStatus[] = [
  'accepted',
  'appointed',
  'dispatched',
  'en_route',
  'arrived',
  'completed',
]

/** Said only in these places, although the order of progress would let them pass earlier. */
const SENSIBLE_AFTER: Partial<Record<PartnerStatus, readonly (PartnerStatus | null)[]>> = {
  rejected: [null],
  completed: ['arrived'],
  failed: ['arrived', 'awaiting_parts'],
  awaiting_parts: ['arrived'],
  customer_absent: ['en_route', 'arrived'],
  technician_absent: ['dispatched', 'en_route'],
  rescheduled: ['accepted', 'appointed', 'rescheduled', 'dispatched'],
  cancelled: ['accepted', 'appointed', 'rescheduled', 'dispatched', 'en_route'],
}

/** The big button and the others, out of what the hub would let count now. */
export function statusChoices(
  status: PartnerStatus | null,
  allowed: readonly PartnerStatus[],
): { next: PartnerStatus | null; others: PartnerStatus[] } {
  const here = allowed.filter((candidate) => {
    const places = SENSIBLE_AFTER[candidate]
    return STATUS_BUTTONS[candidate] !== undefined && (places === undefined || places.includes(status))
  })
  const next = USUAL_WAY.find((candidate) => here.includes(candidate)) ?? null
  return { next, others: here.filter((candidate) => candidate !== next && !USUAL_WAY.includes(candidate)) }
}
