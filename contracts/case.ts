/** Where a service need stands; the rows of the case table. */
export const CASE_STATES = [
  'open',
  'held',
  'offered',
  'snoozed',
  'accepted',
  'ordered',
  'rerouting',
  'scheduled',
  'awaiting_quote',
  'awaiting_parts',
  'in_progress',
  'verifying',
  'closed',
  'declined',
  'self_serviced',
  'recovered',
  'expired',
  'cancelled',
] as const
export type CaseState = (typeof CASE_STATES)[number]

/** States in which the need is over; every other state is live, and one component has at most one live case. */
export const CASE_STATES_OVER: ReadonlySet<CaseState> = new Set([
  'closed',
  'declined',
  'self_serviced',
  'recovered',
  'expired',
  'cancelled',
])

/** What is known about how a closed case ended. */
export type CaseEnd = 'verified' | 'no_fault_found' | 'not_observed' | 'unverified'
