import { Type } from 'typebox'
import { ADMIN, brandOf } from '../http/access.ts'
import { actorOf } from '../http/actor.ts'
import { commit } from '../http/commit.ts'
import { PageOf, PageQuery } from '../http/paging.ts'
import { Closed, Nullable, PathName, Secret, Time } from '../http/schemas.ts'
import type { Routes } from './routes.ts'

const Url = Type.String({ minLength: 8, maxLength: 2_000 })
const Types = Type.Array(Type.String({ pattern: '^beforehand\\.[a-z_.]{1,64}$' }), {
  maxItems: 50,
  description: 'event types or their prefixes; empty for all',
})
const State = Type.Enum(['active', 'disabled'])
const Endpoint = Closed({
  id: Type.String(),
  url: Type.String(),
  types: Type.Array(Type.String()),
  state: State,
  disabledReason: Nullable(Type.String()),
  breaker: Type.Enum(['closed', 'open']),
  createdAt: Time,
})
const params = Closed({ endpoint: PathName })
const tags = ['endpoints']
const OVERLAP_MS_MAX = 30 * 86_400_000

/** Where a brand receives its own events: alerts, cases, offers, notices to send. */
export const endpointRoutes: Routes = async (app, services) => {
  const { endpoints, checkAddress } = services.bridge

  app.post(
    '/api/endpoints',
    {
      config: { access: ADMIN },
      schema: {
        summary: 'Add an endpoint; its signing secret is shown once',
        tags,
        body: Closed({ url: Url, types: Type.Optional(Types) }),
        response: { 201: Closed({ endpoint: Endpoint, secret: Secret }) },
      },
    },
    async (request, reply) => {
      const forbidden = await checkAddress(request.body.url)
      return commit(services, request, reply, async ({ tx, brandId }) => {
        if (forbidden) throw forbidden
        return {
          status: 201,
          body: await endpoints.create(brandId, { ...request.body, by: actorOf(request), within: tx }),
        }
      })
    },
  )

  app.get(
    '/api/endpoints',
    {
      config: { access: ADMIN },
      schema: { summary: 'Endpoints', tags, querystring: Closed(PageQuery), response: { 200: PageOf(Endpoint) } },
    },
    (request) => endpoints.list(brandOf(request), request.query),
  )

  app.get(
    '/api/endpoints/:endpoint',
    { config: { access: ADMIN }, schema: { summary: 'One endpoint', tags, params, response: { 200: Endpoint } } },
    (request) => endpoints.get(brandOf(request), request.params.endpoint),
  )

  app.patch(
    '/api/endpoints/:endpoint',
    {
      config: { access: ADMIN },
      schema: {
        summary: 'Change an endpoint; enabling it again also closes its breaker',
        tags,
        params,
        body: Closed(
          { url: Type.Optional(Url), types: Type.Optional(Types), state: Type.Optional(State) },
          { minProperties: 1 },
        ),
        response: { 200: Endpoint },
      },
    },
    (request) => endpoints.update(brandOf(request), request.params.endpoint, { ...request.body, by: actorOf(request) }),
  )

  app.post(
    '/api/endpoints/:endpoint/secret',
    {
      config: { access: ADMIN },
      schema: {
        summary: 'Rotate the signing secret; the old one stays valid for a while',
        tags,
        params,
        body: Closed({ overlapMs: Type.Optional(Type.Integer({ minimum: 0, maximum: OVERLAP_MS_MAX })) }),
        response: { 201: Closed({ secret: Secret }) },
      },
    },
    (request, reply) =>
      commit(services, request, reply, async ({ tx, brandId }) => ({
        status: 201,
        body: await endpoints.rotateSecret(brandId, request.params.endpoint, {
          ...request.body,
          by: actorOf(request),
          within: tx,
        }),
      })),
  )
}
