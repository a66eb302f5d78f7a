import { sql } from 'kysely'
import { Type } from 'typebox'
import { CasesPerDayMax, instant, Key, PRECISION_BAR, PrecisionBar, Text } from '#contracts'
import { HubError, newId } from '#platform'
import { ADMIN, OPERATOR, VIEWER } from '../http/access.ts'
import { commit } from '../http/commit.ts'
import { listPage, PageOf, PageQuery } from '../http/paging.ts'
import { read } from '../http/read.ts'
import { Closed, Nullable, PathName, Secret, Time } from '../http/schemas.ts'
import { insertKey } from '../keys.ts'
import { type BrandSettings, brandSettings } from '../rule-approval.ts'
import type { Routes } from './routes.ts'

const Brand = Closed({
  id: Type.String(),
  key: Key,
  name: Text,
  createdAt: Time,
  disabledAt: Nullable(Time),
})
const TwoPersonRules = Type.Boolean({
  description: 'a rule that makes offers or orders comes into force by the proposal of one key and the yes of another',
})
const MiniProgramPath = Nullable(
  Type.String({
    maxLength: 500,
    pattern: '^[^{}\\s]*\\{token\\}[^{}\\s]*$',
    description: 'where the offer’s page is in the brand’s mini-program, with {token} where the link’s token goes',
  }),
)
const Settings = Closed({
  twoPersonRules: TwoPersonRules,
  miniProgramPath: MiniProgramPath,
  precisionBar: PrecisionBar,
  casesPerDayMax: Nullable(CasesPerDayMax),
})
const params = Closed({ brand: PathName })
const tags = ['brands']

interface BrandRow {
  brand_id: string
  key: string
  name: Record<string, string>
  created_at_ms: number
  disabled_at_ms: number | null
}

const COLUMNS = ['brand_id', 'key', 'name', 'created_at_ms', 'disabled_at_ms'] as const

function brandOfRow(row: BrandRow) {
  return {
    id: row.brand_id,
    key: row.key,
    name: row.name,
    createdAt: instant(row.created_at_ms),
    disabledAt: row.disabled_at_ms === null ? null : instant(row.disabled_at_ms),
  }
}

function settingsOf({ twoPersonRules = false, miniProgramPath = null, trust = {} }: BrandSettings) {
  const { precisionBar = PRECISION_BAR, casesPerDayMax = null } = trust
  return { twoPersonRules, miniProgramPath, precisionBar, casesPerDayMax }
}

/** The brands of this hub: the operator's business. A brand sees itself. */
export const brandRoutes: Routes = async (app, services) => {
  const { db } = services

  app.post(
    '/api/brands',
    {
      config: { access: OPERATOR },
      schema: {
        summary: 'Create a brand; answers with its first administrator key, shown once',
        tags,
        body: Closed({ key: Key, name: Text }),
        response: { 201: Closed({ brand: Brand, adminKey: Closed({ id: Type.String(), key: Secret }) }) },
      },
    },
    (request, reply) =>
      commit(services, request, reply, async ({ tx, nowMs, principal, audit }) => {
        const brandId = newId('brand')
        const { key, name } = request.body
        const row = await tx
          .insertInto('brands')
          .values({ brand_id: brandId, key, name: JSON.stringify(name), created_at_ms: nowMs, updated_at_ms: nowMs })
          .onConflict((conflict) => conflict.column('key').doNothing())
          .returning(COLUMNS)
          .executeTakeFirst()
        if (!row) throw new HubError('CONFLICT', `There is a brand “${key}” already.`, { pointer: '/key' })
        const made = await insertKey(tx, {
          brandId,
          role: 'admin',
          label: 'first administrator',
          partnerKey: null,
          expiresAtMs: null,
          createdBy: principal.keyId,
          atMs: nowMs,
        })
        audit('brand.created', brandId, { key, firstKey: made.keyId })
        return { status: 201, body: { brand: brandOfRow(row), adminKey: { id: made.keyId, key: made.key } } }
      }),
  )

  app.get(
    '/api/brands',
    {
      config: { access: OPERATOR },
      schema: { summary: 'All brands', tags, querystring: Closed(PageQuery), response: { 200: PageOf(Brand) } },
    },
    (request) =>
      db.asHub((tx) =>
        listPage(tx.selectFrom('brands').select(COLUMNS), request.query, { by: ['brand_id'] }, brandOfRow),
      ),
  )

  app.get(
    '/api/brand',
    {
      config: { access: VIEWER },
      schema: { summary: 'The brand this key belongs to', tags, response: { 200: Brand } },
    },
    (request) =>
      read(services, request, async (tx, brandId) =>
        brandOfRow(
          await tx.selectFrom('brands').select(COLUMNS).where('brand_id', '=', brandId).executeTakeFirstOrThrow(),
        ),
      ),
  )

  app.get(
    '/api/brand/settings',
    {
      config: { access: VIEWER },
      schema: { summary: 'How the brand wants to be served', tags, response: { 200: Settings } },
    },
    (request) => read(services, request, async (tx, brandId) => settingsOf(await brandSettings(tx, brandId))),
  )

  app.patch(
    '/api/brand/settings',
    {
      config: { access: ADMIN },
      schema: {
        summary: 'Change how the brand wants to be served',
        tags,
        body: Closed(
          {
            twoPersonRules: Type.Optional(TwoPersonRules),
            miniProgramPath: Type.Optional(MiniProgramPath),
            precisionBar: Type.Optional(PrecisionBar),
            casesPerDayMax: Type.Optional(Nullable(CasesPerDayMax)),
          },
          { minProperties: 1 },
        ),
        response: { 200: Settings },
      },
    },
    (request, reply) =>
      commit(services, request, reply, async ({ tx, brandId, nowMs, audit }) => {
        const before = await brandSettings(tx, brandId, true)
        const { precisionBar, casesPerDayMax, ...own } = request.body
        const trust = { ...before.trust, ...(precisionBar === undefined ? {} : { precisionBar }) }
        if (casesPerDayMax === null) delete trust.casesPerDayMax
        else if (casesPerDayMax !== undefined) trust.casesPerDayMax = casesPerDayMax
        const changed = { ...own, trust }
        const settings = { ...before, ...changed }
        if (JSON.stringify(settingsOf(settings)) === JSON.stringify(settingsOf(before)))
          return { status: 200, body: settingsOf(before) }
        await tx
          .updateTable('brands')
          // What is not said stays, and members set beside this call are not lost.
          .set({ settings: sql`settings || ${JSON.stringify(changed)}::jsonb`, updated_at_ms: nowMs })
          .where('brand_id', '=', brandId)
          .execute()
        audit('brand.settings_changed', brandId, { ...request.body })
        return { status: 200, body: settingsOf(settings) }
      }),
  )

  app.get(
    '/api/brands/:brand',
    {
      config: { access: OPERATOR },
      schema: { summary: 'One brand, by id or key', tags, params, response: { 200: Brand } },
    },
    (request) =>
      db.asHub(async (tx) => {
        const { brand } = request.params
        const row = await tx
          .selectFrom('brands')
          .select(COLUMNS)
          .where((eb) => eb.or([eb('brand_id', '=', brand), eb('key', '=', brand)]))
          .executeTakeFirst()
        if (!row) throw unknownBrand(brand)
        return brandOfRow(row)
      }),
  )

  app.patch(
    '/api/brands/:brand',
    {
      config: { access: OPERATOR },
      schema: {
        summary: 'Rename, disable (its keys stop working at once) or enable a brand',
        tags,
        params,
        body: Closed({ name: Type.Optional(Text), disabled: Type.Optional(Type.Boolean()) }, { minProperties: 1 }),
        response: { 200: Brand },
      },
    },
    async (request, reply) => {
      const answer = await commit(services, request, reply, async ({ tx, nowMs, audit }) => {
        const { brand } = request.params
        const { name, disabled } = request.body
        const row = await tx
          .updateTable('brands')
          .set({
            updated_at_ms: nowMs,
            ...(name === undefined ? {} : { name: JSON.stringify(name) }),
            ...(disabled === undefined ? {} : { disabled_at_ms: disabled ? nowMs : null }),
          })
          .where((eb) => eb.or([eb('brand_id', '=', brand), eb('key', '=', brand)]))
          .returning(COLUMNS)
          .executeTakeFirst()
        if (!row) throw unknownBrand(brand)
        audit('brand.changed', row.brand_id, {
          name: name !== undefined,
          ...(disabled === undefined ? {} : { disabled }),
        })
        return { status: 200, body: brandOfRow(row) }
      })
      services.keys.forget()
      return answer
    },
  )
}

function unknownBrand(brand: string): HubError {
  return new HubError('NOT_FOUND', `There is no brand “${brand}”.`)
}
