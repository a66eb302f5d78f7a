import { Type } from 'typebox'
import { Instant, instant, Key } from '#contracts'
import { HubError, realClock } from '#platform'
import type { Access, Principal } from '../http/access.ts'
import { commit } from '../http/commit.ts'
import { listPage, PageOf, PageQuery } from '../http/paging.ts'
import { Closed, Nullable, PathName, Secret, Time } from '../http/schemas.ts'
import { msOrNull } from '../http/times.ts'
import { HUB, insertKey } from '../keys.ts'
import type { Routes } from './routes.ts'

/** The operator makes keys for itself, for partners and for any brand; an administrator for its own brand. */
const KEEPERS: Access = { kind: 'key', roles: ['platform', 'admin'] }

const Role = Type.Enum(['platform', 'admin', 'author', 'viewer', 'partner'])
const ApiKey = Closed({
  id: Type.String(),
  role: Role,
  label: Type.String(),
  brand: Nullable(Type.String({ description: 'id of its brand; null for the operator and for partners' })),
  partnerKey: Nullable(Type.String()),
  createdAt: Time,
  createdBy: Type.String(),
  expiresAt: Nullable(Time),
  revokedAt: Nullable(Time),
})
const tags = ['keys']
const COLUMNS = [
  'brand_id',
  'key_id',
  'role',
  'label',
  'partner_key',
  'created_at_ms',
  'created_by',
  'expires_at_ms',
  'revoked_at_ms',
] as const

interface KeyRow {
  brand_id: string
  key_id: string
  role: 'platform' | 'admin' | 'author' | 'viewer' | 'partner'
  label: string
  partner_key: string | null
  created_at_ms: number
  created_by: string
  expires_at_ms: number | null
  revoked_at_ms: number | null
}

function keyOfRow(row: KeyRow) {
  return {
    id: row.key_id,
    role: row.role,
    label: row.label,
    brand: row.brand_id === HUB ? null : row.brand_id,
    partnerKey: row.partner_key,
    createdAt: instant(row.created_at_ms),
    createdBy: row.created_by,
    expiresAt: row.expires_at_ms === null ? null : instant(row.expires_at_ms),
    revokedAt: row.revoked_at_ms === null ? null : instant(row.revoked_at_ms),
  }
}

export const keyRoutes: Routes = async (app, services) => {
  const { db, bridge } = services

  app.post(
    '/api/keys',
    {
      config: { access: KEEPERS },
      schema: {
        summary: 'Create a key; it is shown once',
        description:
          'An administrator makes admin, author and viewer keys of its own brand. The operator makes platform keys, ' +
          'partner keys (with `partnerKey`), and with `brand` keys of that brand.',
        tags,
        body: Closed({
          role: Role,
          label: Type.Optional(Type.String({ maxLength: 100 })),
          brand: Type.Optional(Type.String({ minLength: 1, maxLength: 64, description: 'id or key of a brand' })),
          partnerKey: Type.Optional(Key),
          expiresAt: Type.Optional(Instant),
        }),
        response: { 201: Closed({ apiKey: ApiKey, key: Secret }) },
      },
    },
    async (request, reply) => {
      const { body, principal } = request
      refuseBeyond(principal!, body)
      if (body.partnerKey !== undefined) await bridge.partners.get(body.partnerKey)
      const expiresAtMs = msOrNull(body.expiresAt, '/expiresAt')
      if (expiresAtMs !== null && expiresAtMs <= realClock.nowMs()) {
        throw new HubError('VALIDATION_FAILED', 'The key would have expired already.', { pointer: '/expiresAt' })
      }
      return commit(services, request, reply, async ({ tx, nowMs, audit, brandId, principal }) => {
        let owner = brandId
        if (body.brand !== undefined) {
          const named = body.brand
          const brand = await tx
            .selectFrom('brands')
            .select('brand_id')
            .where((eb) => eb.or([eb('brand_id', '=', named), eb('key', '=', named)]))
            .executeTakeFirst()
          if (!brand) throw new HubError('VALIDATION_FAILED', `There is no brand “${named}”.`, { pointer: '/brand' })
          owner = brand.brand_id
        }
        const made = await insertKey(tx, {
          brandId: owner,
          role: body.role,
          label: body.label ?? '',
          partnerKey: body.partnerKey ?? null,
          expiresAtMs,
          createdBy: principal.keyId,
          atMs: nowMs,
        })
        audit('key.created', made.keyId, { role: body.role, ...(owner === brandId ? {} : { brand: owner }) })
        const row = await tx
          .selectFrom('api_keys')
          .select(COLUMNS)
          .where('key_id', '=', made.keyId)
          .executeTakeFirstOrThrow()
        return { status: 201, body: { apiKey: keyOfRow(row), key: made.key } }
      })
    },
  )

  app.get(
    '/api/keys',
    {
      config: { access: KEEPERS },
      schema: {
        summary: 'Keys, revoked ones included; never the keys themselves',
        tags,
        querystring: Closed(PageQuery),
        response: { 200: PageOf(ApiKey) },
      },
    },
    (request) => {
      const { brandId } = request.principal!
      const list = (tx: Parameters<Parameters<typeof db.asHub>[0]>[0]) => {
        const all = tx.selectFrom('api_keys').select(COLUMNS)
        const mine = brandId === null ? all : all.where('brand_id', '=', brandId)
        return listPage(mine, request.query, { by: ['created_at_ms', 'key_id'], direction: 'desc' }, keyOfRow)
      }
      return brandId === null ? db.asHub(list) : db.asBrand(brandId, list)
    },
  )

  app.delete(
    '/api/keys/:key',
    {
      config: { access: KEEPERS },
      schema: { summary: 'Revoke a key, at once', tags, params: Closed({ key: PathName }), response: { 200: ApiKey } },
    },
    async (request, reply) => {
      const answer = await commit(services, request, reply, async ({ tx, nowMs, brandId, audit }) => {
        const { key } = request.params
        const known = tx.selectFrom('api_keys').select(COLUMNS).where('key_id', '=', key).forUpdate()
        const row = await (brandId === HUB ? known : known.where('brand_id', '=', brandId)).executeTakeFirst()
        if (!row) throw new HubError('NOT_FOUND', 'There is no such key.')
        if (row.role === 'platform' && row.revoked_at_ms === null) await keepOneOperator(tx, key)
        const revoked = { ...row, revoked_at_ms: row.revoked_at_ms ?? nowMs }
        await tx
          .updateTable('api_keys')
          .set({ revoked_at_ms: revoked.revoked_at_ms })
          .where('key_id', '=', key)
          .execute()
        audit('key.revoked', key, { role: row.role })
        return { status: 200, body: keyOfRow(revoked) }
      })
      services.keys.forget()
      return answer
    },
  )

  async function keepOneOperator(tx: Parameters<Parameters<typeof db.asHub>[0]>[0], leaving: string): Promise<void> {
    const other = await tx
      .selectFrom('api_keys')
      .select('key_id')
      .where('role', '=', 'platform')
      .where('key_id', '<>', leaving)
      .where('revoked_at_ms', 'is', null)
      .where((eb) => eb.or([eb('expires_at_ms', 'is', null), eb('expires_at_ms', '>', realClock.nowMs())]))
      .executeTakeFirst()
    if (!other)
      throw new HubError('STATE_FORBIDS', 'This is the operator’s last key. Create another before revoking it.')
  }
}

/** Nobody makes a key that reaches further than its own. */
function refuseBeyond(principal: Principal, body: { role: string; brand?: string; partnerKey?: string }): void {
  const refuse = (pointer: string, detail: string): never => {
    throw new HubError('VALIDATION_FAILED', detail, { pointer })
  }
  const ofBrand = ['admin', 'author', 'viewer'].includes(body.role)
  if (body.role === 'partner' && body.partnerKey === undefined)
    refuse('/partnerKey', 'A partner key names its partner.')
  if (body.role !== 'partner' && body.partnerKey !== undefined)
    refuse('/partnerKey', 'Only a key of role partner names one.')
  if (principal.role === 'platform') {
    if (ofBrand && body.brand === undefined) refuse('/brand', `A key of role ${body.role} belongs to a brand: name it.`)
    if (!ofBrand && body.brand !== undefined) refuse('/brand', `A key of role ${body.role} belongs to no brand.`)
    return
  }
  if (!ofBrand)
    throw new HubError('FORBIDDEN', `Keys of role ${body.role} are made by the operator of the hub.`, {
      pointer: '/role',
    })
  if (body.brand !== undefined) refuse('/brand', 'The key will belong to your brand; leave this out.')
}
