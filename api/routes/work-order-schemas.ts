import { Type } from 'typebox'
import { Charge, ChargeLine, PartnerStatus, PartUsed, QuoteState, Slot, Verdict, WorkOrderPacket } from '#contracts'
import { Closed, Nullable, Time } from '../http/schemas.ts'

export const WorkOrderState = Type.Enum([
  'sent',
  'accepted',
  'in_progress',
  'completed',
  'rejected',
  'failed',
  'cancelled',
])

export const WorkOrder = Closed({
  id: Type.String(),
  number: Type.String(),
  state: WorkOrderState,
  status: Nullable(PartnerStatus),
  visit: Type.Integer(),
  partnerKey: Type.String(),
  caseIds: Type.Array(Type.String()),
  externalId: Nullable(Type.String()),
  appointment: Nullable(Slot),
  createdAt: Time,
  acceptedAt: Nullable(Time),
  closedAt: Nullable(Time),
  needsReview: Nullable(Type.String()),
  endReason: Nullable(
    Type.String({ description: '`rejected`, `lapsed`, `failed`, `called_off`, `quote_refused` or `device_gone`' }),
  ),
  reworkOf: Nullable(Type.String()),
  charge: Charge,
  overcharged: Type.Boolean(),
  requestedSlot: Nullable(Slot),
  missed: Type.Array(Type.String(), { description: 'promises that passed, as `bookBy 1` with the visit' }),
  objectedAt: Nullable(Time),
  updatedAt: Time,
  packet: WorkOrderPacket,
  outcome: Type.Unknown(),
})

const OrderItem = Closed({
  id: Type.String(),
  caseId: Type.String(),
  live: Type.Boolean({ description: 'still to be done' }),
  verdict: Nullable(Verdict),
  cause: Nullable(Type.String()),
  partsUsed: Type.Array(PartUsed),
  verified: Nullable(Type.Enum(['verified', 'not_fixed', 'not_observed', 'unverified'])),
  finishedAt: Nullable(Time),
  verifiedAt: Nullable(Time),
})

const Quote = Closed({
  version: Type.Integer(),
  state: QuoteState,
  lines: Type.Array(ChargeLine),
  totalMinor: Type.Integer(),
  reason: Type.String(),
  ifDeclined: Type.Enum(['continue', 'cancel']),
  validUntil: Time,
  receivedAt: Time,
  decidedAt: Nullable(Time),
})

const PartnerEventRecord = Closed({
  webhookId: Type.String(),
  status: Type.String(),
  visit: Type.Integer(),
  at: Time,
  receivedAt: Time,
  disposition: Type.String({ description: '`applied`, or why it changed nothing' }),
})

export const WorkOrderWithEvents = Closed({
  ...WorkOrder.properties,
  items: Type.Array(OrderItem),
  quotes: Type.Array(Quote),
  objectUntil: Nullable(Time),
  events: Type.Array(PartnerEventRecord),
})
