import type { Selectable } from 'kysely'
import { Type } from 'typebox'
import { type HushScope, Instant, instant, Key, type MaintenanceWindow, RegionCode, sealedAs } from '#contracts'
import { HubError, isTimeZone, newId, type SecretBox } from '#platform'
import type { Tables, Tx } from '#store'
import { requireDevice } from '../devices.ts'
import { requireHome } from '../homes.ts'
import { AUTHOR, VIEWER } from '../http/access.ts'
import { commit } from '../http/commit.ts'
import { listPage, PageOf, PageQuery } from '../http/paging.ts'
import { read } from '../http/read.ts'
import { Closed, Nullable, PathName, Time } from '../http/schemas.ts'
import { msOf } from '../http/times.ts'
import type { Routes } from './routes.ts'

/** A silence nobody ends would hide a fault for good (T22). */
const SILENCE_MS_MAX = 30 * 86_400_000
/** A brand that needs more than this has a calendar somewhere that it should keep there. */
const WINDOWS_MAX = 100

/** Everything named must match; nothing named is everything of the brand. */
const Scope = Closed({
  device: Type.Optional(PathName),
  home: Type.Optional(PathName),
  product: Type.Optional(Key),
  region: Type.Optional(RegionCode),
  rule: Type.Optional(Key),
})
const Silence = Closed({
  id: Type.String(),
  scope: Scope,
  reason: Type.String(),
  from: Time,
  until: Time,
  createdBy: Type.String(),
  endedAt: Nullable(Time),
})
const ClockTime = Type.String({ pattern: '^([01]\\d|2[0-3]):[0-5]\\d$', description: 'HH:MM' })
const Window = {
  scope: Scope,
  zone: Type.String({
    minLength: 1,
    maxLength: 64,
    description: 'IANA time zone, or `home`: that of each device’s home',
  }),
  days: Type.Array(Type.Integer({ minimum: 1, maximum: 7 }), {
    minItems: 1,
    maxItems: 7,
    uniqueItems: true,
    description: 'ISO week days on which it begins, 1 = Monday',
  }),
  from: ClockTime,
  to: ClockTime,
}
const StoredWindow = Closed({ key: Key, ...Window, updatedAt: Time, updatedBy: Type.String() })
const tags = ['silences']

/** Whom alerts leave in peace, and when: never whether they are. */
export const silenceRoutes: Routes = async (app, services) => {
  app.post(
    '/api/silences',
    {
      config: { access: AUTHOR },
      schema: {
        summary: 'No notices of what the scope covers until a time, at most 30 days ahead',
        description: 'Conditions go on being judged. What still stands when it ends is told once, with its true start.',
        tags,
        body: Closed({ scope: Scope, until: Instant, reason: Type.String({ minLength: 1, maxLength: 200 }) }),
        response: { 201: Silence },
      },
    },
    (request, reply) => {
      const untilMs = msOf(request.body.until, '/until')
      return commit(services, request, reply, async ({ tx, brandId, nowMs, principal, change, audit }) => {
        if (untilMs <= nowMs || untilMs > nowMs + SILENCE_MS_MAX)
          throw new HubError('VALIDATION_FAILED', 'A silence ends ahead of now, at most 30 days.', {
            pointer: '/until',
          })
        const scope = await requireScope(tx, brandId, request.body.scope)
        const id = newId('sil')
        const row = await tx
          .insertInto('silences')
          .values({
            brand_id: brandId,
            silence_id: id,
            scope: JSON.stringify(scope),
            reason: '',
            reason_sealed: services.box.seal(request.body.reason, sealedAs.silenceReason(id)),
            home_id: await homeOf(tx, brandId, scope),
            from_ms: nowMs,
            until_ms: untilMs,
            created_by: principal.keyId,
          })
          .returningAll()
          .executeTakeFirstOrThrow()
        await change({ type: 'silence.started', silenceId: row.silence_id, scope, kind: 'silence', untilMs })
        audit('silence.started', row.silence_id, { scope: { ...scope }, until: instant(untilMs) })
        return { status: 201, body: silenceOfRow(services.box, row) }
      })
    },
  )

  app.get(
    '/api/silences',
    {
      config: { access: VIEWER },
      schema: {
        summary: 'Silences, the newest first',
        tags,
        querystring: Closed({
          ...PageQuery,
          active: Type.Optional(Type.Boolean({ description: 'only those that go on' })),
        }),
        response: { 200: PageOf(Silence) },
      },
    },
    (request) =>
      read(services, request, (tx, brandId) => {
        const all = tx.selectFrom('silences').selectAll().where('brand_id', '=', brandId)
        const query = request.query.active
          ? all.where('ended_at_ms', 'is', null).where('until_ms', '>', services.clock.nowMs())
          : all
        return listPage(query, request.query, { by: ['from_ms', 'silence_id'], direction: 'desc' }, (row) =>
          silenceOfRow(services.box, row),
        )
      }),
  )

  app.post(
    '/api/silences/:silence/end',
    {
      config: { access: AUTHOR },
      schema: {
        summary: 'End a silence now: what still stands is told',
        tags,
        params: Closed({ silence: PathName }),
        body: Closed({}),
        response: { 200: Silence },
      },
    },
    (request, reply) =>
      commit(services, request, reply, async ({ tx, brandId, nowMs, principal, change, audit }) => {
        const row = await tx
          .selectFrom('silences')
          .selectAll()
          .where('brand_id', '=', brandId)
          .where('silence_id', '=', request.params.silence)
          .forUpdate()
          .executeTakeFirst()
        if (!row) throw new HubError('NOT_FOUND', 'There is no such silence.')
        if (row.ended_at_ms !== null || row.until_ms <= nowMs)
          return { status: 200, body: silenceOfRow(services.box, row) }
        const ended = await tx
          .updateTable('silences')
          .set({ ended_at_ms: nowMs, ended_by: principal.keyId })
          .where('brand_id', '=', brandId)
          .where('silence_id', '=', row.silence_id)
          .returningAll()
          .executeTakeFirstOrThrow()
        await change({ type: 'silence.ended', silenceId: row.silence_id })
        audit('silence.ended', row.silence_id)
        return { status: 200, body: silenceOfRow(services.box, ended) }
      }),
  )

  app.get(
    '/api/maintenance-windows',
    {
      config: { access: VIEWER },
      schema: {
        summary: 'Maintenance that comes again, by key',
        tags,
        querystring: Closed(PageQuery),
        response: { 200: PageOf(StoredWindow) },
      },
    },
    (request) =>
      read(services, request, (tx, brandId) =>
        listPage(
          tx.selectFrom('maintenance_windows').selectAll().where('brand_id', '=', brandId),
          request.query,
          { by: ['window_key'] },
          windowOfRow,
        ),
      ),
  )

  app.put(
    '/api/maintenance-windows/:window',
    {
      config: { access: AUTHOR },
      schema: {
        summary: 'Set a maintenance window: quiet on its days from one time to another, over midnight if need be',
        description:
          'Its times are those the clock of the zone shows, on days of 23 and 25 hours too. Windows and silences add up.',
        tags,
        params: Closed({ window: Key }),
        body: Closed(Window),
        response: { 200: StoredWindow },
      },
    },
    (request, reply) =>
      commit(services, request, reply, async ({ tx, brandId, nowMs, principal, change, audit }) => {
        const { zone, days, from, to } = request.body
        const key = request.params.window
        if (zone !== 'home' && !isTimeZone(zone))
          throw new HubError('VALIDATION_FAILED', `“${zone}” is not an IANA time zone, nor home.`, { pointer: '/zone' })
        if (from === to) throw new HubError('VALIDATION_FAILED', 'It ends when it begins.', { pointer: '/to' })
        const scope = await requireScope(tx, brandId, request.body.scope)
        const document: MaintenanceWindow = { scope, zone, days: [...days].sort(), from, to }
        const { count } = await tx
          .selectFrom('maintenance_windows')
          .select((eb) => eb.fn.countAll<string>().as('count'))
          .where('brand_id', '=', brandId)
          .where('window_key', '<>', key)
          .executeTakeFirstOrThrow()
        if (Number(count) >= WINDOWS_MAX)
          throw new HubError('CONFLICT', `There are ${count} windows; take one away first.`)
        const known = await tx
          .selectFrom('maintenance_windows')
          .selectAll()
          .where('brand_id', '=', brandId)
          .where('window_key', '=', key)
          .forUpdate()
          .executeTakeFirst()
        if (
          known &&
          JSON.stringify(windowOfRow(known)) === JSON.stringify({ ...windowOfRow(known), ...shown(document) })
        )
          return { status: 200, body: windowOfRow(known) }
        const set = { document: JSON.stringify(document), updated_at_ms: nowMs, updated_by: principal.keyId }
        const row = await tx
          .insertInto('maintenance_windows')
          .values({ brand_id: brandId, window_key: key, created_at_ms: nowMs, ...set })
          .onConflict((conflict) => conflict.columns(['brand_id', 'window_key']).doUpdateSet(set))
          .returningAll()
          .executeTakeFirstOrThrow()
        await change({ type: 'maintenance.set', windowId: key, window: document })
        audit('maintenance.set', key, { ...document })
        return { status: 200, body: windowOfRow(row) }
      }),
  )

  app.delete(
    '/api/maintenance-windows/:window',
    {
      config: { access: AUTHOR },
      schema: {
        summary: 'Take a maintenance window away: what it kept quiet and still stands is told',
        tags,
        params: Closed({ window: PathName }),
        response: { 204: Type.Null() },
      },
    },
    (request, reply) =>
      commit(services, request, reply, async ({ tx, brandId, change, audit }) => {
        const key = request.params.window
        const gone = await tx
          .deleteFrom('maintenance_windows')
          .where('brand_id', '=', brandId)
          .where('window_key', '=', key)
          .executeTakeFirst()
        if (gone.numDeletedRows === 0n) throw new HubError('NOT_FOUND', `There is no maintenance window “${key}”.`)
        await change({ type: 'maintenance.set', windowId: key, window: null })
        audit('maintenance.removed', key)
        return { status: 204, body: null }
      }),
  )
}

interface AskedScope {
  device?: string
  home?: string
  product?: string
  region?: string
  rule?: string
}

/** The scope as the evaluator reads it; what it names must be the brand's. */
/** The one home a scope is about; with it go the words of who asked. */
async function homeOf(tx: Tx, brandId: string, scope: HushScope): Promise<string | null> {
  if (scope.homeId !== undefined) return scope.homeId
  return scope.deviceId === undefined ? null : (await requireDevice(tx, brandId, scope.deviceId)).home_id
}

async function requireScope(tx: Tx, brandId: string, { device, home, product, region, rule }: AskedScope) {
  const missing = async (what: string, pointer: string, look: () => Promise<unknown>): Promise<void> => {
    const found = await look().catch(() => undefined)
    if (!found) throw new HubError('VALIDATION_FAILED', `There is no such ${what}.`, { pointer: `/scope/${pointer}` })
  }
  if (device !== undefined) await missing('device', 'device', () => requireDevice(tx, brandId, device))
  if (home !== undefined) await missing('home', 'home', () => requireHome(tx, brandId, home))
  if (product !== undefined)
    await missing('product', 'product', () =>
      tx
        .selectFrom('products')
        .select('product_key')
        .where('brand_id', '=', brandId)
        .where('product_key', '=', product)
        .executeTakeFirst(),
    )
  if (rule !== undefined)
    await missing('rule', 'rule', () =>
      tx
        .selectFrom('rules')
        .select('rule_key')
        .where('brand_id', '=', brandId)
        .where('rule_key', '=', rule)
        .executeTakeFirst(),
    )
  return {
    ...(device === undefined ? {} : { deviceId: device }),
    ...(home === undefined ? {} : { homeId: home }),
    ...(product === undefined ? {} : { productKey: product }),
    ...(region === undefined ? {} : { region }),
    ...(rule === undefined ? {} : { ruleKey: rule }),
  }
}

function shownScope(scope: MaintenanceWindow['scope']): AskedScope {
  return {
    ...(scope.deviceId === undefined ? {} : { device: scope.deviceId }),
    ...(scope.homeId === undefined ? {} : { home: scope.homeId }),
    ...(scope.productKey === undefined ? {} : { product: scope.productKey }),
    ...(scope.region === undefined ? {} : { region: scope.region }),
    ...(scope.ruleKey === undefined ? {} : { rule: scope.ruleKey }),
  }
}

function silenceOfRow(box: SecretBox, row: Selectable<Tables['silences']>) {
  return {
    id: row.silence_id,
    scope: shownScope(row.scope),
    reason: row.reason_sealed ? box.open(row.reason_sealed, sealedAs.silenceReason(row.silence_id)) : row.reason,
    from: instant(row.from_ms),
    until: instant(row.until_ms),
    createdBy: row.created_by,
    endedAt: row.ended_at_ms === null ? null : instant(row.ended_at_ms),
  }
}

function shown({ scope, zone, days, from, to }: MaintenanceWindow) {
  return { scope: shownScope(scope), zone, days: [...days], from, to }
}

function windowOfRow(row: Selectable<Tables['maintenance_windows']>) {
  return {
    key: row.window_key,
    ...shown(row.document),
    updatedAt: instant(row.updated_at_ms),
    updatedBy: row.updated_by,
  }
}
