import { Type } from 'typebox'
import { AgreementDocument, Key } from '#contracts'
import { ADMIN, brandOf, VIEWER } from '../http/access.ts'
import { actorOf } from '../http/actor.ts'
import { commit } from '../http/commit.ts'
import { PageOf, PageQuery } from '../http/paging.ts'
import { Closed, Nullable, PathName, Time } from '../http/schemas.ts'
import type { Routes } from './routes.ts'

const Agreement = Closed({ id: Type.String(), agreement: AgreementDocument, active: Type.Boolean(), createdAt: Time })
const params = Closed({ agreement: PathName })
const tags = ['agreements']

/** What a partner does for this brand: where, with which skills, for how much. */
export const agreementRoutes: Routes = async (app, services) => {
  const { agreements } = services.bridge

  app.post(
    '/api/agreements',
    {
      config: { access: ADMIN },
      schema: { summary: 'Join a partner to the brand', tags, body: AgreementDocument, response: { 201: Agreement } },
    },
    (request, reply) =>
      commit(
        services,
        request,
        reply,
        async ({ tx, brandId }) => ({
          status: 201,
          body: await agreements.create(brandId, request.body, { by: actorOf(request), within: tx }),
        }),
        { scope: 'hub' },
      ),
  )

  app.get(
    '/api/agreements',
    {
      config: { access: VIEWER },
      schema: {
        summary: 'Agreements',
        tags,
        querystring: Closed({ ...PageQuery, partnerKey: Type.Optional(Key) }),
        response: { 200: PageOf(Agreement) },
      },
    },
    (request) => agreements.list(brandOf(request), request.query),
  )

  app.get(
    '/api/agreements/:agreement',
    { config: { access: VIEWER }, schema: { summary: 'One agreement', tags, params, response: { 200: Agreement } } },
    (request) => agreements.get(brandOf(request), request.params.agreement),
  )

  app.get(
    '/api/agreements/:agreement/ratings',
    {
      config: { access: VIEWER },
      schema: {
        summary: 'What homes thought of its visits, over the last half year',
        tags,
        params,
        response: {
          200: Closed({
            count: Type.Integer(),
            attitude: Nullable(Type.Number()),
            quality: Nullable(Type.Number()),
            speed: Nullable(Type.Number()),
            solvedShare: Nullable(Type.Number()),
          }),
        },
      },
    },
    (request) => agreements.ratings(brandOf(request), request.params.agreement),
  )

  app.patch(
    '/api/agreements/:agreement',
    {
      config: { access: ADMIN },
      schema: {
        summary: 'Replace the terms, or end or resume the agreement; orders under way keep theirs',
        tags,
        params,
        body: Closed(
          { agreement: Type.Optional(AgreementDocument), active: Type.Optional(Type.Boolean()) },
          { minProperties: 1 },
        ),
        response: { 200: Agreement },
      },
    },
    (request) =>
      agreements.update(brandOf(request), request.params.agreement, { ...request.body, by: actorOf(request) }),
  )
}
