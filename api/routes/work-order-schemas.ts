import { Type } from 'typebox'
import { PartnerStatus, Slot, WorkOrderPacket } from '#contracts'
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
  packet: WorkOrderPacket,
  outcome: Type.Unknown(),
})

const PartnerEventRecord = Closed({
  webhookId: Type.String(),
  status: Type.String(),
  visit: Type.Integer(),
  at: Time,
  receivedAt: Time,
  disposition: Type.String({ description: '`applied`, or why it changed nothing' }),
})

export const WorkOrderWithEvents = Closed({ ...WorkOrder.properties, events: Type.Array(PartnerEventRecord) })
