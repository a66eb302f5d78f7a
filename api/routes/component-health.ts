import type { Selectable } from 'kysely'
import { Type } from 'typebox'
import { type Component, instant, Text } from '#contracts'
import { partSpecOf } from '#rules'
import { type ComponentHealthTable, readControlRecords, type Tx } from '#store'
import { currentProduct } from '../current-product.ts'
import { requireDevice } from '../devices.ts'
import { VIEWER } from '../http/access.ts'
import { read } from '../http/read.ts'
import { Closed, Nullable, PathName, Time } from '../http/schemas.ts'
import type { Routes } from './routes.ts'

const DAY_MS = 86_400_000

/** Why nothing is said of a part's remaining life. The first are the models' own. */
const REASONS = [
  'too-few-points',
  'too-short-span',
  'no-fleet',
  'no-trend',
  'no-use',
  'beyond-horizon',
  'implausible-input',
  'not-measured',
  'not-yet-followed',
  'renewed-since',
] as const

const Health = Closed({
  component: Type.String(),
  name: Nullable(Text),
  wear: Nullable(
    Type.Number({ minimum: 0, maximum: 1, description: '0 new, 1 worn out; the same scale for every product' }),
  ),
  remainingDays: Nullable(
    Closed({
      p10: Type.Number({ description: 'nine in ten such parts last longer' }),
      p50: Type.Number(),
      p90: Type.Number(),
    }),
  ),
  outOfDistribution: Type.Boolean({ description: 'unlike what its fleet has shown: the range is wider for it' }),
  model: Nullable(Type.String({ description: 'what the remaining life rests on, with its version' })),
  asOf: Nullable(Time),
  reason: Nullable(
    Type.Enum([...REASONS], {
      description:
        'why there is no remaining life: not-measured (the product names neither wear nor a counter), not-yet-followed (no night since the device is there), renewed-since (serviced after the last night), no-fleet (too few lives known to their end), …',
    }),
  ),
  factors: Type.Array(Text, { description: 'what is behind it, in words that can be checked at the appliance' }),
})

/** How the parts of a device are: what the last night knew of each. */
export const componentHealthRoutes: Routes = async (app, services) => {
  app.get(
    '/api/devices/:device/health',
    {
      config: { access: VIEWER },
      schema: {
        summary: 'Wear and remaining life of each component, as of the last night; or why nobody can say',
        description:
          'Wear is known from the first days; remaining life once ten lives of such parts are known to their end. `remainingDays` counts from now.',
        tags: ['devices'],
        params: Closed({ device: PathName }),
        response: { 200: Closed({ items: Type.Array(Health), nextCursor: Type.Null() }) },
      },
    },
    (request) =>
      read(services, request, async (tx, brandId) => {
        const device = await requireDevice(tx, brandId, request.params.device)
        // A product with devices is not removed.
        const product = (await currentProduct(tx, brandId, device.product_key))!
        const rows = await tx
          .selectFrom('component_health')
          .selectAll()
          .where('brand_id', '=', brandId)
          .where('device_id', '=', device.device_id)
          .execute()
        const renewedMs = await renewals(tx, brandId, device.device_id)
        const nowMs = services.clock.nowMs()
        const items = (product.components ?? []).map((component) => {
          const row = rows.find((one) => one.component === component.key)
          if (row && (renewedMs.get(component.key) ?? 0) > row.updated_at_ms)
            return { ...unknownOf(component, 'renewed-since'), asOf: instant(row.updated_at_ms) }
          if (row) return knownOf(component, row, nowMs)
          if (partSpecOf(product, component.key) !== null) return unknownOf(component, 'not-yet-followed')
          return {
            ...unknownOf(component, 'not-measured'),
            wear: wearByAge(component, device.installed_at_ms, renewedMs, nowMs),
          }
        })
        return { items, nextCursor: null }
      }),
  )
}

function unknownOf({ key, name }: Component, reason: (typeof REASONS)[number]) {
  const nothing = { wear: null, remainingDays: null, outOfDistribution: false, model: null, asOf: null, factors: [] }
  return { component: key, name: name ?? null, ...nothing, reason }
}

function knownOf({ key, name }: Component, row: Selectable<ComponentHealthTable>, nowMs: number) {
  const { p10_days, p50_days, p90_days, model_version, reason } = row
  const since = Math.max(0, (nowMs - row.updated_at_ms) / DAY_MS)
  const left = (days: number): number => Math.round(10 * Math.max(0, days - since)) / 10
  const known = p10_days !== null && p50_days !== null && p90_days !== null
  return {
    component: key,
    name: name ?? null,
    wear: row.wear === null ? null : Math.round(1_000 * row.wear) / 1_000,
    remainingDays: known ? { p10: left(p10_days), p50: left(p50_days), p90: left(p90_days) } : null,
    outOfDistribution: row.out_of_distribution,
    model: known && model_version !== null ? `${key}-life-${model_version}` : null,
    asOf: row.as_of_ms === null ? null : instant(row.as_of_ms),
    reason: known ? null : (reason as (typeof REASONS)[number] | null),
    factors: row.factors as { en: string; 'zh-CN': string }[],
  }
}

/** A part that only ages is worn by the share of its rated days; `null` where nobody knows since when it is in. */
function wearByAge(
  { key, ratedLife }: Component,
  installedMs: number | null,
  renewedMs: ReadonlyMap<string, number>,
  nowMs: number,
): number | null {
  const bornMs = renewedMs.get(key) ?? installedMs
  if (bornMs === null || !ratedLife || !('days' in ratedLife)) return null
  return Math.round(1_000 * Math.min(Math.max((nowMs - bornMs) / DAY_MS / ratedLife.days, 0), 1)) / 1_000
}

/** The newest service of each component. */
async function renewals(tx: Tx, brandId: string, deviceId: string): Promise<Map<string, number>> {
  const records = await readControlRecords(tx, {
    brandId,
    deviceIds: [deviceId],
    types: ['component.reset'],
    beforeMs: Number.MAX_SAFE_INTEGER,
  })
  const newest = new Map<string, number>()
  for (const { change } of records)
    if (change.type === 'component.reset')
      newest.set(change.component, Math.max(newest.get(change.component) ?? 0, change.atMs))
  return newest
}
