import type { FastifyInstance } from 'fastify'
import { Counter, Histogram, type Registry } from 'prom-client'

/** From a cached read to what a caller gives up on. */
const SECONDS_BUCKETS = [0.005, 0.02, 0.1, 0.5, 2, 10]

/** Counts by route pattern, never by path: paths hold tokens and have no bound. */
export function measureHttp(app: FastifyInstance, registry: Registry): void {
  const labelNames = ['method', 'route', 'status'] as const
  const requests = new Counter({
    name: 'beforehand_http_requests_total',
    help: 'Answered HTTP requests',
    labelNames,
    registers: [registry],
  })
  const seconds = new Histogram({
    name: 'beforehand_http_request_seconds',
    help: 'Time from the first byte of a request to the last of its answer',
    labelNames: ['route'] as const,
    buckets: SECONDS_BUCKETS,
    registers: [registry],
  })
  app.addHook('onResponse', async (request, reply) => {
    const route = request.routeOptions.url ?? 'unknown'
    requests.inc({ method: request.method, route, status: String(reply.statusCode) })
    seconds.observe({ route }, reply.elapsedTime / 1_000)
  })
}
