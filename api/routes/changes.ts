import { Type } from 'typebox'
import { instant } from '#contracts'
import { HubError } from '#platform'
import { VIEWER } from '../http/access.ts'
import { read } from '../http/read.ts'
import { Closed, Nullable, PathName, Time } from '../http/schemas.ts'
import type { Routes } from './routes.ts'

const Change = Closed({
  id: Type.String(),
  type: Type.String({ description: 'rule.activated, device.added, …' }),
  committedAt: Time,
  inForce: Type.Boolean({ description: 'the log has it; from its position on it counts' }),
  position: Nullable(Type.Integer()),
  appendedAt: Nullable(Time),
})

/** Whether a change that was answered with CONTROL_LOG_BEHIND has come into force since. */
export const changeRoutes: Routes = async (app, services) => {
  app.get(
    '/api/changes/:change',
    {
      config: { access: VIEWER },
      schema: {
        summary: 'A change on its way into the log',
        tags: ['changes'],
        params: Closed({ change: PathName }),
        response: { 200: Change },
      },
    },
    (request) =>
      read(services, request, async (tx, brandId) => {
        const row = await tx
          .selectFrom('control_changes')
          .selectAll()
          .where('brand_id', '=', brandId)
          .where('change_id', '=', request.params.change)
          .executeTakeFirst()
        if (!row) throw new HubError('NOT_FOUND', 'There is no such change.')
        return {
          id: row.change_id,
          type: row.change.type,
          committedAt: instant(row.committed_at_ms),
          inForce: row.seq !== null,
          position: row.seq,
          appendedAt: row.appended_at_ms === null ? null : instant(row.appended_at_ms),
        }
      }),
  )
}
