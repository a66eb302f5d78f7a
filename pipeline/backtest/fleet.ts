import { sql } from 'kysely'
import type { ControlChange, ControlRecord, DeviceFacts, ProductDocument, RuleDocument } from '#contracts'
import { HubError } from '#platform'
import { type Database, readControlRecords, type Tx } from '#store'
import type { KnownSpan, PastOutcome } from './against-outcomes.ts'

/** Devices gone through together: their facts, outcomes and control records fit memory a thousand times over. */
export const DEVICES_PER_PAGE = 5_000
/** China has one time zone; a device without a home is taken to stand there. */
const DEFAULT_TIME_ZONE = 'Asia/Shanghai'

export interface FleetDevice {
  facts: DeviceFacts
  firmware: string | null
}

/** What one page of devices brings beside its readings. */
export interface FleetPage {
  devices: FleetDevice[]
  outcomes: Map<string, PastOutcome[]>
  controls: Map<string, ControlRecord[]>
}

/** Current versions of the products a rule may look at. @throws {HubError} `VALIDATION_FAILED` for an unknown one */
export async function productsOf(
  tx: Tx,
  brandId: string,
  { scope }: RuleDocument,
  productKey?: string,
): Promise<{ product: ProductDocument; version: number }[]> {
  const key = productKey ?? scope.product
  const rows = await tx
    .selectFrom('products as p')
    .innerJoin('product_versions as v', (join) =>
      join
        .onRef('v.brand_id', '=', 'p.brand_id')
        .onRef('v.product_key', '=', 'p.product_key')
        .onRef('v.version', '=', 'p.current_version'),
    )
    .select(['v.document', 'v.version'])
    .where('p.brand_id', '=', brandId)
    .where('p.removed_at_ms', 'is', null)
    .$if(key !== undefined, (query) => query.where('p.product_key', '=', key!))
    .orderBy('p.product_key')
    .execute()
  const products = rows
    .map(({ document, version }) => ({ product: document as ProductDocument, version }))
    .filter(({ product }) => scope.category === undefined || product.category === scope.category)
  if (products.length === 0)
    throw new HubError(
      'VALIDATION_FAILED',
      key === undefined
        ? 'The brand has no product this rule looks at.'
        : `There is no product “${key}” for this rule.`,
      { pointer: '/product' },
    )
  return products
}

export async function countDevices(tx: Tx, brandId: string, productKeys: readonly string[]): Promise<number> {
  const row = await tx
    .selectFrom('devices')
    .select((eb) => eb.fn.countAll<number>().as('count'))
    .where('brand_id', '=', brandId)
    .where('product_key', 'in', [...productKeys])
    .where('removed_at_ms', 'is', null)
    .executeTakeFirstOrThrow()
  return Number(row.count)
}

export interface PageOptions {
  brandId: string
  productKeys: readonly string[]
  afterId: string | null
  limit: number
  /** Kinds of change wanted of each device. */
  types?: readonly ControlChange['type'][]
  afterSeq?: number
  toMs: number
}

/** The next devices in order of id, with what is known of them. */
export async function readPage(db: Database, options: PageOptions): Promise<FleetPage> {
  const { brandId, productKeys, afterId, limit, types, afterSeq, toMs } = options
  return db.asBrand(brandId, async (tx) => {
    const rows = await tx
      .selectFrom('devices as d')
      .leftJoin('homes as h', (join) =>
        join.onRef('h.brand_id', '=', 'd.brand_id').onRef('h.home_id', '=', 'd.home_id'),
      )
      .select([
        'd.device_id',
        'd.serial',
        'd.product_key',
        'd.home_id',
        'd.region',
        'd.tags',
        'd.installed_at_ms',
        'd.purchased_at_ms',
        'd.gateway_id',
        'd.attributes',
        'h.region as home_region',
        'h.time_zone',
      ])
      .where('d.brand_id', '=', brandId)
      .where('d.product_key', 'in', [...productKeys])
      .where('d.removed_at_ms', 'is', null)
      .$if(afterId !== null, (query) => query.where(sql<boolean>`d.device_id COLLATE "C" > ${afterId}`))
      .orderBy(sql`d.device_id COLLATE "C"`)
      .limit(limit)
      .execute()
    const devices = rows.map((row): FleetDevice => {
      const { firmware } = row.attributes as { firmware?: unknown }
      return {
        facts: {
          deviceId: row.device_id,
          serial: row.serial,
          productKey: row.product_key,
          homeId: row.home_id,
          region: row.region ?? row.home_region,
          tags: row.tags,
          installedAtMs: row.installed_at_ms,
          purchasedAtMs: row.purchased_at_ms,
          gatewayId: row.gateway_id,
          timeZone: row.time_zone ?? DEFAULT_TIME_ZONE,
        },
        firmware: typeof firmware === 'string' ? firmware : null,
      }
    })
    const deviceIds = devices.map(({ facts }) => facts.deviceId)
    const controls = await readControlRecords(tx, {
      brandId,
      deviceIds,
      beforeMs: toMs,
      ...(types ? { types } : {}),
      ...(afterSeq === undefined ? {} : { afterSeq }),
    })
    return {
      devices,
      controls: groupBy(controls, ({ change }) => deviceIdOf(change)),
      outcomes: groupBy(await readOutcomes(tx, brandId, deviceIds), ({ deviceId }) => deviceId),
    }
  })
}

export function deviceIdOf(change: ControlChange): string {
  if ('deviceId' in change) return change.deviceId
  return 'device' in change ? change.device.deviceId : ''
}

export function groupBy<T>(items: readonly T[], keyOf: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>()
  for (const item of items) {
    const key = keyOf(item)
    const group = groups.get(key)
    if (group) group.push(item)
    else groups.set(key, [item])
  }
  return groups
}

/** Past repairs and failures, faults people reported, and what technicians found. */
export async function readOutcomes(tx: Tx, brandId: string, deviceIds: readonly string[]): Promise<PastOutcome[]> {
  const past = await tx
    .selectFrom('outcomes')
    .select(['device_id', 'component', 'at_ms', 'cause'])
    .where('brand_id', '=', brandId)
    .where(sql<boolean>`device_id = ANY (${deviceIds}::text[])`)
    .execute()
  const said = await readControlRecords(tx, {
    brandId,
    deviceIds,
    types: ['technician.outcome', 'fault.reported'],
    beforeMs: Number.MAX_SAFE_INTEGER,
  })
  return [
    ...past.map(
      (row): PastOutcome => ({
        deviceId: row.device_id,
        component: row.component,
        atMs: row.at_ms,
        kind: row.cause === NO_FAULT ? 'no_fault' : 'failure',
        repaired: row.cause !== NO_FAULT,
      }),
    ),
    ...said.flatMap(({ change }): PastOutcome[] => {
      if (change.type === 'fault.reported')
        return [
          {
            deviceId: change.deviceId,
            component: change.component,
            atMs: change.atMs,
            kind: 'failure',
            repaired: false,
          },
        ]
      if (change.type !== 'technician.outcome' || change.verdict === 'not_accessible') return []
      const kind = change.verdict === 'confirmed' ? 'failure' : 'no_fault'
      // That a part was replaced stands in the log as a reset of its own.
      return [{ deviceId: change.deviceId, component: change.component, atMs: change.atMs, kind, repaired: false }]
    }),
  ]
}

/** The cause of an outcome that was none. */
const NO_FAULT = 'no_fault_found'

/** The time over which a brand's past repairs are known; `null` when it brought none. */
export async function knownSpan(tx: Tx, brandId: string): Promise<KnownSpan | null> {
  const row = await tx
    .selectFrom('outcome_spans')
    .select((eb) => [eb.fn.min('from_ms').as('from'), eb.fn.max('to_ms').as('to')])
    .where('brand_id', '=', brandId)
    .executeTakeFirst()
  return row?.from == null || row.to == null ? null : { fromMs: row.from, toMs: row.to }
}
