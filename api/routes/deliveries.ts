import { Type } from 'typebox'
import { Instant } from '#contracts'
import { HubError } from '#platform'
import type { Access } from '../http/access.ts'
import { actorOf } from '../http/actor.ts'
import { PageOf, PageQuery } from '../http/paging.ts'
import { Closed, Nullable, PathName, Time } from '../http/schemas.ts'
import { msOf } from '../http/times.ts'
import type { Routes } from './routes.ts'

/** A brand sees its own events; the operator all of them, because a partner's endpoint is the operator's. */
const READERS: Access = { kind: 'key', roles: ['platform', 'admin', 'author', 'viewer'] }
const DRIVERS: Access = { kind: 'key', roles: ['platform', 'admin'] }

const State = Type.Enum(['pending', 'sent', 'dead', 'cancelled'])
const Delivery = Closed({
  id: Type.String({ description: 'the webhook-id, the same in every attempt' }),
  brandId: Type.String({ description: '`hub` for the operator’s own' }),
  destinationKind: Type.Enum(['partner', 'brand']),
  endpointId: Type.String({ description: 'partner key, or id of the brand’s endpoint' }),
  type: Type.String(),
  subject: Type.String(),
  sequence: Type.Integer(),
  state: State,
  attempts: Type.Integer(),
  nextAttemptAt: Nullable(Time),
  createdAt: Time,
  sentAt: Nullable(Time),
  lastStatus: Nullable(Type.Integer()),
  lastError: Nullable(Type.String()),
})
const Attempt = Closed({
  attempt: Type.Integer(),
  at: Time,
  outcome: Type.String(),
  status: Nullable(Type.Integer()),
  durationMs: Type.Integer(),
})
const params = Closed({ delivery: PathName })
const tags = ['deliveries']
const Redriven = Closed({ redriven: Type.Integer() })

/** The outbox: what is waiting, what was sent, what nobody took. */
export const deliveryRoutes: Routes = async (app, { bridge }) => {
  app.get(
    '/api/deliveries',
    {
      config: { access: READERS },
      schema: {
        summary: 'Deliveries, newest first; `state=dead` are the dead letters',
        tags,
        querystring: Closed({
          ...PageQuery,
          state: Type.Optional(State),
          endpointId: Type.Optional(Type.String({ maxLength: 64 })),
          subject: Type.Optional(Type.String({ maxLength: 64 })),
        }),
        response: { 200: PageOf(Delivery) },
      },
    },
    (request) => bridge.deliveries.list(request.principal!.brandId, request.query),
  )

  app.get(
    '/api/deliveries/:delivery',
    {
      config: { access: READERS },
      schema: {
        summary: 'One delivery, its attempts and its body',
        tags,
        params,
        response: { 200: Closed({ ...Delivery.properties, tries: Type.Array(Attempt), body: Type.Unknown() }) },
      },
    },
    (request) => bridge.deliveries.get(request.principal!.brandId, request.params.delivery),
  )

  app.post(
    '/api/deliveries/:delivery/redrive',
    {
      config: { access: DRIVERS },
      schema: {
        summary: 'Send one dead letter again, under its own webhook-id',
        tags,
        params,
        body: Closed({}),
        response: { 200: Redriven },
      },
    },
    (request) =>
      bridge.deliveries.redrive(request.principal!.brandId, { id: request.params.delivery }, { by: actorOf(request) }),
  )

  app.post(
    '/api/deliveries/redrive',
    {
      config: { access: DRIVERS },
      schema: {
        summary: 'Send dead letters of an endpoint or a time range again',
        tags,
        body: Closed(
          {
            endpointId: Type.Optional(Type.String({ minLength: 1, maxLength: 64 })),
            from: Type.Optional(Instant),
            to: Type.Optional(Instant),
          },
          { minProperties: 1 },
        ),
        response: { 200: Redriven },
      },
    },
    (request) => {
      const { from, to } = request.body
      const fromMs = from === undefined ? 0 : msOf(from, '/from')
      const toMs = to === undefined ? Number.POSITIVE_INFINITY : msOf(to, '/to')
      if (fromMs >= toMs)
        throw new HubError('VALIDATION_FAILED', 'The range ends before it begins.', { pointer: '/to' })
      return bridge.deliveries.redrive(request.principal!.brandId, request.body, { by: actorOf(request) })
    },
  )
}
