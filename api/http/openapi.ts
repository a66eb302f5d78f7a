import swagger from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import type { FastifyInstance } from 'fastify'
import { Condition } from '#contracts'
import { type Access, DOCS_PATH, PUBLIC } from './access.ts'
import { ProblemDetails } from './problem.ts'

/** The docs page draws itself from files we serve; nothing is fetched from elsewhere. */
const DOCS_CSP =
  "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

const CONDITION_REF = '#/components/schemas/Condition'

type Json = Record<string, unknown>

/** Problem answers a route can give by its access, body and path; the same for all, so said once. */
function problemStatuses(access: Access, schema: Json, method: string): [number, string][] {
  const statuses: [number, string][] = [[400, 'The request cannot be read']]
  if (access.kind === 'key') statuses.push([401, 'No valid key'], [403, 'The key is of another role'])
  if (access.kind === 'device' || access.kind === 'signed') statuses.push([401, 'The token or signature is not valid'])
  if (access.kind !== 'public') {
    statuses.push(
      [404, 'No such thing, or not yours'],
      [409, 'Not possible in the present state, or in conflict with it'],
    )
  }
  const hasVisitor = access.kind === 'link' || (access.kind === 'key' && access.roles.includes('partner'))
  if (hasVisitor) statuses.push([410, 'Over: expired, ended, or the consent was withdrawn'])
  if (schema.body) {
    statuses.push([413, 'Body too large'], [415, 'Content type not understood'])
  }
  if (schema.body || method === 'POST') statuses.push([422, 'The body does not fit, or not the Idempotency-Key'])
  statuses.push([429, 'Too many requests'], [503, 'Something the hub needs is away, or a change is not yet in force'])
  return statuses
}

/**
 * What stands in the document for one route: the schemas as they are checked, the problem
 * answers, and under `x-access` who may call.
 */
function documented(schema: Json, access: Access, method: string): Json {
  const response: Json = {}
  for (const [status, text] of problemStatuses(access, schema, method)) {
    response[status] = {
      description: text,
      content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/ProblemDetails' } } },
    }
  }
  Object.assign(response, schema.response ?? {})
  return {
    ...(withoutCycles(schema) as Json),
    response: withoutCycles(response),
    security: access.kind === 'key' ? [{ key: [] }] : [],
    'x-access': access.kind === 'key' ? { kind: 'key', roles: [...access.roles] } : { kind: access.kind },
  }
}

/** The one recursive schema, a rule's condition, becomes a named component; the resolver knows no `$defs`. */
function withoutCycles(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(withoutCycles)
  if (typeof schema !== 'object' || schema === null) return schema
  const node = schema as Json
  if (node.$ref === 'Condition') return { $ref: CONDITION_REF }
  return Object.fromEntries(
    Object.entries(node)
      .filter(([key]) => key !== '$id')
      .map(([key, member]) => [key, withoutCycles(member)]),
  )
}

export async function describeApi(app: FastifyInstance, version: string): Promise<void> {
  const condition = (Condition as unknown as { $defs: { Condition: unknown } }).$defs.Condition
  await app.register(swagger, {
    convertConstToEnum: false,
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Beforehand',
        version,
        description:
          'Foresees what will wear out in appliances and locks and gets it serviced. ' +
          'Times are ISO 8601 UTC with milliseconds; lists are paged by cursor; errors are RFC 9457 problems with a stable `code`; ' +
          'every creating POST takes an `Idempotency-Key`.',
      },
      components: {
        securitySchemes: { key: { type: 'http', scheme: 'bearer', description: 'A key of `/api/keys`' } },
        schemas: {
          Condition: withoutCycles(condition) as never,
          ProblemDetails: ProblemDetails as never,
        },
      },
    },
    transform: (({
      schema,
      url,
      route,
    }: {
      schema?: Json
      url: string
      route: { method: string | string[]; config?: { access?: Access } }
    }) => ({
      url,
      schema: schema?.hide ? schema : documented(schema ?? {}, route.config?.access ?? PUBLIC, String(route.method)),
    })) as never,
  })
  await app.register(swaggerUi, {
    routePrefix: DOCS_PATH,
    staticCSP: DOCS_CSP,
    uiConfig: { validatorUrl: null as never, deepLinking: true, tryItOutEnabled: false },
  })
  app.get('/openapi.json', { config: { access: PUBLIC }, schema: { hide: true } as never }, async () => app.swagger())
}
