import type { FastifyInstance } from 'fastify'
import { HubError } from '#platform'
import { isStorableText, parseJsonBody } from './json-body.ts'

const UTF8 = new TextDecoder('utf-8', { fatal: true })

export function utf8Text(body: Buffer): string {
  try {
    return UTF8.decode(body)
  } catch (error) {
    throw new HubError('BAD_REQUEST', 'The body is not UTF-8.', { cause: error })
  }
}

/** JSON and nothing else, unless a route's own scope reads more. */
export function readBodies(app: FastifyInstance): void {
  app.removeAllContentTypeParsers()
  // No body at all is the empty object: an action without options needs none.
  app.addHook('preValidation', async (request) => {
    if (request.body === undefined && request.method !== 'GET') request.body = {}
  })
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (_request, body, done) => {
    if (body.length === 0) return done(null, undefined)
    try {
      done(null, parseJsonBody(utf8Text(body as Buffer)))
    } catch (error) {
      done(error as Error)
    }
  })
}

/** In this scope the given content types arrive as bytes: signed, line by line, or decoded further in. */
export function readBytes(scope: FastifyInstance, contentTypes: readonly string[], bodyLimit: number): void {
  scope.removeAllContentTypeParsers()
  for (const type of contentTypes) {
    scope.addContentTypeParser(type, { parseAs: 'buffer', bodyLimit }, (_request, body, done) => done(null, body))
  }
}

/** The body of a route that reads bytes; none at all is none. */
export function bytesOf(body: unknown): Buffer {
  return Buffer.isBuffer(body) ? body : Buffer.alloc(0)
}

/** What the database could not hold names nothing in a path, and finds nothing in a query. */
export function refuseUnstorable(app: FastifyInstance): void {
  const isBad = (part: unknown): boolean =>
    Object.values((part ?? {}) as object).some((value) => typeof value === 'string' && !isStorableText(value))
  app.addHook('preValidation', async ({ params, query }) => {
    if (isBad(params)) throw new HubError('NOT_FOUND', 'No name or id here has this form.')
    if (isBad(query)) throw new HubError('BAD_REQUEST', 'The query holds a NUL character or half of a surrogate pair.')
  })
}
