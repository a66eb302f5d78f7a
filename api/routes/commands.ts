import { Type } from 'typebox'
import { writeAudit } from '#store'
import { requireDevice } from '../devices.ts'
import { AUTHOR, brandOf } from '../http/access.ts'
import { read } from '../http/read.ts'
import { Closed, PathName } from '../http/schemas.ts'
import type { Routes } from './routes.ts'

/** A lock on a battery wakes every half minute; beyond this the caller should ask again. */
const TIMEOUT_MS_MAX = 60_000
const TIMEOUT_MS = 10_000

/** Commands down to a device, answered by the device's own program. */
export const commandRoutes: Routes = async (app, services) => {
  const { broker, clock, db } = services
  app.post(
    '/api/devices/:device/commands',
    {
      config: { access: AUTHOR },
      schema: {
        summary: 'Send a command and wait for the device’s answer',
        description:
          '`offline`: it reached no connection and will not be sent later. `timeout`: it may have arrived and was not answered in time.',
        tags: ['devices'],
        params: Closed({ device: PathName }),
        body: Closed({
          method: Type.String({ minLength: 1, maxLength: 64 }),
          params: Type.Optional(Type.Unknown({ description: 'any JSON, as the device expects it' })),
          timeoutMs: Type.Optional(
            Type.Integer({ minimum: 100, maximum: TIMEOUT_MS_MAX, description: `default ${TIMEOUT_MS}` }),
          ),
        }),
        response: {
          200: Closed({
            outcome: Type.Enum(['response', 'timeout', 'offline']),
            response: Type.Optional(Type.Unknown()),
          }),
        },
      },
    },
    async (request) => {
      const { method, params, timeoutMs } = request.body
      const brandId = brandOf(request)
      const device = await read(services, request, (tx) => requireDevice(tx, brandId, request.params.device))
      await db.asBrand(brandId, (tx) =>
        writeAudit(tx, {
          brandId,
          atMs: clock.nowMs(),
          actor: request.principal!.keyId,
          action: 'command.sent',
          subject: device.device_id,
          detail: { method },
        }),
      )
      const result = await broker.sendCommand(device.device_id, {
        method,
        ...(params === undefined ? {} : { params }),
        timeoutMs: timeoutMs ?? TIMEOUT_MS,
      })
      return result
    },
  )
}
