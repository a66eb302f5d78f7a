import type { JobView, PartnerReason, PartnerStatus } from '#contracts'
import type { Word } from './words.ts'

/** What a status needs beside itself before it can be sent. */
export type Form = 'none' | 'slot' | 'reason' | 'reason_slot' | 'quote' | 'outcome' | 'objection' | 'sure'

export interface StatusButton {
  word: Word
  form: Form
  reasons: readonly PartnerReason[]
  /** Said before it is sent. */
  means?: Word
}

/** How each status is said on this page. */
export const STATUS_BUTTONS: Partial<Record<PartnerStatus, StatusButton>> = {
  accepted: { word: 'doAccepted', form: 'none', reasons: [] },
  appointed: { word: 'doAppointed', form: 'slot', reasons: [] },
  dispatched: { word: 'doDispatched', form: 'none', reasons: [] },
  en_route: { word: 'doEnRoute', form: 'none', reasons: [] },
  arrived: { word: 'doArrived', form: 'none', reasons: [] },
  completed: { word: 'doCompleted', form: 'outcome', reasons: [] },
  quoted: { word: 'doQuoted', form: 'quote', reasons: [], means: 'quoteMeans' },
  rescheduled: {
    word: 'doRescheduled',
    form: 'reason_slot',
    reasons: ['customer_request', 'technician_unavailable', 'part_delayed', 'weather', 'other'],
  },
  awaiting_parts: { word: 'doAwaitingParts', form: 'sure', reasons: [], means: 'awaitingPartsMeans' },
  customer_absent: { word: 'doCustomerAbsent', form: 'sure', reasons: [], means: 'customerAbsentMeans' },
  technician_absent: { word: 'doTechnicianAbsent', form: 'sure', reasons: [], means: 'technicianAbsentMeans' },
  rejected: {
    word: 'doRejected',
    form: 'reason',
    reasons: ['no_capacity', 'out_of_area', 'no_part', 'skill_missing', 'price', 'other'],
    means: 'rejectedMeans',
  },
  failed: {
    word: 'doFailed',
    form: 'reason',
    reasons: ['not_repairable', 'part_missing', 'unsafe', 'customer_refused', 'not_accessible', 'other'],
    means: 'endsMeans',
  },
  cancelled: {
    word: 'doCancelled',
    form: 'reason',
    reasons: ['customer_request', 'no_capacity', 'duplicate', 'unsafe', 'other'],
    means: 'endsMeans',
  },
  objected: { word: 'doObjected', form: 'objection', reasons: [], means: 'objectedMeans' },
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

const ON_THE_WAY: readonly PartnerStatus[] = ['accepted', 'appointed', 'rescheduled', 'dispatched', 'en_route']
/** Between two visits. */
const BETWEEN: readonly PartnerStatus[] = ['awaiting_parts', 'customer_absent', 'technician_absent']

/** Said only in these places, although the order of progress would let them pass earlier. */
const SENSIBLE_AFTER: Partial<Record<PartnerStatus, readonly (PartnerStatus | null)[]>> = {
  rejected: [null],
  completed: ['arrived', 'quoted'],
  failed: ['arrived', 'quoted', ...BETWEEN],
  quoted: ['accepted', 'appointed', 'rescheduled', 'dispatched', 'en_route', 'arrived'],
  awaiting_parts: ['arrived', 'quoted'],
  customer_absent: ['en_route', 'arrived'],
  technician_absent: ['appointed', 'rescheduled', 'dispatched', 'en_route'],
  rescheduled: ['accepted', 'appointed', 'rescheduled', 'dispatched', ...BETWEEN],
  cancelled: [...ON_THE_WAY, 'quoted', ...BETWEEN],
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
  const order = Object.keys(STATUS_BUTTONS)
  const others = here.filter((candidate) => candidate !== next && !USUAL_WAY.includes(candidate))
  return { next, others: others.sort((a, b) => order.indexOf(a) - order.indexOf(b)) }
}

/**
 * Where the job will be once the hub has heard what still waits to be sent: in a cellar without
 * a connection the work goes on. What leaves the usual way is awaited instead.
 */
export function presumed(view: JobView, waiting: readonly PartnerStatus[]): Pick<JobView, 'status' | 'allowed'> {
  const last = waiting.at(-1)
  if (last === undefined) return view
  const place = USUAL_WAY.indexOf(last)
  const later =
    place === -1 || last === 'completed'
      ? []
      : view.allowed.filter((status) => !USUAL_WAY.slice(0, place + 1).includes(status))
  return { status: last, allowed: later.filter((status) => status !== 'rejected') }
}
