import { Type } from 'typebox'
import { instant } from '#contracts'
import { VIEWER } from '../http/access.ts'
import { read } from '../http/read.ts'
import { Closed, Time } from '../http/schemas.ts'
import type { Routes } from './routes.ts'

const DAY_MS = 86_400_000
const Counts = Type.Record(Type.String(), Type.Integer())

/** A brand's fleet in numbers, for the first screen. */
export const statsRoutes: Routes = async (app, services) => {
  app.get(
    '/api/stats',
    {
      config: { access: VIEWER },
      schema: {
        summary:
          'Devices by presence, open alerts by severity, cases and orders by state, dead letters, quarantine of a day',
        tags: ['stats'],
        response: {
          200: Closed({
            at: Time,
            devices: Counts,
            alerts: Counts,
            cases: Counts,
            workOrders: Counts,
            deliveries: Counts,
            quarantinedLastDay: Type.Integer(),
          }),
        },
      },
    },
    (request) =>
      read(services, request, async (tx, brandId) => {
        const nowMs = services.clock.nowMs()
        const devices = await tx
          .selectFrom('devices')
          .select((eb) => ['presence as name', eb.fn.countAll<number>().as('count')])
          .where('brand_id', '=', brandId)
          .where('removed_at_ms', 'is', null)
          .groupBy('presence')
          .execute()
        const alerts = await tx
          .selectFrom('alerts')
          .select((eb) => ['severity as name', eb.fn.countAll<number>().as('count')])
          .where('brand_id', '=', brandId)
          .where('state', '<>', 'resolved')
          .where('mode', '=', 'active')
          .groupBy('severity')
          .execute()
        const cases = await tx
          .selectFrom('cases')
          .select((eb) => ['state as name', eb.fn.countAll<number>().as('count')])
          .where('brand_id', '=', brandId)
          .groupBy('state')
          .execute()
        const workOrders = await tx
          .selectFrom('work_orders')
          .select((eb) => ['state as name', eb.fn.countAll<number>().as('count')])
          .where('brand_id', '=', brandId)
          .groupBy('state')
          .execute()
        const deliveries = await tx
          .selectFrom('deliveries')
          .select((eb) => ['state as name', eb.fn.countAll<number>().as('count')])
          .where('brand_id', '=', brandId)
          .groupBy('state')
          .execute()
        const quarantined = await tx
          .selectFrom('quarantine')
          .select((eb) => eb.fn.countAll<number>().as('count'))
          .where('brand_id', '=', brandId)
          .where('received_at_ms', '>', nowMs - DAY_MS)
          .executeTakeFirstOrThrow()
        return {
          at: instant(nowMs),
          devices: byName(devices),
          alerts: byName(alerts),
          cases: byName(cases),
          workOrders: byName(workOrders),
          deliveries: byName(deliveries),
          quarantinedLastDay: quarantined.count,
        }
      }),
  )
}

function byName(rows: readonly { name: string; count: number }[]): Record<string, number> {
  return Object.fromEntries(rows.map(({ name, count }) => [name, count]))
}
