import { Type } from 'typebox'
import { instant } from '#contracts'
import type { Access } from '../http/access.ts'
import { listPage, PageOf, PageQuery } from '../http/paging.ts'
import { Closed, Time } from '../http/schemas.ts'
import { HUB } from '../keys.ts'
import type { Routes } from './routes.ts'

const READERS: Access = { kind: 'key', roles: ['platform', 'admin'] }
const Entry = Closed({
  ordinal: Type.Integer(),
  at: Time,
  actor: Type.String({ description: 'key id, partner, `homeowner`, `hub`; never a name' }),
  action: Type.String(),
  subject: Type.String(),
  detail: Type.Record(Type.String(), Type.Unknown()),
  hash: Type.String({ description: 'covers the entry before it, so that a missing or changed one shows' }),
})

/** Who did what. The operator sees the operator's trail, a brand its own. */
export const auditRoutes: Routes = async (app, { db }) => {
  app.get(
    '/api/audit',
    {
      config: { access: READERS },
      schema: {
        summary: 'The audit trail, newest first',
        tags: ['audit'],
        querystring: Closed({
          ...PageQuery,
          subject: Type.Optional(Type.String({ maxLength: 128 })),
          action: Type.Optional(Type.String({ maxLength: 64 })),
          actor: Type.Optional(Type.String({ maxLength: 128 })),
        }),
        response: { 200: PageOf(Entry) },
      },
    },
    (request) => {
      const brandId = request.principal!.brandId ?? HUB
      const { subject, action, actor } = request.query
      const scope = <T>(work: Parameters<typeof db.asHub<T>>[0]): Promise<T> =>
        brandId === HUB ? db.asHub(work) : db.asBrand(brandId, work)
      return scope((tx) => {
        let query = tx.selectFrom('audit').selectAll().where('brand_id', '=', brandId)
        if (subject !== undefined) query = query.where('subject', '=', subject)
        if (action !== undefined) query = query.where('action', '=', action)
        if (actor !== undefined) query = query.where('actor', '=', actor)
        return listPage(query, request.query, { by: ['ordinal'], direction: 'desc' }, (row) => ({
          ordinal: row.ordinal,
          at: instant(row.at_ms),
          actor: row.actor,
          action: row.action,
          subject: row.subject,
          detail: row.detail,
          hash: row.hash.toString('hex'),
        }))
      })
    },
  )
}
