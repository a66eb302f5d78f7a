import { Type } from 'typebox'
import { requireHome } from '../homes.ts'
import { ADMIN, AUTHOR, brandOf } from '../http/access.ts'
import { actorOf } from '../http/actor.ts'
import { read } from '../http/read.ts'
import { Closed, Nullable, PathName, Time } from '../http/schemas.ts'
import type { Routes } from './routes.ts'

const OfferStop = Closed({
  id: Type.String(),
  category: Type.String({ description: 'kind of appliance' }),
  componentKind: Type.String({ description: 'kind of part' }),
  stoppedAt: Time,
  offerId: Nullable(Type.String()),
})
const tags = ['homes']

/** What a home asked not to hear of again, and how it is taken back when it tells the brand so. */
export const offerStopRoutes: Routes = async (app, services) => {
  const { bridge } = services

  app.get(
    '/api/homes/:home/offer-stops',
    {
      config: { access: AUTHOR },
      schema: {
        summary: 'Kinds of offers the home asked to stop',
        tags,
        params: Closed({ home: PathName }),
        response: { 200: Closed({ items: Type.Array(OfferStop) }) },
      },
    },
    async (request) => {
      await read(services, request, (tx, brandId) => requireHome(tx, brandId, request.params.home))
      return { items: await bridge.homes.stops(brandOf(request), request.params.home) }
    },
  )

  app.delete(
    '/api/homes/:home/offer-stops/:stop',
    {
      config: { access: ADMIN },
      schema: {
        summary: 'The home may be asked about this kind again',
        tags,
        params: Closed({ home: PathName, stop: PathName }),
        response: { 204: Type.Null() },
      },
    },
    async (request, reply) => {
      const { home, stop } = request.params
      await bridge.homes.liftStop(brandOf(request), home, stop, { by: actorOf(request) })
      return reply.code(204).send(null)
    },
  )
}
