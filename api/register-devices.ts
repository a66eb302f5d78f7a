import { RESERVED_KEYS } from '#contracts'
import { HubError, newId, newSecret, tokenHash } from '#platform'
import type { Tx } from '#store'
import { deviceFacts, NO_HOME } from './device-facts.ts'
import { deviceColumns, type NewDevice, type Surroundings } from './devices.ts'
import type { Work } from './http/commit.ts'

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
