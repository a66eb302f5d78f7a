import type { FastifyReply, FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import { HubError } from '#platform'
import { PUBLIC } from '../http/access.ts'
import { loadPages, PAGES_CSP, type PageFile } from '../http/pages.ts'
import type { Routes } from './routes.ts'

/** Pages are for people; the description of the API leaves them out. */
const hidden: { hide: boolean } = { hide: true }

/**
 * The homeowner's offer and the technician's job, as pages. The page is the same for every
 * token: it asks the API with the token of its own address, so a guess learns nothing here.
 */
export const pageRoutes: Routes = async (app, { pagesDir, logger }) => {
  const files = pagesDir === null ? new Map<string, PageFile>() : await loadPages(pagesDir, logger)

  const send = (request: FastifyRequest, reply: FastifyReply, path: string): FastifyReply => {
    const file = files.get(path)
    if (!file) throw new HubError('NOT_FOUND', 'There is no such page.')
    reply.header('content-security-policy', PAGES_CSP)
    reply.header('cache-control', 'no-cache')
    reply.header('etag', file.etag)
    if (request.headers['if-none-match'] === file.etag) return reply.code(304).send()
    return reply.type(file.type).send(file.bytes)
  }

  const params = Type.Object({ token: Type.String({ minLength: 1, maxLength: 128 }) })
  const config = { access: PUBLIC }
  app.get('/h/:token', { config, schema: { params, ...hidden } }, (request, reply) =>
    send(request, reply, 'offer.html'),
  )
  app.get('/j/:token', { config, schema: { params, ...hidden } }, (request, reply) => send(request, reply, 'job.html'))
  app.get('/pages/*', { config, schema: hidden }, (request, reply) =>
    send(request, reply, (request.params as { '*': string })['*']),
  )
}
