import { Type } from 'typebox'
import { Key } from '#contracts'
import { OPERATOR } from '../http/access.ts'
import { actorOf } from '../http/actor.ts'
import { commit } from '../http/commit.ts'
import { PageOf, PageQuery } from '../http/paging.ts'
import { Closed, Nullable, PathName, Secret, Time } from '../http/schemas.ts'
import type { Routes } from './routes.ts'

const Name = Type.String({ minLength: 1, maxLength: 200 })
const Url = Type.String({ minLength: 8, maxLength: 2_000, description: 'https; where events are posted' })
const State = Type.Enum(['active', 'suspended'])
const Partner = Closed({
  id: Type.String(),
  key: Key,
  name: Type.String(),
  url: Nullable(Type.String()),
  endpointId: Nullable(Type.String()),
  state: State,
  disabledReason: Nullable(Type.String({ description: 'the endpoint answered 410: give its URL again' })),
  breaker: Type.Enum(['closed', 'open']),
  createdAt: Time,
})
const params = Closed({ partner: PathName })
const tags = ['partners']
/** Two secrets are valid at once this long at most: a forgotten rotation ends by itself. */
const OVERLAP_MS_MAX = 30 * 86_400_000

/** Fulfilment partners: platforms with one endpoint and one secret, kept by the operator for all brands. */
export const partnerRoutes: Routes = async (app, services) => {
  const { partners, checkAddress } = services.bridge

  app.post(
    '/api/partners',
    {
      config: { access: OPERATOR },
      schema: {
        summary: 'Create a partner; its signing secret is shown once',
        tags,
        body: Closed({ key: Key, name: Name, url: Type.Optional(Nullable(Url)) }),
        response: { 201: Closed({ partner: Partner, secret: Secret }) },
      },
    },
    async (request, reply) => {
      const { key, name, url = null } = request.body
      const forbidden = url === null ? null : await checkAddress(url)
      return commit(services, request, reply, async ({ tx }) => {
        if (forbidden) throw forbidden
        return { status: 201, body: await partners.create({ key, name, url, by: actorOf(request), within: tx }) }
      })
    },
  )

  app.get(
    '/api/partners',
    {
      config: { access: OPERATOR },
      schema: { summary: 'Partners', tags, querystring: Closed(PageQuery), response: { 200: PageOf(Partner) } },
    },
    (request) => partners.list(request.query),
  )

  app.get(
    '/api/partners/:partner',
    {
      config: { access: OPERATOR },
      schema: { summary: 'One partner, by key', tags, params, response: { 200: Partner } },
    },
    (request) => partners.get(request.params.partner),
  )

  app.patch(
    '/api/partners/:partner',
    {
      config: { access: OPERATOR },
      schema: {
        summary: 'Change a partner’s name, endpoint or state',
        tags,
        params,
        body: Closed(
          { name: Type.Optional(Name), url: Type.Optional(Nullable(Url)), state: Type.Optional(State) },
          { minProperties: 1 },
        ),
        response: { 200: Partner },
      },
    },
    (request) => partners.update(request.params.partner, { ...request.body, by: actorOf(request) }),
  )

  app.post(
    '/api/partners/:partner/secret',
    {
      config: { access: OPERATOR },
      schema: {
        summary: 'Rotate the signing secret; the old one stays valid for a while',
        tags,
        params,
        body: Closed({
          overlapMs: Type.Optional(
            Type.Integer({ minimum: 0, maximum: OVERLAP_MS_MAX, description: 'a day when left out' }),
          ),
        }),
        response: { 201: Closed({ secret: Secret }) },
      },
    },
    (request, reply) =>
      commit(services, request, reply, async ({ tx }) => ({
        status: 201,
        body: await partners.rotateSecret(request.params.partner, {
          ...request.body,
          by: actorOf(request),
          within: tx,
        }),
      })),
  )

  app.post(
    '/api/partners/:partner/test',
    {
      config: { access: OPERATOR },
      schema: {
        summary: 'Send a signed test event now and say how it went',
        tags,
        params,
        body: Closed({}),
        response: {
          200: Closed({
            ok: Type.Boolean(),
            status: Nullable(Type.Integer()),
            detail: Type.String(),
            webhookId: Type.String(),
          }),
        },
      },
    },
    (request) => partners.test(request.params.partner, { by: actorOf(request) }),
  )
}
