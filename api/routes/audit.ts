import { Type } from 'typebox'
import { instant } from '#contracts'
import { auditTrails, checkAudit, type Tx } from '#store'
import type { Access } from '../http/access.ts'
import { listPage, PageOf, PageQuery } from '../http/paging.ts'
import { Closed, Nullable, Time } from '../http/schemas.ts'
import { HUB } from '../keys.ts'
import type { Routes } from './routes.ts'

const READERS: Access = { kind: 'key', roles: ['platform', 'admin'] }
const Trail = Closed({
  brand: Type.String({ description: '`hub` for the operator’s own' }),
  entries: Type.Integer({ description: 'that hold together, from the first on' }),
  head: Type.String({ description: 'hash of the last of them' }),
  firstBroken: Nullable(Closed({ ordinal: Type.Integer(), why: Type.Enum(['missing', 'changed']) })),
})
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

  app.get(
    '/api/audit/check',
    {
      config: { access: READERS },
      schema: {
        summary: 'Walk the trail and name the first entry that is missing or was changed',
        description:
          'A brand sees its own trail checked, the operator every trail. Write `head` down elsewhere: a trail whose head ' +
          'was once the same still holds everything it held then.',
        tags: ['audit'],
        response: { 200: Closed({ intact: Type.Boolean(), trails: Type.Array(Trail) }) },
      },
    },
    async (request) => {
      const { brandId } = request.principal!
      const trails = await (brandId === null
        ? db.asHub(async (tx) => checked(tx, await auditTrails(tx)))
        : db.asBrand(brandId, (tx) => checked(tx, [brandId])))
      return { intact: trails.every(({ firstBroken }) => firstBroken === null), trails }
    },
  )
}

async function checked(tx: Tx, brandIds: readonly string[]) {
  const trails = []
  for (const brandId of brandIds) {
    const { entries, head, broken } = await checkAudit(tx, brandId)
    trails.push({ brand: brandId, entries, head, firstBroken: broken })
  }
  return trails
}
