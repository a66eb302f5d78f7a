import { Type } from 'typebox'
import { ADMIN, brandOf } from '../http/access.ts'
import { actorOf } from '../http/actor.ts'
import { commit } from '../http/commit.ts'
import { Closed, Nullable, Secret, Time } from '../http/schemas.ts'
import type { Routes } from './routes.ts'

const Url = Type.String({ minLength: 8, maxLength: 2_000, description: 'https; asked with a signed POST' })
const Resolver = Closed({ url: Type.String(), createdAt: Time, updatedAt: Time })
const tags = ['homes']
/** Two secrets are valid at once this long at most: a forgotten rotation ends by itself. */
const OVERLAP_MS_MAX = 30 * 86_400_000

/** For a brand that keeps the addresses itself: where the hub asks for one, at the moment a partner may see it. */
export const siteResolverRoutes: Routes = async (app, services) => {
  const { siteResolver, checkAddress } = services.bridge

  app.put(
    '/api/site-resolver',
    {
      config: { access: ADMIN },
      schema: {
        summary: 'Say where addresses behind a siteRef are asked for; the signing secret is shown once',
        tags,
        body: Closed({ url: Url }),
        response: {
          200: Closed({ resolver: Resolver, secret: Nullable(Secret) }),
        },
      },
    },
    async (request, reply) => {
      const { url } = request.body
      const forbidden = await checkAddress(url)
      return commit(services, request, reply, async ({ tx, brandId }) => {
        if (forbidden) throw forbidden
        return { status: 200, body: await siteResolver.put(tx, brandId, { url, by: actorOf(request) }) }
      })
    },
  )

  app.get(
    '/api/site-resolver',
    {
      config: { access: ADMIN },
      schema: { summary: 'Where addresses are asked for', tags, response: { 200: Resolver } },
    },
    (request) => siteResolver.get(brandOf(request)),
  )

  app.delete(
    '/api/site-resolver',
    {
      config: { access: ADMIN },
      schema: { summary: 'Ask nowhere any more', tags, response: { 204: Type.Null() } },
    },
    (request, reply) =>
      commit(services, request, reply, async ({ tx, brandId }) => {
        await siteResolver.remove(tx, brandId, { by: actorOf(request) })
        return { status: 204, body: null }
      }),
  )

  app.post(
    '/api/site-resolver/secret',
    {
      config: { access: ADMIN },
      schema: {
        summary: 'Rotate the signing secret; the old one stays valid for a while',
        tags,
        body: Closed({ overlapMs: Type.Optional(Type.Integer({ minimum: 0, maximum: OVERLAP_MS_MAX })) }),
        response: { 201: Closed({ secret: Secret }) },
      },
    },
    (request, reply) =>
      commit(services, request, reply, async ({ tx, brandId }) => ({
        status: 201,
        body: await siteResolver.rotateSecret(tx, brandId, { ...request.body, by: actorOf(request) }),
      })),
  )

  app.post(
    '/api/site-resolver/test',
    {
      config: { access: ADMIN },
      schema: {
        summary: 'Ask for one siteRef now and say how it went; the address itself is not shown',
        tags,
        body: Closed({ siteRef: Type.String({ minLength: 1, maxLength: 200 }) }),
        response: { 200: Closed({ ok: Type.Boolean(), detail: Type.String() }) },
      },
    },
    (request) => siteResolver.test(brandOf(request), { ...request.body, by: actorOf(request) }),
  )
}
