import { Type } from 'typebox'

/** What a partner can say of an order. The order of progress is (visit, rank); see `PARTNER_STATUS_RANK`. */
export const PARTNER_STATUSES = [
  'accepted',
  'rejected',
  'quoted',
  'appointed',
  'rescheduled',
  'dispatched',
  'en_route',
  'arrived',
  'awaiting_parts',
  'customer_absent',
  'technician_absent',
  'completed',
  'failed',
  'cancelled',
  'objected',
] as const
export type PartnerStatus = (typeof PARTNER_STATUSES)[number]
export const PartnerStatus = Type.Enum([...PARTNER_STATUSES])

/** Progress within one visit; lower or equal is old news. An objection is beside the order of progress. */
export const PARTNER_STATUS_RANK: Readonly<Record<PartnerStatus, number | null>> = {
  accepted: 1,
  appointed: 2,
  rescheduled: 2,
  quoted: 2,
  dispatched: 3,
  en_route: 4,
  arrived: 5,
  awaiting_parts: 6,
  customer_absent: 6,
  technician_absent: 6,
  completed: 9,
  failed: 9,
  cancelled: 9,
  rejected: 9,
  objected: null,
}

/** Why, where a reason is required: a closed list, so that it can be counted. */
export const PARTNER_REASONS = {
  rejected: ['no_capacity', 'out_of_area', 'no_part', 'skill_missing', 'price', 'other'],
  rescheduled: ['customer_request', 'technician_unavailable', 'part_delayed', 'weather', 'other'],
  failed: ['not_repairable', 'part_missing', 'unsafe', 'customer_refused', 'not_accessible', 'other'],
  cancelled: ['customer_request', 'no_capacity', 'duplicate', 'unsafe', 'other'],
} as const satisfies Partial<Record<PartnerStatus, readonly string[]>>
export type ReasonedStatus = keyof typeof PARTNER_REASONS
export type PartnerReason = (typeof PARTNER_REASONS)[ReasonedStatus][number]
export const PartnerReason = Type.Enum([...new Set(Object.values(PARTNER_REASONS).flat())])

/** What the technician found, per item. */
export const VERDICTS = ['confirmed', 'other_cause', 'no_fault_found', 'not_accessible'] as const
export type Verdict = (typeof VERDICTS)[number]
export const Verdict = Type.Enum([...VERDICTS])

/** What the homeowner may say when declining; counted, so closed. */
export const DECLINE_REASONS = [
  'not_now',
  'too_expensive',
  'already_done',
  'do_not_believe_it',
  'other_service',
  'moved',
  'other',
] as const
export type DeclineReason = (typeof DECLINE_REASONS)[number]
export const DeclineReason = Type.Enum([...DECLINE_REASONS])
