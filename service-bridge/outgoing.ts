import { type CloudEvent, EVENT_TYPE_PREFIX, type EventType, instant } from '#contracts'
import { derivedId } from '#platform'
import { enqueueEvent } from '#store'
import { type Core, note, type Work } from './core.ts'

/** Something to tell. The id derives from `cause`, so that the same cause gives the same webhook id again. */
export interface Telling {
  type: EventType
  /** A case, offer, order, alert or notice id. */
  subject: string
  data: unknown
  /** What makes this telling unique besides type and subject. */
  cause: readonly (string | number)[]
}

/** The body of an event; `id` is its webhook id. */
export function cloudEvent(options: {
  id: string
  brandId: string
  type: EventType
  subject: string
  sequence: number
  atMs: number
  data: unknown
}): CloudEvent {
  return {
    specversion: '1.0',
    id: options.id,
    source: `urn:beforehand:${options.brandId}`,
    type: EVENT_TYPE_PREFIX + options.type,
    subject: options.subject,
    time: instant(options.atMs),
    datacontenttype: 'application/json',
    sequence: String(options.sequence),
    data: options.data,
  }
}

async function enqueue(work: Work, kind: 'partner' | 'brand', destination: string, telling: Telling): Promise<string> {
  const { type, subject } = telling
  return enqueueEvent(work.tx, {
    brandId: work.brandId,
    destination: { kind, id: destination },
    type: EVENT_TYPE_PREFIX + type,
    subject,
    deliveryId: derivedId('msg', work.brandId, destination, type, subject, ...telling.cause),
    nowMs: work.atMs,
    body: ({ deliveryId, subjectSequence }) =>
      cloudEvent({ id: deliveryId, brandId: work.brandId, sequence: subjectSequence, atMs: work.atMs, ...telling }),
  })
}

/** Into the outbox for a partner, in the transaction of what it tells. */
export async function tellPartner(work: Work, partnerKey: string, telling: Telling): Promise<string> {
  return enqueue(work, 'partner', partnerKey, telling)
}

/** Into the outbox for each endpoint of the brand that wants this type; live listeners hear it in any case. */
export async function tellBrand(_core: Core, work: Work, telling: Telling): Promise<void> {
  note(work, telling.type, telling.subject)
  for (const endpoint of await endpointsOf(work)) {
    const wanted = EVENT_TYPE_PREFIX + telling.type
    const matches = endpoint.types.some((type) => wanted.startsWith(type) || telling.type.startsWith(type))
    if (endpoint.types.length > 0 && !matches) continue
    await enqueue(work, 'brand', endpoint.endpoint_id, telling)
  }
}

type Listener = { endpoint_id: string; types: string[] }
/** By transaction: what tells one thing of a happening tells several. */
const listeners = new WeakMap<Work, Promise<Listener[]>>()

function endpointsOf(work: Work): Promise<Listener[]> {
  const asked =
    listeners.get(work) ??
    work.tx.selectFrom('endpoints').select(['endpoint_id', 'types']).where('brand_id', '=', work.brandId).execute()
  listeners.set(work, asked)
  return asked
}
