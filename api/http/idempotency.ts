import type { FastifyRequest } from 'fastify'
import { canonicalJson, HubError, type SecretBox, sha256Hex } from '#platform'
import { type Tx, withIdempotency } from '#store'

/** Visible ASCII; a structured-field string (draft-07) keeps its quotes, which do no harm. */
const IDEMPOTENCY_KEY = /^[\x21-\x7e]{1,255}$/

/** What a request answered, and the changes its caller waits for. */
export interface Done {
  status: number
  body: unknown
  changeIds: string[]
}

/** The key a POST came with, or `null`. */
export function idempotencyKey(request: FastifyRequest): string | null {
  if (request.method !== 'POST') return null
  const header = request.headers['idempotency-key']
  if (header === undefined) return null
  if (typeof header !== 'string' || !IDEMPOTENCY_KEY.test(header)) {
    throw new HubError('BAD_REQUEST', 'The Idempotency-Key must be 1–255 visible ASCII characters, sent once.')
  }
  return header
}

/**
 * Does the work once per key, brand and route. Only what was done is kept, so a refused
 * request may be mended and sent again under the same key.
 */
export async function oncePerKey(
  tx: Tx,
  {
    request,
    brandId,
    key,
    box,
    nowMs,
  }: { request: FastifyRequest; brandId: string; key: string; box: SecretBox; nowMs: number },
  work: () => Promise<Done>,
): Promise<Done> {
  const route = `${request.method} ${request.routeOptions.url}`
  const place = `idempotency_keys/${brandId}/${route}/${key}`
  const fresh: { done?: Done } = {}
  const answer = await withIdempotency(
    tx,
    { brandId, route, key, bodySha256: fingerprintOf(request), nowMs },
    async () => {
      fresh.done = await work()
      // Sealed: an answer may hold a key shown once, or a person.
      const response = box.seal(JSON.stringify(fresh.done), place).toString('base64')
      return { status: fresh.done.status, response, homeId: homeOf(request, fresh.done) }
    },
  )
  if (answer.response === '') throw new HubError('GONE', 'What this request made belonged to a home that was erased.')
  return fresh.done ?? (JSON.parse(box.open(Buffer.from(answer.response, 'base64'), place)) as Done)
}

/** Whose people the kept answer may hold, so that it can be forgotten with them. */
function homeOf(request: FastifyRequest, done: Done): string | null {
  const { home } = request.params as { home?: string }
  if (home !== undefined) return home
  return request.routeOptions.url === '/api/homes' ? (done.body as { id: string }).id : null
}

function fingerprintOf({ body, url }: FastifyRequest): string {
  const content = Buffer.isBuffer(body) ? body : canonicalJson(body ?? null)
  return sha256Hex(`${url}\n${sha256Hex(content)}`)
}
