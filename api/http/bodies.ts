import type { FastifyInstance } from 'fastify'
import { HubError } from '#platform'
import { parseJsonBody } from './json-body.ts'

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
