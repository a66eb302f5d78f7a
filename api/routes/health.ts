import { Type } from 'typebox'
import { PUBLIC } from '../http/access.ts'
import type { Routes } from './routes.ts'

const Part = Type.Object(
  {
    part: Type.String({ description: 'database, telemetry-log, rules, …' }),
    ready: Type.Boolean(),
    code: Type.Optional(Type.String()),
    reason: Type.Optional(Type.String({ description: 'what is wrong and what to do' })),
  },
  { additionalProperties: false },
)
const Readiness = Type.Object({ ready: Type.Boolean(), parts: Type.Array(Part) }, { additionalProperties: false })

/** Alive, ready, and in numbers: for supervisors, balancers and Prometheus. */
export const healthRoutes: Routes = async (app, { readiness, metrics }) => {
  app.get(
    '/healthz',
    {
      config: { access: PUBLIC },
      exposeHeadRoute: true,
      schema: {
        summary: 'Alive: the process answers',
        tags: ['health'],
        response: { 200: Type.Object({ status: Type.Literal('ok') }, { additionalProperties: false }) },
      },
    },
    async () => ({ status: 'ok' }),
  )
  app.get(
    '/readyz',
    {
      config: { access: PUBLIC },
      exposeHeadRoute: true,
      schema: {
        summary: 'Ready: every part does its work; 503 names those that do not',
        tags: ['health'],
        response: { 200: Readiness, 503: Readiness },
      },
    },
    async (_request, reply) => {
      const parts = await readiness()
      const ready = parts.every((part) => part.ready)
      return reply.code(ready ? 200 : 503).send({ ready, parts })
    },
  )
  app.get(
    '/metrics',
    {
      config: { access: PUBLIC },
      schema: { summary: 'Prometheus text; names no brand and no device', tags: ['health'] },
    },
    async (_request, reply) => reply.type(metrics.contentType).send(await metrics.metrics()),
  )
}
