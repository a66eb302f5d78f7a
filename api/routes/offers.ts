import { Type } from 'typebox'
import { OfferState, OfferView } from '#contracts'
import { ADMIN, brandOf, VIEWER } from '../http/access.ts'
import { actorOf } from '../http/actor.ts'
import { PageOf, PageQuery } from '../http/paging.ts'
import { Closed, Nullable, PathName, Time } from '../http/schemas.ts'
import type { Routes } from './routes.ts'

const OfferSummary = Closed({
  id: Type.String(),
  homeId: Type.String(),
  state: OfferState,
  caseIds: Type.Array(Type.String()),
  createdAt: Time,
  expiresAt: Time,
  snoozedUntil: Nullable(Time),
  link: Type.String({ description: 'opens the offer for whoever has it: treat it as a secret' }),
})
const tags = ['offers']

/** What homes were asked. The homeowner answers by the link, see `/home/v1`. */
export const offerRoutes: Routes = async (app, { bridge }) => {
  app.get(
    '/api/offers',
    {
      config: { access: VIEWER },
      schema: {
        summary: 'Offers, newest first',
        tags,
        querystring: Closed({
          ...PageQuery,
          state: Type.Optional(OfferState),
          homeId: Type.Optional(Type.String({ maxLength: 64 })),
          caseId: Type.Optional(Type.String({ maxLength: 64 })),
        }),
        response: { 200: PageOf(OfferSummary) },
      },
    },
    (request) => bridge.offers.list(brandOf(request), request.query),
  )

  app.get(
    '/api/offers/:offer',
    {
      config: { access: VIEWER },
      schema: {
        summary: 'One offer as the home sees it',
        tags,
        params: Closed({ offer: PathName }),
        response: { 200: Closed({ ...OfferSummary.properties, view: OfferView }) },
      },
    },
    (request) => bridge.offers.get(brandOf(request), request.params.offer),
  )

  app.get(
    '/api/offers/:offer/words',
    {
      config: { access: ADMIN },
      schema: {
        summary: 'What the home wrote beside its answers; audited',
        tags,
        params: Closed({ offer: PathName }),
        response: {
          200: Closed({
            decline: Nullable(Type.String()),
            stop: Nullable(Type.String()),
            rating: Nullable(Type.String()),
          }),
        },
      },
    },
    (request) => bridge.offers.words(brandOf(request), request.params.offer, { by: actorOf(request) }),
  )
}
