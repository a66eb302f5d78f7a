import { Type } from 'typebox'
import { Sku, Text } from '#contracts'
import { HubError } from '#platform'
import { AUTHOR, brandOf, VIEWER } from '../http/access.ts'
import { PageOf, PageQuery } from '../http/paging.ts'
import { Closed, PathName } from '../http/schemas.ts'
import type { Routes } from './routes.ts'

const LeadDays = Type.Record(Type.String({ pattern: '^\\d{0,9}$' }), Type.Integer({ minimum: 0, maximum: 365 }), {
  description: 'days until the part is there, by region-code prefix; "" for everywhere else',
  additionalProperties: false,
  maxProperties: 1_000,
})
const Part = Closed({ sku: Sku, name: Text, genuine: Type.Boolean(), leadDays: LeadDays })
const params = Closed({ sku: PathName })
const tags = ['parts']

/** Spare parts and how soon they are where they are needed. */
export const partRoutes: Routes = async (app, { bridge }) => {
  app.put(
    '/api/parts/:sku',
    {
      config: { access: AUTHOR },
      schema: { summary: 'Create or replace a part', tags, params, body: Part, response: { 200: Part } },
    },
    (request) => {
      if (request.body.sku !== request.params.sku) {
        throw new HubError('VALIDATION_FAILED', 'The sku of the body is not the one of the path.', { pointer: '/sku' })
      }
      return bridge.parts.put(brandOf(request), request.body)
    },
  )

  app.get(
    '/api/parts',
    {
      config: { access: VIEWER },
      schema: { summary: 'Parts', tags, querystring: Closed(PageQuery), response: { 200: PageOf(Part) } },
    },
    (request) => bridge.parts.list(brandOf(request), request.query),
  )

  app.get(
    '/api/parts/:sku',
    { config: { access: VIEWER }, schema: { summary: 'One part', tags, params, response: { 200: Part } } },
    (request) => bridge.parts.get(brandOf(request), request.params.sku),
  )

  app.delete(
    '/api/parts/:sku',
    { config: { access: AUTHOR }, schema: { summary: 'Remove a part', tags, params, response: { 204: Type.Null() } } },
    async (request, reply) => {
      await bridge.parts.remove(brandOf(request), request.params.sku)
      return reply.code(204).send()
    },
  )
}
