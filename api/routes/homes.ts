import type { Selectable } from 'kysely'
import { Type } from 'typebox'
import { Address, instant, RegionCode } from '#contracts'
import { HubError, newId, type SecretBox } from '#platform'
import type { HomesTable, Tx } from '#store'
import { changeDevicesOf } from '../device-facts.ts'
import {
  DEFAULT_TIME_ZONE,
  externalRefHash,
  openAddress,
  openRefs,
  requireHome,
  sealAddress,
  sealRefs,
} from '../homes.ts'
import { ADMIN, VIEWER } from '../http/access.ts'
import { commit } from '../http/commit.ts'
import { listPage, PageOf, PageQuery } from '../http/paging.ts'
import { read } from '../http/read.ts'
import { Closed, Nullable, PathName, Time } from '../http/schemas.ts'
import { isTimeZone } from '../http/times.ts'
import { insertPerson, NewPerson } from './people.ts'
import type { Routes } from './routes.ts'

const HourOfDay = Type.String({ pattern: '^([01]\\d|2[0-3]):[0-5]\\d$' })
const QuietHours = Closed({ from: HourOfDay, to: HourOfDay })
/** Sleep is sacred: what most homes would choose. */
const QUIET_HOURS = { from: '21:00', to: '08:30' }

const HomeFields = {
  timeZone: Type.Optional(
    Type.String({ minLength: 1, maxLength: 64, description: `IANA zone; ${DEFAULT_TIME_ZONE} when left out` }),
  ),
  quietHours: Type.Optional(QuietHours),
  region: Type.Optional(Nullable(RegionCode)),
  address: Type.Optional(Nullable(Address)),
  siteRef: Type.Optional(
    Nullable(
      Type.String({
        minLength: 1,
        maxLength: 200,
        description: 'the brand’s own name for the place, when it keeps the address',
      }),
    ),
  ),
  externalRef: Type.Optional(
    Nullable(Type.String({ minLength: 1, maxLength: 200, description: 'unique within the brand' })),
  ),
}
const Home = Closed({
  id: Type.String(),
  timeZone: Type.String(),
  quietHours: QuietHours,
  region: Nullable(Type.String()),
  hasAddress: Type.Boolean({ description: 'the address itself leaves only by the audited site call or an export' }),
  siteRef: Nullable(Type.String()),
  externalRef: Nullable(Type.String()),
  createdAt: Time,
  updatedAt: Time,
})
const params = Closed({ home: PathName })
const tags = ['homes']

/** Homes: where devices stand, when nobody is disturbed, and (sealed) the address. */
export const homeRoutes: Routes = async (app, services) => {
  const { box } = services

  app.post(
    '/api/homes',
    {
      config: { access: ADMIN },
      schema: {
        summary: 'Create a home, with its people if wanted',
        tags,
        body: Closed({ ...HomeFields, people: Type.Optional(Type.Array(NewPerson, { maxItems: 20 })) }),
        response: { 201: Home },
      },
    },
    (request, reply) =>
      commit(services, request, reply, async ({ tx, brandId, nowMs, audit }) => {
        const { body } = request
        checkZone(body.timeZone)
        refuseTwoPlaces(body.address, body.siteRef)
        const homeId = newId('home')
        const quiet = body.quietHours ?? QUIET_HOURS
        await refuseTakenRef(tx, box, brandId, homeId, body.externalRef)
        const row = await tx
          .insertInto('homes')
          .values({
            brand_id: brandId,
            home_id: homeId,
            time_zone: body.timeZone ?? DEFAULT_TIME_ZONE,
            quiet_from: quiet.from,
            quiet_to: quiet.to,
            region: body.region ?? null,
            address_sealed: body.address ? sealAddress(box, homeId, body.address) : null,
            ...sealRefs(box, brandId, homeId, { siteRef: body.siteRef ?? null, externalRef: body.externalRef ?? null }),
            created_at_ms: nowMs,
            updated_at_ms: nowMs,
          })
          .returningAll()
          .executeTakeFirstOrThrow()
        for (const person of body.people ?? []) await insertPerson(tx, { brandId, homeId, person, box, nowMs })
        audit('home.created', homeId)
        return { status: 201, body: homeOfRow(box, row) }
      }),
  )

  app.get(
    '/api/homes',
    {
      config: { access: VIEWER },
      schema: {
        summary: 'Homes that were not erased',
        tags,
        querystring: Closed({ ...PageQuery, externalRef: Type.Optional(Type.String({ maxLength: 200 })) }),
        response: { 200: PageOf(Home) },
      },
    },
    (request) =>
      read(services, request, (tx, brandId) => {
        const { externalRef } = request.query
        const all = tx.selectFrom('homes').selectAll().where('brand_id', '=', brandId).where('erased_at_ms', 'is', null)
        const query =
          externalRef === undefined
            ? all
            : all.where('external_ref_hash', '=', externalRefHash(box, brandId, externalRef))
        return listPage(query, request.query, { by: ['created_at_ms', 'home_id'], direction: 'desc' }, (row) =>
          homeOfRow(box, row),
        )
      }),
  )

  app.get(
    '/api/homes/:home',
    { config: { access: VIEWER }, schema: { summary: 'One home', tags, params, response: { 200: Home } } },
    (request) =>
      read(services, request, async (tx, brandId) =>
        homeOfRow(box, await requireHome(tx, brandId, request.params.home)),
      ),
  )

  app.patch(
    '/api/homes/:home',
    {
      config: { access: ADMIN },
      schema: {
        summary: 'Change a home; what is left out stays',
        tags,
        params,
        body: Closed(HomeFields, { minProperties: 1 }),
        response: { 200: Home },
      },
    },
    (request, reply) =>
      commit(services, request, reply, async (work) => {
        const { tx, brandId, nowMs, audit } = work
        const { body } = request
        checkZone(body.timeZone)
        const before = await requireHome(tx, brandId, request.params.home, { lock: true })
        const homeId = before.home_id
        await refuseTakenRef(tx, box, brandId, homeId, body.externalRef)
        const addressAfter = body.address === undefined ? before.address_sealed : body.address
        refuseTwoPlaces(addressAfter, body.siteRef === undefined ? openRefs(box, before).siteRef : body.siteRef)
        const row = await tx
          .updateTable('homes')
          .set({
            updated_at_ms: nowMs,
            ...(body.timeZone === undefined ? {} : { time_zone: body.timeZone }),
            ...(body.quietHours === undefined
              ? {}
              : { quiet_from: body.quietHours.from, quiet_to: body.quietHours.to }),
            ...(body.region === undefined ? {} : { region: body.region }),
            ...(body.address === undefined
              ? {}
              : { address_sealed: body.address && sealAddress(box, homeId, body.address) }),
            ...sealRefs(box, brandId, homeId, {
              ...(body.siteRef === undefined ? {} : { siteRef: body.siteRef }),
              ...(body.externalRef === undefined ? {} : { externalRef: body.externalRef }),
            }),
          })
          .where('brand_id', '=', brandId)
          .where('home_id', '=', homeId)
          .returningAll()
          .executeTakeFirstOrThrow()
        // Rules know a device's zone and region, so its record in the log follows its home.
        if (row.time_zone !== before.time_zone || row.region !== before.region) await changeDevicesOf(work, homeId)
        audit('home.changed', homeId, { fields: Object.keys(body) })
        return { status: 200, body: homeOfRow(box, row) }
      }),
  )

  app.get(
    '/api/homes/:home/address',
    {
      config: { access: ADMIN },
      schema: {
        summary: 'The address, for the brand itself; every read is audited',
        tags,
        params,
        response: { 200: Closed({ address: Nullable(Address), siteRef: Nullable(Type.String()) }) },
      },
    },
    (request, reply) =>
      commit(services, request, reply, async ({ tx, brandId, audit }) => {
        const home = await requireHome(tx, brandId, request.params.home)
        audit('home.address_read', home.home_id)
        const address = home.address_sealed && openAddress(box, home.home_id, home.address_sealed)
        return { status: 200, body: { address, siteRef: openRefs(box, home).siteRef } }
      }),
  )
}

function homeOfRow(box: SecretBox, row: Selectable<HomesTable>) {
  return {
    id: row.home_id,
    timeZone: row.time_zone,
    quietHours: { from: row.quiet_from, to: row.quiet_to },
    region: row.region,
    hasAddress: row.address_sealed !== null,
    ...openRefs(box, row),
    createdAt: instant(row.created_at_ms),
    updatedAt: instant(row.updated_at_ms),
  }
}

function checkZone(zone: string | undefined): void {
  if (zone === undefined || isTimeZone(zone)) return
  throw new HubError('VALIDATION_FAILED', `“${zone}” is not a time zone; write it as in Asia/Shanghai.`, {
    pointer: '/timeZone',
  })
}

/** Either the hub keeps the address or the brand does; two truths would drift apart. */
function refuseTwoPlaces(address: unknown, siteRef: unknown): void {
  if (!address || !siteRef) return
  throw new HubError('VALIDATION_FAILED', 'Give an address or a siteRef, not both.', { pointer: '/siteRef' })
}

async function refuseTakenRef(
  tx: Tx,
  box: SecretBox,
  brandId: string,
  homeId: string,
  ref: string | null | undefined,
): Promise<void> {
  if (ref === null || ref === undefined) return
  const other = await tx
    .selectFrom('homes')
    .select('home_id')
    .where('brand_id', '=', brandId)
    .where('external_ref_hash', '=', externalRefHash(box, brandId, ref))
    .where('home_id', '<>', homeId)
    .executeTakeFirst()
  if (other)
    throw new HubError('CONFLICT', `The externalRef “${ref}” names ${other.home_id} already.`, {
      pointer: '/externalRef',
    })
}
