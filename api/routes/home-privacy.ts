import { Type } from 'typebox'
import { deviceFacts, devicesOfHome, NO_HOME } from '../device-facts.ts'
import { openAddress, requireHome } from '../homes.ts'
import { ADMIN } from '../http/access.ts'
import { actorOf } from '../http/actor.ts'
import { commit } from '../http/commit.ts'
import { Closed, PathName } from '../http/schemas.ts'
import { consentOfRow } from './consents.ts'
import { peopleOf, personOfRow } from './people.ts'
import type { Routes } from './routes.ts'

const params = Closed({ home: PathName })
const tags = ['homes']
/** Consents of one home: a few a year. */
const CONSENTS_MAX = 5_000

/** What a home may ask for: all that is known of it, and that it be forgotten. */
export const homePrivacyRoutes: Routes = async (app, services) => {
  const { box, bridge } = services

  app.post(
    '/api/homes/:home/export',
    {
      config: { access: ADMIN },
      schema: {
        summary: 'Everything the hub keeps about a home, for its people; audited',
        tags,
        params,
        response: {
          200: Type.Object({}, { additionalProperties: true, description: 'home, address, people, consents, devices' }),
        },
      },
    },
    (request, reply) =>
      commit(services, request, reply, async ({ tx, brandId, audit }) => {
        const home = await requireHome(tx, brandId, request.params.home)
        const people = await peopleOf(tx, brandId, home.home_id)
        const consents = await tx
          .selectFrom('consents')
          .selectAll()
          .where('brand_id', '=', brandId)
          .where('home_id', '=', home.home_id)
          .orderBy('at_ms')
          .limit(CONSENTS_MAX)
          .execute()
        const devices = await devicesOfHome(tx, brandId, home.home_id)
        audit('home.exported', home.home_id)
        return {
          status: 200,
          body: {
            home: {
              id: home.home_id,
              timeZone: home.time_zone,
              quietHours: { from: home.quiet_from, to: home.quiet_to },
              region: home.region,
              siteRef: home.site_ref,
              externalRef: home.external_ref,
            },
            address: home.address_sealed && openAddress(box, home.home_id, home.address_sealed),
            people: people.map((row) => personOfRow(box, row)),
            consents: consents.map(consentOfRow),
            devices: devices.map((device) => ({
              id: device.device_id,
              serial: device.serial,
              product: device.product_key,
              attributes: device.attributes,
            })),
          },
        }
      }),
  )

  app.post(
    '/api/homes/:home/erase',
    {
      config: { access: ADMIN },
      schema: {
        summary: 'Forget a home: address, names and numbers are gone, consents end, devices belong to nobody',
        description:
          'Open needs are cancelled where nobody has arrived yet. What proves past consents stays, without a person in it; ' +
          'telemetry holds no personal data and stays with the appliance.',
        tags,
        params,
        response: { 204: Type.Null() },
      },
    },
    (request, reply) =>
      commit(services, request, reply, async ({ tx, brandId, nowMs, change, audit }) => {
        const { home_id: homeId } = await requireHome(tx, brandId, request.params.home, { lock: true })
        await tx
          .updateTable('people')
          .set({ name_sealed: null, contact_sealed: null, erased_at_ms: nowMs })
          .where('brand_id', '=', brandId)
          .where('home_id', '=', homeId)
          .where('erased_at_ms', 'is', null)
          .execute()
        await tx
          .updateTable('consents')
          .set({ withdrawn_at_ms: nowMs })
          .where('brand_id', '=', brandId)
          .where('home_id', '=', homeId)
          .where('granted', '=', true)
          .where('withdrawn_at_ms', 'is', null)
          .execute()
        // Offers are taken back and orders called off where nobody has arrived; the address is closed at once.
        await bridge.homes.consentChanged(tx, brandId, homeId, { by: actorOf(request) })
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
        await tx
          .updateTable('homes')
          .set({ address_sealed: null, site_ref: null, external_ref: null, erased_at_ms: nowMs, updated_at_ms: nowMs })
          .where('brand_id', '=', brandId)
          .where('home_id', '=', homeId)
          .execute()
        // Kept answers of earlier calls may hold the person; a repeat of those calls now meets 404.
        await tx
          .deleteFrom('idempotency_keys')
          .where('brand_id', '=', brandId)
          .where('route', 'like', 'POST /api/homes%')
          .execute()
        audit('home.erased', homeId)
        return { status: 204, body: null }
      }),
  )
}
