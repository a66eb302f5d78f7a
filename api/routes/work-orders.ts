import { Type } from 'typebox'
import { Key } from '#contracts'
import { AUTHOR, brandOf, VIEWER } from '../http/access.ts'
import { actorOf } from '../http/actor.ts'
import { PageOf, PageQuery } from '../http/paging.ts'
import { Closed, PathName } from '../http/schemas.ts'
import type { Routes } from './routes.ts'
import { WorkOrder, WorkOrderState, WorkOrderWithEvents } from './work-order-schemas.ts'

/** One retry sends what is dead of one order; an order has some tens of events. */
const EVENTS_MAX = 200
const params = Closed({ workOrder: PathName })
const tags = ['work orders']

/** Orders sent to partners, with what the partners said. */
export const workOrderRoutes: Routes = async (app, { bridge }) => {
  app.get(
    '/api/work-orders',
    {
      config: { access: VIEWER },
      schema: {
        summary: 'Work orders, newest first',
        tags,
        querystring: Closed({
          ...PageQuery,
          state: Type.Optional(WorkOrderState),
          caseId: Type.Optional(Type.String({ maxLength: 64 })),
          partnerKey: Type.Optional(Key),
        }),
        response: { 200: PageOf(WorkOrder) },
      },
    },
    (request) => bridge.orders.list(brandOf(request), request.query),
  )

  app.get(
    '/api/work-orders/:workOrder',
    {
      config: { access: VIEWER },
      schema: {
        summary: 'One work order with every status received',
        tags,
        params,
        response: { 200: WorkOrderWithEvents },
      },
    },
    (request) => bridge.orders.get(brandOf(request), request.params.workOrder),
  )

  app.post(
    '/api/work-orders/:workOrder/cancel',
    {
      config: { access: AUTHOR },
      schema: {
        summary: 'Cancel an order before anybody has arrived',
        tags,
        params,
        body: Closed({ reason: Type.String({ minLength: 1, maxLength: 200 }) }),
        response: { 200: WorkOrder },
      },
    },
    (request) =>
      bridge.orders.cancel(brandOf(request), request.params.workOrder, {
        by: actorOf(request),
        reason: request.body.reason,
      }),
  )

  app.post(
    '/api/work-orders/:workOrder/retry',
    {
      config: { access: AUTHOR },
      schema: {
        summary: 'Send again what the partner did not take, under the same webhook ids',
        tags,
        params,
        body: Closed({}),
        response: { 200: Closed({ redriven: Type.Integer() }) },
      },
    },
    async (request) => {
      const brandId = brandOf(request)
      const order = await bridge.orders.get(brandId, request.params.workOrder)
      const dead = await bridge.deliveries.list(brandId, { subject: order.id, state: 'dead', limit: EVENTS_MAX })
      let redriven = 0
      for (const { id } of dead.items)
        redriven += (await bridge.deliveries.redrive(brandId, { id }, { by: actorOf(request) })).redriven
      return { redriven }
    },
  )
}
