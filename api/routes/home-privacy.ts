import { Type } from 'typebox'
import { instant } from '#contracts'
import { deviceFacts, devicesOfHome, NO_HOME } from '../device-facts.ts'
import { openAddress, openRefs, requireHome } from '../homes.ts'
import { ADMIN, brandOf } from '../http/access.ts'
import { actorOf } from '../http/actor.ts'
import { commit, type Work } from '../http/commit.ts'
import { Closed, Nullable, PathName, Time } from '../http/schemas.ts'
import type { RouteServices } from '../services.ts'
import { consentOfRow } from './consents.ts'
import { peopleOf, personOfRow } from './people.ts'
import type { Routes } from './routes.ts'

const params = Closed({ home: PathName })
const tags = ['homes']
/** Consents of one home: a few a year. */
const CONSENTS_MAX = 5_000

const Erasure = Closed({
  homeId: Type.String(),
  state: Type.Enum(['running', 'done']),
  requestedAt: Time,
  dueBy: Time,
  sweptAt: Time,
  doneAt: Nullable(Time),
  removed: Type.Record(Type.String(), Type.Integer(), {
    description: 'rows changed or removed, by what they were',
  }),
})

/** What a home may ask for: all that is known of it, and that it be forgotten. */
export const homePrivacyRoutes: Routes = async (app, services) => {
  const { bridge } = services

  // An export writes its line in the audit, which some would call a POST; both ways are the same call.
  for (const method of ['GET', 'POST'] as const) {
    app.route({
      method,
      url: '/api/homes/:home/export',
      config: { access: ADMIN },
      schema: {
        summary: 'Everything the hub keeps about a home, for its people; audited',
        description:
          'Names, address, consents, appliances, needs, offers, orders with what partners said, notices, and who read the address. ' +
          'Readings of an appliance are at /api/devices/{id}/telemetry.',
        tags,
        params,
        response: {
          200: Type.Object(
            {},
            { additionalProperties: true, description: 'home, address, people, consents, devices, …' },
          ),
        },
      },
      handler: (request, reply) =>
        commit(services, request, reply, async (work) => ({
          status: 200,
          body: await exportHome(services, work, request.params.home),
        })),
    })
  }

  app.post(
    '/api/homes/:home/erase',
    {
      config: { access: ADMIN },
      schema: {
        summary: 'Forget a home: address, names and numbers are gone at once, the rest within 24 hours',
        description:
          'Consents end, open needs and orders are called off where nobody has arrived, appliances belong to nobody. What proves past ' +
          'consents and payments stays, without a person in it; telemetry stays with the appliance. Asking again changes nothing.',
        tags,
        params,
        response: { 202: Erasure },
      },
    },
    (request, reply) =>
      commit(services, request, reply, async ({ tx, brandId, nowMs, change, audit }) => {
        const { home: homeId } = request.params
        const before = await tx
          .selectFrom('home_erasures')
          .select('home_id')
          .where('brand_id', '=', brandId)
          .where('home_id', '=', homeId)
          .executeTakeFirst()
        if (before) return { status: 202, body: await bridge.homes.erasure(brandId, homeId) }
        await requireHome(tx, brandId, homeId, { lock: true })
        for (const device of await devicesOfHome(tx, brandId, homeId)) {
          await tx
            .updateTable('devices')
            .set({ home_id: null, owner_epoch: device.owner_epoch + 1, owner_since_ms: nowMs, updated_at_ms: nowMs })
            .where('brand_id', '=', brandId)
            .where('device_id', '=', device.device_id)
            .execute()
          await change({ type: 'device.moved', device: deviceFacts({ ...device, home_id: null }, NO_HOME) })
        }
        await change({ type: 'consent.monitoring', homeId, granted: false })
        const body = await bridge.homes.erase(tx, brandId, homeId, { by: actorOf(request) })
        audit('home.erased', homeId)
        return { status: 202, body }
      }),
  )

  app.get(
    '/api/homes/:home/erasure',
    {
      config: { access: ADMIN },
      schema: {
        summary: 'How far an erasure is, and what it took away',
        tags,
        params,
        response: { 200: Erasure },
      },
    },
    (request) => bridge.homes.erasure(brandOf(request), request.params.home),
  )
}

async function exportHome({ box, bridge }: RouteServices, { tx, brandId, audit }: Work, homeId: string) {
  const home = await requireHome(tx, brandId, homeId)
  const people = await peopleOf(tx, brandId, homeId)
  const consents = await tx
    .selectFrom('consents')
    .selectAll()
    .where('brand_id', '=', brandId)
    .where('home_id', '=', homeId)
    .orderBy('at_ms')
    .limit(CONSENTS_MAX)
    .execute()
  const devices = await devicesOfHome(tx, brandId, homeId)
  const parameters = await tx
    .selectFrom('parameters')
    .select(['key', 'value'])
    .where('brand_id', '=', brandId)
    .where('scope', '=', 'home')
    .where('scope_id', '=', homeId)
    .execute()
  audit('home.exported', homeId)
  const at = (ms: number | null): string | null => (ms === null ? null : instant(ms))
  return {
    home: {
      id: homeId,
      timeZone: home.time_zone,
      quietHours: { from: home.quiet_from, to: home.quiet_to },
      region: home.region,
      ...openRefs(box, home),
      createdAt: instant(home.created_at_ms),
    },
    address: home.address_sealed && openAddress(box, homeId, home.address_sealed),
    people: people.map((row) => personOfRow(box, row)),
    consents: consents.map(consentOfRow),
    devices: devices.map((device) => ({
      id: device.device_id,
      serial: device.serial,
      product: device.product_key,
      region: device.region,
      tags: device.tags,
      purchasedAt: at(device.purchased_at_ms),
      installedAt: at(device.installed_at_ms),
      extendedWarranty: device.extended_warranty,
      ownerSince: instant(device.owner_since_ms),
      attributes: device.attributes,
    })),
    parameters,
    ...(await bridge.homes.traces(tx, brandId, homeId)),
  }
}
