import Fastify, {
  type FastifyInstance,
  type FastifyPluginAsync,
  type FastifyReply,
  type FastifyServerOptions,
  LogController,
} from 'fastify'
import { HubError, newSecret, realClock } from '#platform'
import { guardAccess } from './http/access.ts'
import { readBodies, refuseUnstorable } from './http/bodies.ts'
import { measureHttp } from './http/http-metrics.ts'
import { createKeyCheck } from './http/key-check.ts'
import { describeApi } from './http/openapi.ts'
import { hubErrorOf, PROBLEM_TYPE, problemBody, refusalOf } from './http/problem.ts'
import { createRateLimiter } from './http/rate-limit.ts'
import { setSecurityHeaders } from './http/security-headers.ts'
import { strictValidator } from './http/validation.ts'
import { findKey } from './keys.ts'
import { ROUTES } from './routes/index.ts'
import type { TypedBySchema } from './routes/routes.ts'
import { type ApiServices, DEFAULT_LIMITS, type RouteServices } from './services.ts'

/** Enough for a rule or a product; calls that take more say so. */
export const BODY_BYTES_MAX = 262_144
/** A request must have arrived in this time, headers in less: slow senders hold a socket, not a handler. */
const REQUEST_MS_MAX = 60_000
const HEADERS_MS_MAX = 10_000
/** How often Node looks for sockets past those times; its default would let them live half a minute longer. */
const SOCKET_CHECK_EVERY_MS = 2_000
/** Idle sockets are kept this long for the next request of the same caller. */
const KEEP_ALIVE_MS = 15_000
/** One path segment: a token of 256 bits, with room. */
const PARAM_CHARACTERS_MAX = 128

/** Enough to find one request in a day's log; chosen here, never by the caller. */
const REQUEST_ID_CHARACTERS = 16

export type Api = FastifyInstance

/**
 * The HTTP side of the hub. Nothing listens yet: call `listen`, or `inject` in a test.
 * Closing it ends live event streams first, then waits for requests under way.
 */
export async function createApi(services: ApiServices): Promise<Api> {
  const limits = { ...DEFAULT_LIMITS, ...services.limits }
  const options: FastifyServerOptions & { http: object } = {
    loggerInstance: services.logger,
    logController: new LogController({ disableRequestLogging: true }),
    trustProxy: services.trustProxy ?? false,
    genReqId: () => newSecret().slice(0, REQUEST_ID_CHARACTERS),
    bodyLimit: BODY_BYTES_MAX,
    requestTimeout: REQUEST_MS_MAX,
    keepAliveTimeout: KEEP_ALIVE_MS,
    // A start on an overloaded machine is slow, not broken: the routes compile in their own time.
    pluginTimeout: 0,
    forceCloseConnections: 'idle',
    exposeHeadRoutes: false,
    routerOptions: { maxParamLength: PARAM_CHARACTERS_MAX },
    http: { headersTimeout: HEADERS_MS_MAX, connectionsCheckingInterval: SOCKET_CHECK_EVERY_MS },
    frameworkErrors: (error, _request, reply) => {
      const problem = problemBody(hubErrorOf(error))
      const answer = reply as FastifyReply
      void answer.code(problem.status).type(PROBLEM_TYPE).send(JSON.stringify(problem))
    },
  }
  const app: FastifyInstance = Fastify(options)
  app.server.maxConnections = limits.connectionsMax

  app.setValidatorCompiler(strictValidator)
  // Answers are what the handlers return: nothing is dropped or converted on the way out.
  app.setSerializerCompiler(() => (data) => JSON.stringify(data))
  app.setErrorHandler((thrown, request, reply) => {
    const error = refusalOf(thrown, request)
    if (error.status >= 500) {
      const route = request.routeOptions.url
      request.log.error({ err: thrown, code: error.code, method: request.method, route }, 'A request failed')
    }
    return reply.code(error.status).type(PROBLEM_TYPE).send(problemBody(error))
  })
  app.setNotFoundHandler(() => {
    throw new HubError('NOT_FOUND', 'There is no such path; /docs lists what there is.')
  })

  setSecurityHeaders(app, services.publicUrl)
  measureHttp(app, services.metrics)
  const keys = createKeyCheck({ findKey: (hash) => findKey(services.db, hash), clock: realClock })
  guardAccess(app, {
    keys,
    perAddress: createRateLimiter(realClock, limits.perAddress),
    perKey: createRateLimiter(realClock, limits.perKey),
  })
  readBodies(app)
  refuseUnstorable(app)
  await describeApi(app, services.version)
  const routeServices: RouteServices = { ...services, keys }
  for (const routes of ROUTES) {
    const plugin: FastifyPluginAsync = async (scope) => routes(scope.withTypeProvider<TypedBySchema>(), routeServices)
    await app.register(plugin)
  }
  await app.ready()
  return app
}
