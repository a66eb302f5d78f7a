import { Type } from 'typebox'
import { GATE_SCOPES } from '#service-bridge'
import { ADMIN, brandOf, VIEWER } from '../http/access.ts'
import { actorOf } from '../http/actor.ts'
import { Closed, Time } from '../http/schemas.ts'
import type { Routes } from './routes.ts'

const Scope = Type.Enum([...GATE_SCOPES])
const Subject = Type.String({
  minLength: 1,
  maxLength: 64,
  description: 'rule key, region-code prefix or partner key; `*` for the brand',
})
const Gate = Closed({ scope: Scope, subject: Type.String(), closedAt: Time, reason: Type.String() })
const tags = ['gates']

/** Kill switches: while one is closed nothing of its kind leaves the hub; it waits and goes on when opened. */
export const gateRoutes: Routes = async (app, { bridge }) => {
  app.get(
    '/api/gates',
    {
      config: { access: VIEWER },
      schema: {
        summary: 'Gates that are closed',
        tags,
        response: { 200: Closed({ items: Type.Array(Gate), nextCursor: Type.Null() }) },
      },
    },
    async (request) => ({ items: await bridge.gates.list(brandOf(request)), nextCursor: null }),
  )

  app.put(
    '/api/gates',
    {
      config: { access: ADMIN },
      schema: {
        summary: 'Close a gate, at once',
        tags,
        body: Closed({ scope: Scope, subject: Subject, reason: Type.String({ minLength: 1, maxLength: 200 }) }),
        response: { 200: Gate },
      },
    },
    (request) => bridge.gates.close(brandOf(request), { ...request.body, by: actorOf(request) }),
  )

  app.delete(
    '/api/gates',
    {
      config: { access: ADMIN },
      schema: {
        summary: 'Open a gate: what waited goes on',
        tags,
        querystring: Closed({ scope: Scope, subject: Subject }),
        response: { 204: Type.Null() },
      },
    },
    async (request, reply) => {
      await bridge.gates.open(brandOf(request), { ...request.query, by: actorOf(request) })
      return reply.code(204).send()
    },
  )
}
