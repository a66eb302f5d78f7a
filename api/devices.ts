import type { Selectable } from 'kysely'
import { type Static, Type } from 'typebox'
import { ExtendedWarranty, Instant, instant, Key, type ProductDocument, RegionCode } from '#contracts'
import { HubError } from '#platform'
import { coverageOf } from '#service-bridge'
import type { DevicesTable, Tx } from '#store'
import type { HomePlace } from './device-facts.ts'
import { Closed, Nullable, Time } from './http/schemas.ts'
import { msOrNull } from './http/times.ts'

/** Printed on the appliance; visible ASCII, since gateways and installers type it. */
export const Serial = Type.String({ pattern: '^[\\x21-\\x7e]{1,64}$' })

/** What may change after registration. `null` takes a value away. */
export const DeviceFields = {
  home: Type.Optional(Nullable(Type.String({ minLength: 1, maxLength: 64, description: 'id of a home' }))),
  region: Type.Optional(Nullable(RegionCode)),
  tags: Type.Optional(Type.Array(Key, { maxItems: 16 })),
  purchasedAt: Type.Optional(Nullable(Instant)),
  installedAt: Type.Optional(Nullable(Instant)),
  extendedWarranty: Type.Optional(Nullable(ExtendedWarranty)),
  gateway: Type.Optional(
    Nullable(
      Type.String({ minLength: 1, maxLength: 64, description: 'id or serial of the gateway that speaks for it' }),
    ),
  ),
}
export const NewDevice = Closed({ serial: Serial, product: Key, ...DeviceFields })
export type NewDevice = Static<typeof NewDevice>

export const Device = Closed({
  id: Type.String(),
  serial: Type.String(),
  product: Type.String(),
  home: Nullable(Type.String()),
  region: Nullable(Type.String()),
  tags: Type.Array(Type.String()),
  purchasedAt: Nullable(Time),
  installedAt: Nullable(Time),
  extendedWarranty: Nullable(ExtendedWarranty),
  gateway: Nullable(Type.String()),
  attributes: Type.Record(Type.String(), Type.Union([Type.Number(), Type.Boolean(), Type.String()])),
  presence: Closed({ state: Type.Enum(['unknown', 'connected', 'disconnected']), at: Nullable(Time) }),
  lastSeenAt: Nullable(Time),
  coverage: Type.Array(
    Closed({
      component: Type.String(),
      coverage: Type.String({ description: 'in_warranty, out_of_warranty, …' }),
      payer: Type.String(),
      until: Nullable(Time),
    }),
    { description: 'who would pay for a repair of each component today' },
  ),
  createdAt: Time,
  updatedAt: Time,
})

export type DeviceRow = Selectable<DevicesTable>

/** Devices with the product they are of, which says what is covered. */
export function deviceRows(tx: Tx, brandId: string) {
  return tx
    .selectFrom('devices as d')
    .innerJoin('products as p', (join) =>
      join.onRef('p.brand_id', '=', 'd.brand_id').onRef('p.product_key', '=', 'd.product_key'),
    )
    .innerJoin('product_versions as v', (join) =>
      join
        .onRef('v.brand_id', '=', 'p.brand_id')
        .onRef('v.product_key', '=', 'p.product_key')
        .onRef('v.version', '=', 'p.current_version'),
    )
    .selectAll('d')
    .select('v.document')
    .where('d.brand_id', '=', brandId)
    .where('d.removed_at_ms', 'is', null)
}

export function deviceOfRow(row: DeviceRow & { document: ProductDocument }, nowMs: number) {
  const at = (ms: number | null): string | null => (ms === null ? null : instant(ms))
  const extended = row.extended_warranty as Static<typeof ExtendedWarranty> | null
  return {
    id: row.device_id,
    serial: row.serial,
    product: row.product_key,
    home: row.home_id,
    region: row.region,
    tags: row.tags,
    purchasedAt: at(row.purchased_at_ms),
    installedAt: at(row.installed_at_ms),
    extendedWarranty: extended,
    gateway: row.gateway_id,
    attributes: row.attributes,
    presence: { state: row.presence, at: at(row.presence_at_ms) },
    lastSeenAt: at(row.last_seen_at_ms),
    coverage: (row.document.components ?? []).map(({ key }) => {
      const { coverage, payer, untilMs } = coverageOf({
        product: row.document,
        component: key,
        purchasedAtMs: row.purchased_at_ms,
        installedAtMs: row.installed_at_ms,
        extended,
        atMs: nowMs,
        rework: null,
      })
      return { component: key, coverage, payer, until: at(untilMs) }
    }),
    createdAt: instant(row.created_at_ms),
    updatedAt: instant(row.updated_at_ms),
  }
}

/** A registered device of the brand, or 404. */
export async function requireDevice(
  tx: Tx,
  brandId: string,
  deviceId: string,
  options: { lock?: boolean } = {},
): Promise<DeviceRow> {
  const query = tx
    .selectFrom('devices')
    .selectAll()
    .where('brand_id', '=', brandId)
    .where('device_id', '=', deviceId)
    .where('removed_at_ms', 'is', null)
  const row = await (options.lock ? query.forUpdate() : query).executeTakeFirst()
  if (!row) throw new HubError('NOT_FOUND', 'There is no such device.')
  return row
}

/** What rows of a registration refer to, looked up once for all of them. */
export interface Surroundings {
  products: ReadonlySet<string>
  homes: ReadonlyMap<string, HomePlace>
  /** Id by id and by serial. */
  gateways: ReadonlyMap<string, string>
}

export async function surroundingsOf(
  tx: Tx,
  brandId: string,
  devices: readonly Partial<NewDevice>[],
): Promise<Surroundings> {
  const named = (pick: (device: Partial<NewDevice>) => string | null | undefined): string[] => [
    ...new Set(devices.map(pick).filter((name): name is string => typeof name === 'string')),
  ]
  const [products, homes, gateways] = [named((d) => d.product), named((d) => d.home), named((d) => d.gateway)]
  const productRows = products.length
    ? await tx
        .selectFrom('products')
        .select('product_key')
        .where('brand_id', '=', brandId)
        .where('product_key', 'in', products)
        .where('removed_at_ms', 'is', null)
        // A product is not removed between this look and the commit.
        .forShare()
        .execute()
    : []
  const homeRows = homes.length
    ? await tx
        .selectFrom('homes')
        .select(['home_id', 'region', 'time_zone'])
        .where('brand_id', '=', brandId)
        .where('home_id', 'in', homes)
        .where('erased_at_ms', 'is', null)
        .forShare()
        .execute()
    : []
  const gatewayRows = gateways.length
    ? await tx
        .selectFrom('devices')
        .select(['device_id', 'serial'])
        .where('brand_id', '=', brandId)
        .where('removed_at_ms', 'is', null)
        .where((eb) => eb.or([eb('device_id', 'in', gateways), eb('serial', 'in', gateways)]))
        .execute()
    : []
  return {
    products: new Set(productRows.map((row) => row.product_key)),
    homes: new Map(homeRows.map((row) => [row.home_id, { region: row.region, timeZone: row.time_zone }])),
    gateways: new Map(
      gatewayRows.flatMap((row) => [[row.serial, row.device_id] as const, [row.device_id, row.device_id] as const]),
    ),
  }
}

/** Columns of the changeable fields that were given; throws VALIDATION_FAILED with a pointer. */
export function deviceColumns(fields: Omit<Partial<NewDevice>, 'serial' | 'product'>, known: Surroundings) {
  const { home, region, tags, extendedWarranty, gateway } = fields
  const refuse = (pointer: string, detail: string): never => {
    throw new HubError('VALIDATION_FAILED', detail, { pointer })
  }
  if (home && !known.homes.has(home)) refuse('/home', `There is no home “${home}”.`)
  if (gateway && !known.gateways.has(gateway)) refuse('/gateway', `There is no device “${gateway}” to be its gateway.`)
  if (extendedWarranty) msOrNull(extendedWarranty.until, '/extendedWarranty/until')
  return {
    ...(home === undefined ? {} : { home_id: home }),
    ...(region === undefined ? {} : { region }),
    ...(tags === undefined ? {} : { tags: [...new Set(tags)] }),
    ...(fields.purchasedAt === undefined ? {} : { purchased_at_ms: msOrNull(fields.purchasedAt, '/purchasedAt') }),
    ...(fields.installedAt === undefined ? {} : { installed_at_ms: msOrNull(fields.installedAt, '/installedAt') }),
    ...(extendedWarranty === undefined
      ? {}
      : { extended_warranty: extendedWarranty === null ? null : JSON.stringify(extendedWarranty) }),
    ...(gateway === undefined ? {} : { gateway_id: gateway === null ? null : known.gateways.get(gateway)! }),
  }
}
