import { Type } from 'typebox'
import { FLEET_HOLD_STATES, FleetHold } from '#contracts'
import { AUTHOR, brandOf, VIEWER } from '../http/access.ts'
import { actorOf } from '../http/actor.ts'
import { PageOf, PageQuery } from '../http/paging.ts'
import { Closed, PathName } from '../http/schemas.ts'
import type { Routes } from './routes.ts'

const params = Closed({ hold: PathName })
const tags = ['cases']
const body = Closed({ reason: Type.String({ minLength: 1, maxLength: 200 }) })

/** Storms: needs of one rule that opened in such numbers that a person has to look first. */
export const fleetHoldRoutes: Routes = async (app, { bridge }) => {
  app.get(
    '/api/fleet-holds',
    {
      config: { access: VIEWER },
      schema: {
        summary: 'Storms of a fleet, newest first, with how many needs wait in each',
        tags,
        querystring: Closed({ ...PageQuery, state: Type.Optional(Type.Enum([...FLEET_HOLD_STATES])) }),
        response: { 200: PageOf(FleetHold) },
      },
    },
    (request) => bridge.fleetHolds.list(brandOf(request), request.query),
  )

  app.get(
    '/api/fleet-holds/:hold',
    { config: { access: VIEWER }, schema: { summary: 'One storm', tags, params, response: { 200: FleetHold } } },
    (request) => bridge.fleetHolds.get(brandOf(request), request.params.hold),
  )

  app.post(
    '/api/fleet-holds/:hold/release',
    {
      config: { access: AUTHOR },
      schema: {
        summary: 'Let all needs of a storm go on: they settle again and are offered in their order',
        description: 'The cases follow a hundred at a time; the answer counts those that still wait.',
        tags,
        params,
        body,
        response: { 200: FleetHold },
      },
    },
    (request) =>
      bridge.fleetHolds.release(brandOf(request), request.params.hold, {
        by: actorOf(request),
        reason: request.body.reason,
      }),
  )

  app.post(
    '/api/fleet-holds/:hold/drop',
    {
      config: { access: AUTHOR },
      schema: {
        summary: 'Cancel all needs of a storm: nobody is asked',
        description: 'A rule or firmware that was wrong stays so: pause the rule, or its next needs are counted anew.',
        tags,
        params,
        body,
        response: { 200: FleetHold },
      },
    },
    (request) =>
      bridge.fleetHolds.drop(brandOf(request), request.params.hold, {
        by: actorOf(request),
        reason: request.body.reason,
      }),
  )
}
