import { type Static, Type } from 'typebox'
import { Instant } from './primitives.ts'

/** The envelope of every event that leaves the hub: CloudEvents 1.0, structured JSON mode. */
export const CloudEvent = Type.Object({
  specversion: Type.Literal('1.0'),
  /** Equal to the `webhook-id` header: the same over all retries and redrives. */
  id: Type.String(),
  source: Type.String(),
  type: Type.String(),
  subject: Type.Optional(Type.String()),
  time: Instant,
  datacontenttype: Type.Literal('application/json'),
  /** Counts the events of one subject towards one endpoint from 1, so that a receiver can put them in order. */
  sequence: Type.String(),
  data: Type.Unknown(),
})
export type CloudEvent = Static<typeof CloudEvent>

/** CloudEvents `type` of everything sent to partners and brands. */
export const EVENT_TYPE_PREFIX = 'beforehand.'
