import { Type } from 'typebox'
import { Key } from '#contracts'
import { HubError } from '#platform'
import { deviceFacts, placeOf } from '../device-facts.ts'
import {
  Device,
  DeviceFields,
  deviceColumns,
  deviceOfRow,
  deviceRows,
  NewDevice,
  requireDevice,
  surroundingsOf,
} from '../devices.ts'
import { AUTHOR, VIEWER } from '../http/access.ts'
import { actorOf } from '../http/actor.ts'
import { commit } from '../http/commit.ts'
import { listPage, PageOf, PageQuery } from '../http/paging.ts'
import { read } from '../http/read.ts'
import { Closed, PathName, Secret } from '../http/schemas.ts'
import { registerDevice } from '../register-devices.ts'
import type { Routes } from './routes.ts'

export const NewCredential = Closed({ id: Type.String(), accessToken: Secret })
const params = Closed({ device: PathName })
const tags = ['devices']

/** Devices: what they are, where they stand, and since when. */
export const deviceRoutes: Routes = async (app, services) => {
  const { clock, broker, directory } = services

  app.post(
    '/api/devices',
    {
      config: { access: AUTHOR },
      schema: {
        summary: 'Register a device; answers with its access token, shown once',
        tags,
        body: NewDevice,
        response: { 201: Closed({ device: Device, credential: NewCredential }) },
      },
    },
    (request, reply) =>
      commit(services, request, reply, async (work) => {
        const { tx, brandId, nowMs, audit } = work
        const known = await surroundingsOf(tx, brandId, [request.body])
        const made = await registerDevice(work, request.body, known)
        const row = await deviceRows(tx, brandId).where('d.device_id', '=', made.deviceId).executeTakeFirstOrThrow()
        audit('device.created', made.deviceId, { product: row.product_key })
        const credential = { id: made.credentialId, accessToken: made.token }
        return { status: 201, body: { device: deviceOfRow(row, nowMs), credential } }
      }),
  )

  app.get(
    '/api/devices',
    {
      config: { access: VIEWER },
      schema: {
        summary: 'Devices, newest first',
        tags,
        querystring: Closed({
          ...PageQuery,
          serial: Type.Optional(Type.String({ maxLength: 64 })),
          product: Type.Optional(Key),
          home: Type.Optional(Type.String({ maxLength: 64 })),
          gateway: Type.Optional(Type.String({ maxLength: 64 })),
          tag: Type.Optional(Key),
          region: Type.Optional(
            Type.String({ pattern: '^\\d{1,9}$', description: 'prefix of the device’s own region' }),
          ),
          presence: Type.Optional(Type.Enum(['unknown', 'connected', 'disconnected'])),
        }),
        response: { 200: PageOf(Device) },
      },
    },
    (request) =>
      read(services, request, (tx, brandId) => {
        const { serial, product, home, gateway, tag, region, presence } = request.query
        let query = deviceRows(tx, brandId)
        if (serial !== undefined) query = query.where('d.serial', '=', serial)
        if (product !== undefined) query = query.where('d.product_key', '=', product)
        if (home !== undefined) query = query.where('d.home_id', '=', home)
        if (gateway !== undefined) query = query.where('d.gateway_id', '=', gateway)
        if (tag !== undefined) query = query.where((eb) => eb(eb.val(tag), '=', eb.fn.any('d.tags')))
        if (region !== undefined) query = query.where('d.region', 'like', `${region}%`)
        if (presence !== undefined) query = query.where('d.presence', '=', presence)
        const order = { by: ['created_at_ms', 'device_id'], direction: 'desc', table: 'd' } as const
        const nowMs = clock.nowMs()
        return listPage(query, request.query, order, (row) => deviceOfRow(row, nowMs))
      }),
  )

  app.get(
    '/api/devices/:device',
    { config: { access: VIEWER }, schema: { summary: 'One device', tags, params, response: { 200: Device } } },
    (request) =>
      read(services, request, async (tx, brandId) => {
        const row = await deviceRows(tx, brandId).where('d.device_id', '=', request.params.device).executeTakeFirst()
        if (!row) throw new HubError('NOT_FOUND', 'There is no such device.')
        return deviceOfRow(row, clock.nowMs())
      }),
  )

  app.patch(
    '/api/devices/:device',
    {
      config: { access: AUTHOR },
      schema: {
        summary: 'Change a device; another home means another owner, to whom nothing old is shown',
        tags,
        params,
        body: Closed(DeviceFields, { minProperties: 1 }),
        response: { 200: Device },
      },
    },
    (request, reply) =>
      commit(services, request, reply, async (work) => {
        const { tx, brandId, nowMs, change, audit } = work
        const { body } = request
        const before = await requireDevice(tx, brandId, request.params.device, { lock: true })
        const columns = deviceColumns(body, await surroundingsOf(tx, brandId, [body]))
        if (columns.gateway_id === before.device_id) {
          throw new HubError('VALIDATION_FAILED', 'A device is not its own gateway.', { pointer: '/gateway' })
        }
        const moved = body.home !== undefined && body.home !== before.home_id
        const owner = moved ? { owner_epoch: before.owner_epoch + 1, owner_since_ms: nowMs } : {}
        const after = await tx
          .updateTable('devices')
          .set({ ...columns, ...owner, updated_at_ms: nowMs })
          .where('brand_id', '=', brandId)
          .where('device_id', '=', before.device_id)
          .returningAll()
          .executeTakeFirstOrThrow()
        const facts = deviceFacts(after, await placeOf(tx, brandId, after.home_id))
        const known = JSON.stringify(deviceFacts(before, await placeOf(tx, brandId, before.home_id)))
        if (moved) {
          await change({ type: 'device.moved', device: facts })
          await services.bridge.devices.gone(tx, brandId, before.device_id, { by: actorOf(request) })
        } else if (JSON.stringify(facts) !== known) await change({ type: 'device.changed', device: facts })
        audit(moved ? 'device.moved' : 'device.changed', before.device_id, { fields: Object.keys(body) })
        const row = await deviceRows(tx, brandId).where('d.device_id', '=', before.device_id).executeTakeFirstOrThrow()
        return { status: 200, body: deviceOfRow(row, nowMs) }
      }),
  )

  app.delete(
    '/api/devices/:device',
    {
      config: { access: AUTHOR },
      schema: {
        summary: 'Remove a device: its credentials end at once, its alerts resolve, what it sends later is refused',
        tags,
        params,
        response: { 204: Type.Null() },
      },
    },
    async (request, reply) => {
      const gone: { credentialId: string; deviceId: string }[] = []
      // The sessions end even when the log takes the change late: the row is what counts.
      const closeGate = async (): Promise<void> => {
        for (const credential of gone) directory.revoke(credential)
        if (gone.length > 0) await broker.dropSessions({ deviceId: gone[0]!.deviceId })
      }
      try {
        return await commit(services, request, reply, async ({ tx, brandId, nowMs, change, audit }) => {
          const { device_id: deviceId } = await requireDevice(tx, brandId, request.params.device, { lock: true })
          const revoked = await tx
            .updateTable('credentials')
            .set({ revoked_at_ms: nowMs })
            .where('brand_id', '=', brandId)
            .where('device_id', '=', deviceId)
            .where('revoked_at_ms', 'is', null)
            .returning('credential_id')
            .execute()
          gone.splice(0, gone.length, ...revoked.map((row) => ({ credentialId: row.credential_id, deviceId })))
          const children = await tx
            .updateTable('devices')
            .set({ gateway_id: null, updated_at_ms: nowMs })
            .where('brand_id', '=', brandId)
            .where('gateway_id', '=', deviceId)
            .returningAll()
            .execute()
          for (const child of children) {
            await change({
              type: 'device.changed',
              device: deviceFacts(child, await placeOf(tx, brandId, child.home_id)),
            })
          }
          await tx
            .updateTable('devices')
            .set({ removed_at_ms: nowMs, updated_at_ms: nowMs, home_id: null, gateway_id: null })
            .where('brand_id', '=', brandId)
            .where('device_id', '=', deviceId)
            .execute()
          await change({ type: 'device.removed', deviceId })
          await services.bridge.devices.gone(tx, brandId, deviceId, { by: actorOf(request) })
          audit('device.removed', deviceId)
          return { status: 204, body: null }
        })
      } finally {
        await closeGate()
      }
    },
  )
}
