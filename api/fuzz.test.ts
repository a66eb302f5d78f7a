import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { documentOf, type OpenApiOperation } from './testing/answers.ts'
import { fitting, JUNK, nearlyFitting } from './testing/arbitrary.ts'
import { type Populated, populate } from './testing/scenario.ts'
import { openSink, type Sink } from './testing/sink.ts'
import { makeHub, type TestHub } from './testing/test-hub.ts'

/** Each is one request; some twenty per operation over the operations of the API. */
const RUNS = Number(process.env.FUZZ_RUNS ?? 1_500)

let hub: TestHub
let sink: Sink
let brand: Populated
let partnerKey: string

beforeAll(async () => {
  hub = await makeHub({ steppedClock: { nowMs: () => 0, stepTo: async (toMs) => toMs } })
  sink = await openSink()
  await hub.call('POST', '/api/partners', { body: { key: 'fixit', name: 'Fixit', url: sink.url } })
  brand = await populate(hub, await hub.newBrand('acme'), { partnerKey: 'fixit', sink })
  partnerKey = await hub.keyOf('partner', { partnerKey: 'fixit' })
})
afterAll(async () => {
  await hub?.close()
  await sink?.close()
})

interface Operation {
  name: string
  method: string
  path: string
  operation: OpenApiOperation
}

/** Bodies that are read as bytes take whatever there is. */
const BYTES: Record<string, string> = {
  'POST /api/devices/bulk': 'application/x-ndjson',
  'POST /api/telemetry': 'application/x-ndjson',
}

function keyFor({ operation }: Operation): string | null {
  const { kind, roles } = operation['x-access']
  if (kind !== 'key') return null
  if (roles!.includes('admin')) return brand.brand.admin
  return roles!.includes('partner') ? partnerKey : hub.operatorKey
}

function idFor(parameter: string, path: string): string {
  if (parameter === 'token') {
    if (path.startsWith('/home')) return brand.offerToken
    return path.startsWith('/job') ? brand.jobToken : brand.deviceToken
  }
  const ids: Record<string, string> = { ...brand.ids, brand: brand.brand.id, partner: 'fixit' }
  return ids[parameter] ?? 'x'
}

/** A query holds text; whatever else chance gives is written as JSON. */
function shown(value: unknown): string {
  const text = typeof value === 'object' ? JSON.stringify(value) : String(value)
  return text.slice(0, 2_000).toWellFormed()
}

test('no input makes the hub fail: every answer is below 500, and of the declared form', async () => {
  const { paths, components } = documentOf(hub.api)
  const $defs = components.schemas
  const all = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({
      name: `${method.toUpperCase()} ${path}`,
      method: method.toUpperCase(),
      path,
      operation,
    })),
  )
  // A live stream has no end, and what takes the fixture away would leave the others only 404s.
  const operations = all.filter(
    ({ name, method }) =>
      name !== 'GET /api/events' &&
      method !== 'DELETE' &&
      !name.endsWith('/erase') &&
      name !== 'PATCH /api/brands/{brand}',
  )
  const request = fc.constantFrom(...operations).chain((operation) => {
    const parameters = operation.operation.parameters ?? []
    const query = parameters.filter((parameter) => parameter.in === 'query')
    const inPath = parameters.filter((parameter) => parameter.in === 'path')
    const content = operation.operation.requestBody?.content ?? {}
    const schema = Object.values(content)[0]?.schema
    return fc.record({
      operation: fc.constant(operation),
      ids: fc.record(
        Object.fromEntries(
          inPath.map(({ name }) => [
            name,
            fc.oneof(
              { weight: 6, arbitrary: fc.constant(idFor(name, operation.path)) },
              { weight: 1, arbitrary: fc.string({ minLength: 1, maxLength: 140, unit: 'binary' }) },
              { weight: 1, arbitrary: fc.constantFrom('__proto__', '%00', '..', 'x'.repeat(5_000)) },
            ),
          ]),
        ),
      ),
      query: fc.record(
        Object.fromEntries(
          query.map(({ name, schema: fits }) => [
            name,
            fc.oneof(
              { weight: 3, arbitrary: fitting(fits, $defs) },
              { weight: 1, arbitrary: JUNK },
              {
                weight: 1,
                arbitrary: fc
                  .array(fc.oneof(fc.string(), fc.double()), { maxLength: 4 })
                  .map((parts) => Buffer.from(JSON.stringify(parts)).toString('base64url')),
              },
            ),
          ]),
        ),
        { requiredKeys: query.filter(({ required }) => required).map(({ name }) => name) },
      ),
      body: schema
        ? fc.oneof(
            { weight: 3, arbitrary: fitting(schema, $defs) },
            { weight: 3, arbitrary: nearlyFitting(schema, $defs) },
            { weight: 1, arbitrary: JUNK },
          )
        : fc.constant(undefined),
      idempotencyKey: fc.option(fc.constantFrom('k1', 'k2', '', 'ü'), { freq: 8 }),
    })
  })
  await fc.assert(
    fc.asyncProperty(request, async ({ operation, ids, query, body, idempotencyKey }) => {
      const path = operation.path.replace(/\{(\w+)\}/g, (_, name: string) =>
        encodeURIComponent(String(ids[name]).toWellFormed()),
      )
      const search = Object.entries(query).map(([name, value]) => `${name}=${encodeURIComponent(shown(value))}`)
      const bytes = BYTES[operation.name]
      const answer = await hub.call(operation.method, path + (search.length ? `?${search.join('&')}` : ''), {
        key: keyFor(operation),
        ...(bytes
          ? { raw: { type: bytes, text: typeof body === 'string' ? body : JSON.stringify(body ?? '') } }
          : body === undefined
            ? {}
            : { body }),
        ...(idempotencyKey === null ? {} : { headers: { 'idempotency-key': encodeURIComponent(idempotencyKey) } }),
      })
      expect(
        answer.status,
        `${operation.name}: ${answer.text.slice(0, 300)} ${hub.failures.at(-1)?.slice(0, 1_500)}`,
      ).toBeLessThan(500)
      if (answer.status >= 400) {
        expect(answer.headers['content-type']).toContain('application/problem+json')
        expect(answer.body.code).toMatch(/^[A-Z_]+$/)
      }
      const misfit = hub.misfits.splice(0)
      expect(misfit).toEqual([])
    }),
    { numRuns: RUNS },
  )
}, 240_000)
