import { Type } from 'typebox'
import { instant, Key } from '#contracts'
import { HubError } from '#platform'
import { requireDevice } from '../devices.ts'
import { VIEWER } from '../http/access.ts'
import { read } from '../http/read.ts'
import { Closed, Nullable, PathName, Time } from '../http/schemas.ts'
import type { Routes } from './routes.ts'

const ConditionState = Closed({
  rule: Closed({ key: Key, version: Type.Integer() }),
  component: Key,
  state: Type.Enum(['inactive', 'pending', 'firing', 'recovering', 'cleared-latched']),
  quality: Type.Enum(['ok', 'stale', 'no-data', 'error'], { description: 'what the data behind it are worth now' }),
  since: Nullable(Time),
  alert: Nullable(Type.String({ description: 'the open alert, if any' })),
  lastValue: Nullable(Type.Union([Type.Number(), Type.Boolean(), Type.String()])),
})

/** How each rule stands on a device right now: what alerts do not show, because nothing has fired yet. */
export const conditionRoutes: Routes = async (app, services) => {
  app.get(
    '/api/devices/:device/conditions',
    {
      config: { access: VIEWER },
      schema: {
        summary: 'How each rule stands on this device now, pending and recovering ones too',
        tags: ['devices'],
        params: Closed({ device: PathName }),
        response: { 200: Closed({ items: Type.Array(ConditionState) }) },
      },
    },
    async (request) => {
      const { brandId, deviceId } = await read(services, request, async (tx, brandId) => ({
        brandId,
        deviceId: (await requireDevice(tx, brandId, request.params.device)).device_id,
      }))
      if (!services.conditions) {
        throw new HubError('STORE_UNAVAILABLE', 'Rules run in another process of this hub (HUB_ROLES); ask that one.')
      }
      const views = await services.conditions({ brandId, deviceId })
      return {
        items: views.map((view) => ({
          rule: { key: view.ruleKey, version: view.ruleVersion },
          component: view.component,
          state: view.state,
          quality: view.quality,
          since: view.sinceMs > 0 ? instant(view.sinceMs) : null,
          alert: view.episodeId,
          lastValue: view.lastValue,
        })),
      }
    },
  )
}
