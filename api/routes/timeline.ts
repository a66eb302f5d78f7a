import { Type } from 'typebox'
import { instant } from '#contracts'
import { requireDevice } from '../devices.ts'
import { VIEWER } from '../http/access.ts'
import { listPage, PageOf, PageQuery } from '../http/paging.ts'
import { read } from '../http/read.ts'
import { Closed, Nullable, PathName, Time } from '../http/schemas.ts'
import type { Routes } from './routes.ts'

const Entry = Closed({
  at: Time,
  kind: Type.String({ description: 'alert.firing, case.offered, …' }),
  subject: Type.String({ description: 'id of the alert or case' }),
  component: Type.String(),
  rule: Nullable(Type.String()),
  detail: Type.Unknown(),
})

/** What happened to a device since its present owner has it: alerts and cases, newest first. */
export const timelineRoutes: Routes = async (app, services) => {
  app.get(
    '/api/devices/:device/timeline',
    {
      config: { access: VIEWER },
      schema: {
        summary: 'Alerts and cases of a device, newest first',
        tags: ['devices'],
        params: Closed({ device: PathName }),
        querystring: Closed(PageQuery),
        response: { 200: PageOf(Entry) },
      },
    },
    (request) =>
      read(services, request, async (tx, brandId) => {
        const device = await requireDevice(tx, brandId, request.params.device)
        const alerts = tx
          .selectFrom('alert_transitions as t')
          .innerJoin('alerts as a', (join) =>
            join.onRef('a.brand_id', '=', 't.brand_id').onRef('a.episode_id', '=', 't.episode_id'),
          )
          .select((eb) => [
            't.at_ms as at_ms',
            't.episode_id as subject',
            't.seq as ordinal',
            't.kind as kind',
            'a.component as component',
            eb.ref('a.rule_key').$castTo<string | null>().as('rule'),
            't.detail as detail',
          ])
          .where('t.brand_id', '=', brandId)
          .where('a.brand_id', '=', brandId)
          .where('a.device_id', '=', device.device_id)
          .where('t.at_ms', '>=', device.owner_since_ms)
        const cases = tx
          .selectFrom('case_events as e')
          .innerJoin('cases as c', (join) =>
            join.onRef('c.brand_id', '=', 'e.brand_id').onRef('c.case_id', '=', 'e.case_id'),
          )
          .select((eb) => [
            'e.at_ms as at_ms',
            'e.case_id as subject',
            eb.cast<number>('e.ordinal', 'bigint').as('ordinal'),
            eb(eb.val('case.'), '||', eb.ref('e.to_state')).$castTo<string>().as('kind'),
            'c.component as component',
            eb.ref('c.rule_key').$castTo<string | null>().as('rule'),
            eb
              .fn<Record<string, unknown>>('jsonb_build_object', [
                eb.cast(eb.val('why'), 'text'),
                'e.why',
                eb.cast(eb.val('row'), 'text'),
                'e.table_row',
              ])
              .as('detail'),
          ])
          .where('e.brand_id', '=', brandId)
          .where('c.brand_id', '=', brandId)
          .where('c.device_id', '=', device.device_id)
          .where('e.at_ms', '>=', device.owner_since_ms)
        const both = tx.selectFrom(alerts.unionAll(cases).as('entry')).selectAll()
        return listPage(
          both,
          request.query,
          { by: ['at_ms', 'subject', 'ordinal', 'kind'], direction: 'desc' },
          (row) => ({
            at: instant(row.at_ms),
            kind: row.kind,
            subject: row.subject,
            component: row.component,
            rule: row.rule,
            detail: row.detail,
          }),
        )
      }),
  )
}
