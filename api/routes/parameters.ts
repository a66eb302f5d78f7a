import { Type } from 'typebox'
import { instant, Key, type ParameterScope, type RuleDocument } from '#contracts'
import { HubError } from '#platform'
import { effectiveValue } from '#rules'
import type { Tx } from '#store'
import { placeOf } from '../device-facts.ts'
import { requireDevice } from '../devices.ts'
import { requireHome } from '../homes.ts'
import { AUTHOR, VIEWER } from '../http/access.ts'
import { commit } from '../http/commit.ts'
import { listPage, PageOf, PageQuery } from '../http/paging.ts'
import { read } from '../http/read.ts'
import { Closed, Nullable, PathName, Time } from '../http/schemas.ts'
import type { Routes } from './routes.ts'

const Scope = Type.Enum(['device', 'home', 'region', 'product', 'brand'])
const ScopeId = Type.String({
  minLength: 1,
  maxLength: 64,
  description: 'id of the device or home, region-code prefix, product key; `*` for the brand',
})
const Parameter = Closed({
  scope: Scope,
  scopeId: ScopeId,
  key: Key,
  value: Type.Number(),
  setAt: Time,
  setBy: Type.String(),
})
const Effective = Closed({
  key: Key,
  value: Nullable(
    Type.Number({ description: 'null: nothing is set and the rule has no default; the condition stays unknown' }),
  ),
  origin: Nullable(
    Closed({ scope: Type.String({ description: 'a scope, or `rule` for its own default' }), scopeId: Type.String() }),
  ),
})
const tags = ['rules']

/** Values that rules name instead of carrying them, set per device, home, region, product or brand. */
export const parameterRoutes: Routes = async (app, services) => {
  app.get(
    '/api/parameters',
    {
      config: { access: VIEWER },
      schema: {
        summary: 'Parameters that are set',
        tags,
        querystring: Closed({ ...PageQuery, key: Type.Optional(Key), scope: Type.Optional(Scope) }),
        response: { 200: PageOf(Parameter) },
      },
    },
    (request) =>
      read(services, request, (tx, brandId) => {
        const { key, scope } = request.query
        let query = tx.selectFrom('parameters').selectAll().where('brand_id', '=', brandId)
        if (key !== undefined) query = query.where('key', '=', key)
        if (scope !== undefined) query = query.where('scope', '=', scope)
        return listPage(query, request.query, { by: ['scope', 'scope_id', 'key'] }, (row) => ({
          scope: row.scope,
          scopeId: row.scope === 'brand' ? '*' : row.scope_id,
          key: row.key,
          value: row.value,
          setAt: instant(row.set_at_ms),
          setBy: row.set_by,
        }))
      }),
  )

  app.put(
    '/api/parameters',
    {
      config: { access: AUTHOR },
      schema: {
        summary: 'Set a parameter, or with `null` take the setting away',
        tags,
        body: Closed({ scope: Scope, scopeId: ScopeId, key: Key, value: Nullable(Type.Number()) }),
        response: { 204: Type.Null() },
      },
    },
    (request, reply) =>
      commit(services, request, reply, async ({ tx, brandId, nowMs, principal, change, audit }) => {
        const { scope, key, value } = request.body
        await requireScope(tx, brandId, scope, request.body.scopeId)
        const scopeId = scope === 'brand' ? brandId : request.body.scopeId
        const known = await tx
          .selectFrom('parameters')
          .select('value')
          .where('brand_id', '=', brandId)
          .where('scope', '=', scope)
          .where('scope_id', '=', scopeId)
          .where('key', '=', key)
          .forUpdate()
          .executeTakeFirst()
        if ((known?.value ?? null) === value) return { status: 204, body: null }
        if (value === null) {
          await tx
            .deleteFrom('parameters')
            .where('brand_id', '=', brandId)
            .where('scope', '=', scope)
            .where('scope_id', '=', scopeId)
            .where('key', '=', key)
            .execute()
        } else {
          const set = { value, set_at_ms: nowMs, set_by: principal.keyId }
          await tx
            .insertInto('parameters')
            .values({ brand_id: brandId, scope, scope_id: scopeId, key, ...set })
            .onConflict((conflict) => conflict.columns(['brand_id', 'scope', 'scope_id', 'key']).doUpdateSet(set))
            .execute()
        }
        await change({ type: 'parameter.set', scope, scopeId, key, value })
        audit('parameter.set', key, { scope, scopeId: request.body.scopeId, value })
        return { status: 204, body: null }
      }),
  )

  app.get(
    '/api/rules/:rule/parameters',
    {
      config: { access: VIEWER },
      schema: {
        summary: 'Parameters a rule names: the value in effect for a device, and where it came from',
        tags,
        params: Closed({ rule: PathName }),
        querystring: Closed({ device: Type.String({ minLength: 1, maxLength: 64 }) }),
        response: { 200: Closed({ items: Type.Array(Effective), nextCursor: Type.Null() }) },
      },
    },
    (request) =>
      read(services, request, async (tx, brandId) => {
        const rule = await tx
          .selectFrom('rules as r')
          .innerJoin('rule_versions as v', (join) =>
            join.onRef('v.brand_id', '=', 'r.brand_id').onRef('v.rule_key', '=', 'r.rule_key'),
          )
          .select('v.document')
          .where('r.brand_id', '=', brandId)
          .where('r.rule_key', '=', request.params.rule)
          .where('r.status', '<>', 'deleted')
          .where((eb) => eb('v.version', '=', eb.fn.coalesce('r.live_version', 'r.current_version')))
          .executeTakeFirst()
        if (!rule) throw new HubError('NOT_FOUND', `There is no rule “${request.params.rule}”.`)
        const device = await requireDevice(tx, brandId, request.query.device)
        const place = await placeOf(tx, brandId, device.home_id)
        const settings = await tx.selectFrom('parameters').selectAll().where('brand_id', '=', brandId).execute()
        const region = device.region ?? place.region
        const items = [...namedParameters(rule.document)].map(([key, ruleDefault]) => {
          const mine = settings.filter((setting) => setting.key === key)
          const { value, origin } = effectiveValue(
            mine.map((setting) => ({ scope: setting.scope, scopeId: setting.scope_id, value: setting.value })),
            { deviceId: device.device_id, homeId: device.home_id, region, productKey: device.product_key },
            ruleDefault,
          )
          const shown = { rule: request.params.rule, brand: '*' } as Partial<Record<string, string>>
          return {
            key,
            value,
            origin: origin && { scope: origin.scope, scopeId: shown[origin.scope] ?? origin.scopeId },
          }
        })
        return { items, nextCursor: null }
      }),
  )
}

/** Names in the rule's values, each with the default the rule gives it. */
function namedParameters(rule: RuleDocument): Map<string, number | null> {
  const found = new Map<string, number | null>()
  const visit = (node: unknown): void => {
    if (typeof node !== 'object' || node === null) return
    if ('param' in node && typeof node.param === 'string') {
      const own = 'default' in node && typeof node.default === 'number' ? node.default : null
      found.set(node.param, rule.parameters?.[node.param] ?? found.get(node.param) ?? own)
    }
    for (const member of Object.values(node)) visit(member)
  }
  visit(rule.when)
  visit(rule.levels)
  return found
}

async function requireScope(tx: Tx, brandId: string, scope: ParameterScope, scopeId: string): Promise<void> {
  const refuse = (detail: string): never => {
    throw new HubError('VALIDATION_FAILED', detail, { pointer: '/scopeId' })
  }
  try {
    if (scope === 'device') await requireDevice(tx, brandId, scopeId)
    if (scope === 'home') await requireHome(tx, brandId, scopeId)
  } catch {
    refuse(`There is no ${scope} “${scopeId}”.`)
  }
  if (scope === 'brand' && scopeId !== '*') refuse('For the brand itself the scopeId is “*”.')
  if (scope === 'region' && !/^\d{2,9}$/.test(scopeId)) refuse('A region is a prefix of 2 to 9 digits.')
  if (scope !== 'product') return
  const product = await tx
    .selectFrom('products')
    .select('product_key')
    .where('brand_id', '=', brandId)
    .where('product_key', '=', scopeId)
    .where('removed_at_ms', 'is', null)
    .executeTakeFirst()
  if (!product) refuse(`There is no product “${scopeId}”.`)
}
