import type { FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import { Instant, PartnerEvent, SiteAddress } from '#contracts'
import { PARTNER, SIGNED } from '../http/access.ts'
import { actorOf } from '../http/actor.ts'
import { bytesOf, readBytes } from '../http/bodies.ts'
import { PageOf, PageQuery } from '../http/paging.ts'
import { Closed, PathName } from '../http/schemas.ts'
import { rawBodyValidator } from '../http/validation.ts'
import type { Routes } from './routes.ts'
import { WorkOrder, WorkOrderState, WorkOrderWithEvents } from './work-order-schemas.ts'

const params = Closed({ workOrder: PathName })
const tags = ['partner']
/** An outcome of twenty items with its notes; pictures are links. */
const EVENT_BYTES_MAX = 262_144

/** What a partner asks with its API key, and what it tells under its signature. */
export const partnerSideRoutes: Routes = async (app, { bridge }) => {
  const partnerId = async (request: FastifyRequest): Promise<string> =>
    (await bridge.partners.get(request.principal!.partnerKey!)).id

  app.get(
    '/partner/v1/work-orders',
    {
      config: { access: PARTNER },
      schema: {
        summary: 'The partner’s orders, of all brands: for partners that poll',
        description:
          'With `changedSince` in the order of their last change: begin the next round at the newest `updatedAt` seen. ' +
          'Quotes and their decisions, other times the home asked for, cancellations and verification are all in the order.',
        tags,
        querystring: Closed({
          ...PageQuery,
          state: Type.Optional(WorkOrderState),
          status: Type.Optional(WorkOrderState),
          changedSince: Type.Optional(Instant),
        }),
        response: { 200: PageOf(WorkOrder) },
      },
    },
    async (request) => {
      const { state, status, changedSince, ...page } = request.query
      const wanted = state ?? status
      return bridge.orders.listForPartner(await partnerId(request), {
        ...page,
        ...(wanted === undefined ? {} : { state: wanted }),
        ...(changedSince === undefined ? {} : { changedSince }),
      })
    },
  )

  app.get(
    '/partner/v1/work-orders/:workOrder',
    {
      config: { access: PARTNER },
      schema: { summary: 'One order', tags, params, response: { 200: WorkOrderWithEvents } },
    },
    async (request) => bridge.orders.getForPartner(await partnerId(request), request.params.workOrder),
  )

  app.get(
    '/partner/v1/work-orders/:workOrder/site',
    {
      config: { access: PARTNER },
      schema: {
        summary: 'The address, once the order is accepted; every read is audited',
        tags,
        params,
        response: { 200: SiteAddress },
      },
    },
    async (request) =>
      bridge.orders.site({
        orderId: request.params.workOrder,
        partnerId: await partnerId(request),
        by: actorOf(request),
      }),
  )

  await app.register(async (scope: typeof app) => {
    // The signature is over these very bytes, so nothing may parse them first.
    readBytes(scope as never, ['application/json', 'application/cloudevents+json'], EVENT_BYTES_MAX)
    scope.post(
      '/partner/v1/work-orders/:workOrder/events',
      {
        bodyLimit: EVENT_BYTES_MAX,
        config: { access: SIGNED },
        validatorCompiler: rawBodyValidator,
        schema: {
          summary: 'Report a status, signed by the Standard Webhooks scheme with the partner’s secret',
          description:
            'Verified over the raw bytes. A repeated webhook-id answers 200 without effect; an older status is stored and ignored.',
          tags,
          params,
          headers: Type.Object({
            'webhook-id': Type.Optional(Type.String({ maxLength: 256 })),
            'webhook-timestamp': Type.Optional(Type.String({ maxLength: 32 })),
            'webhook-signature': Type.Optional(Type.String({ maxLength: 2_048 })),
          }),
          body: PartnerEvent,
          response: { 200: Closed({ disposition: Type.String({ description: '`applied`, or why nothing changed' }) }) },
        },
      },
      (request) =>
        bridge.partnerEvents.receive({
          orderId: request.params.workOrder,
          rawBody: bytesOf(request.body),
          headers: request.headers,
        }),
    )
  })
}
