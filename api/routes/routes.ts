import type { IncomingMessage, ServerResponse } from 'node:http'
import type { FastifyBaseLogger, FastifyInstance, FastifyTypeProvider, RawServerDefault } from 'fastify'
import type { Static, TSchema } from 'typebox'
import type { RouteServices } from '../services.ts'

/**
 * Requests are typed by their schemas. Answers are not: rows come out of the database as the
 * documents they went in as, and the tests hold every answer against its schema instead.
 */
export interface TypedBySchema extends FastifyTypeProvider {
  validator: this['schema'] extends TSchema ? Static<this['schema']> : unknown
  serializer: unknown
}

export type TypedApp = FastifyInstance<
  RawServerDefault,
  IncomingMessage,
  ServerResponse,
  FastifyBaseLogger,
  TypedBySchema
>

/** One resource: a plugin in a scope of its own. */
export type Routes = (app: TypedApp, services: RouteServices) => Promise<void>
