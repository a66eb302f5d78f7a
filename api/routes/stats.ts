import { Type } from 'typebox'
import { instant } from '#contracts'
import { VIEWER } from '../http/access.ts'
import { read } from '../http/read.ts'
import { Closed, Nullable, Time } from '../http/schemas.ts'
import type { Routes } from './routes.ts'

const DAY_MS = 86_400_000
const YEAR_MS = 365 * DAY_MS
const Counts = Type.Record(Type.String(), Type.Integer())

/** A brand's fleet in numbers, for the first screen. */
export const statsRoutes: Routes = async (app, services) => {
  app.get(
    '/api/stats',
    {
      config: { access: VIEWER },
      schema: {
        summary:
          'Devices by presence, open alerts by severity, cases and orders by state, dead letters, quarantine of a day; of a year how many needs the hub raised first, and which faults it missed',
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
            needsLastYear: Closed({
              raisedByHub: Type.Integer({ description: 'opened by an alert before anybody reported a fault' }),
              reported: Type.Integer({ description: 'opened by a fault report' }),
              interventionShare: Nullable(Type.Number({ description: 'raised by the hub, of all; null without any' })),
            }),
            faultReportsLastYear: Closed({
              filed: Type.Integer(),
              joined: Type.Integer({ description: 'of a need that was open already' }),
              missed: Type.Integer({ description: 'without an alert in the thirty days before' }),
            }),
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
        const needs = await tx
          .selectFrom('cases')
          .select((eb) => ['source as name', eb.fn.countAll<number>().as('count')])
          .where('brand_id', '=', brandId)
          .where('opened_at_ms', '>', nowMs - YEAR_MS)
          .groupBy('source')
          .execute()
        const reports = await tx
          .selectFrom('fault_reports')
          .select((eb) => [
            eb.fn.countAll<number>().as('filed'),
            eb.fn.countAll<number>().filterWhere('joined', '=', true).as('joined'),
            eb.fn.countAll<number>().filterWhere('missed', '=', true).as('missed'),
          ])
          .where('brand_id', '=', brandId)
          .where('received_at_ms', '>', nowMs - YEAR_MS)
          // What a home complains of about a visit is no fault of the appliance.
          .where((eb) => eb.or([eb('problem', 'is', null), eb('problem', 'in', ['still_broken', 'another_fault'])]))
          .executeTakeFirstOrThrow()
        const { alert: raisedByHub = 0, reported = 0 } = byName(needs)
        return {
          at: instant(nowMs),
          devices: byName(devices),
          alerts: byName(alerts),
          cases: byName(cases),
          workOrders: byName(workOrders),
          deliveries: byName(deliveries),
          quarantinedLastDay: quarantined.count,
          needsLastYear: {
            raisedByHub,
            reported,
            interventionShare: raisedByHub + reported === 0 ? null : raisedByHub / (raisedByHub + reported),
          },
          faultReportsLastYear: { filed: reports.filed, joined: reports.joined, missed: reports.missed },
        }
      }),
  )
}

function byName(rows: readonly { name: string; count: number }[]): Record<string, number> {
  return Object.fromEntries(rows.map(({ name, count }) => [name, count]))
}
