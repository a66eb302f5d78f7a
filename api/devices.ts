import type { Selectable } from 'kysely'
import { type Static, Type } from 'typebox'
import { ExtendedWarranty, Instant, instant, Key, type ProductDocument, RESERVED_KEYS, RegionCode } from '#contracts'
import { HubError, newId, newSecret, tokenHash } from '#platform'
import { coverageOf } from '#service-bridge'
import type { DevicesTable, Tx } from '#store'
import { deviceFacts, type HomePlace, NO_HOME } from './device-facts.ts'
import type { Work } from './http/commit.ts'
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
        rework: false,
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

/** Registering needs no caller behind it: a device may also introduce itself. */
export type Registration = Pick<Work, 'tx' | 'brandId' | 'nowMs' | 'changeAll'>

export interface Registered {
  deviceId: string
  credentialId: string
  token: string
}

/** Rows of one statement: large enough to share a round trip, small enough for its parameters. */
const ROWS_PER_INSERT = 500

/**
 * Registers devices and gives each its access token, which is stored only as a hash. What
 * cannot be registered gives its error in its place: `CONFLICT` for a serial in use,
 * `VALIDATION_FAILED` for an unknown product, home or gateway.
 */
export async function registerDevices(
  registration: Registration,
  devices: readonly NewDevice[],
  known: Surroundings,
): Promise<(Registered | HubError)[]> {
  const results: (Registered | HubError)[] = []
  for (let from = 0; from < devices.length; from += ROWS_PER_INSERT) {
    results.push(...(await registerSome(registration, devices.slice(from, from + ROWS_PER_INSERT), known)))
  }
  return results
}

export async function registerDevice(
  registration: Registration,
  device: NewDevice,
  known: Surroundings,
): Promise<Registered> {
  const [result] = await registerDevices(registration, [device], known)
  if (result instanceof HubError) throw result
  return result!
}

async function registerSome(
  { tx, brandId, nowMs, changeAll }: Registration,
  devices: readonly NewDevice[],
  known: Surroundings,
): Promise<(Registered | HubError)[]> {
  const wanted = devices.map((device) => columnsOrError(device, known))
  const values = wanted.filter(isWanted)
  if (values.length === 0) return wanted as HubError[]
  const times = { owner_since_ms: nowMs, created_at_ms: nowMs, updated_at_ms: nowMs }
  const made = await tx
    .insertInto('devices')
    .values(
      values.map((columns) => ({ brand_id: brandId, device_id: newId('dev'), ...NOTHING_GIVEN, ...columns, ...times })),
    )
    // Also of two in the same statement only the first is taken.
    .onConflict((conflict) => conflict.columns(['brand_id', 'serial']).where('removed_at_ms', 'is', null).doNothing())
    .returningAll()
    .execute()
  const bySerial = new Map(made.map((row) => [row.serial, row]))
  const tokens = await insertTokens(tx, { brandId, deviceIds: made.map((row) => row.device_id), nowMs })
  await changeAll(
    made.map((row) => ({
      type: 'device.added',
      device: deviceFacts(row, row.home_id === null ? NO_HOME : known.homes.get(row.home_id)!),
    })),
  )
  return wanted.map((columns) => {
    if (columns instanceof HubError) return columns
    const row = bySerial.get(columns.serial)
    if (!row)
      return new HubError('CONFLICT', `The serial “${columns.serial}” is registered already.`, { pointer: '/serial' })
    bySerial.delete(columns.serial)
    return { deviceId: row.device_id, ...tokens.get(row.device_id)! }
  })
}

/** Rows of one statement name the same columns. */
const NOTHING_GIVEN = {
  home_id: null,
  region: null,
  tags: [] as string[],
  purchased_at_ms: null,
  installed_at_ms: null,
  extended_warranty: null,
  gateway_id: null,
}

type Wanted = Exclude<ReturnType<typeof columnsOrError>, HubError>

function isWanted(columns: Wanted | HubError): columns is Wanted {
  return !(columns instanceof HubError)
}

function columnsOrError({ serial, product, ...fields }: NewDevice, known: Surroundings) {
  try {
    if (RESERVED_KEYS.has(serial)) {
      throw new HubError('VALIDATION_FAILED', `“${serial}” is a reserved name.`, { pointer: '/serial' })
    }
    if (!known.products.has(product)) {
      throw new HubError('VALIDATION_FAILED', `There is no product “${product}”.`, { pointer: '/product' })
    }
    return { serial, product_key: product, ...deviceColumns(fields, known) }
  } catch (error) {
    if (error instanceof HubError) return error
    throw error
  }
}

type NewToken = Omit<Registered, 'deviceId'>

async function insertTokens(
  tx: Tx,
  { brandId, deviceIds, nowMs }: { brandId: string; deviceIds: readonly string[]; nowMs: number },
): Promise<Map<string, NewToken>> {
  const made = new Map(deviceIds.map((id) => [id, { credentialId: newId('cred'), token: newSecret() }]))
  if (made.size === 0) return made
  const rows = [...made].map(([deviceId, { credentialId, token }]) => ({
    brand_id: brandId,
    credential_id: credentialId,
    device_id: deviceId,
    kind: 'token' as const,
    hash: tokenHash(token),
    created_at_ms: nowMs,
  }))
  await tx.insertInto('credentials').values(rows).execute()
  return made
}

export async function insertToken(
  tx: Tx,
  { brandId, deviceId, nowMs }: { brandId: string; deviceId: string; nowMs: number },
): Promise<NewToken> {
  return (await insertTokens(tx, { brandId, deviceIds: [deviceId], nowMs })).get(deviceId)!
}
