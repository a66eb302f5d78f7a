import type { Selectable } from 'kysely'
import type { DeviceFacts } from '#contracts'
import type { DevicesTable, Tx } from '#store'
import { DEFAULT_TIME_ZONE } from './homes.ts'
import type { Work } from './http/commit.ts'

type DeviceRow = Pick<
  Selectable<DevicesTable>,
  | 'device_id'
  | 'serial'
  | 'product_key'
  | 'home_id'
  | 'region'
  | 'tags'
  | 'installed_at_ms'
  | 'purchased_at_ms'
  | 'gateway_id'
>

/** What a home lends its devices. */
export interface HomePlace {
  region: string | null
  timeZone: string
}

export const NO_HOME: HomePlace = { region: null, timeZone: DEFAULT_TIME_ZONE }

/** The device as the log will know it. A region of its own goes before its home's. */
export function deviceFacts(device: DeviceRow, place: HomePlace): DeviceFacts {
  return {
    deviceId: device.device_id,
    serial: device.serial,
    productKey: device.product_key,
    homeId: device.home_id,
    region: device.region ?? place.region,
    tags: device.tags,
    installedAtMs: device.installed_at_ms,
    purchasedAtMs: device.purchased_at_ms,
    gatewayId: device.gateway_id,
    timeZone: place.timeZone,
  }
}

export async function placeOf(tx: Tx, brandId: string, homeId: string | null): Promise<HomePlace> {
  if (homeId === null) return NO_HOME
  const home = await tx
    .selectFrom('homes')
    .select(['region', 'time_zone'])
    .where('brand_id', '=', brandId)
    .where('home_id', '=', homeId)
    .executeTakeFirst()
  return home ? { region: home.region, timeZone: home.time_zone } : NO_HOME
}

/** A home's devices; a home has some tens, a building under one roof some hundreds. */
export function devicesOfHome(tx: Tx, brandId: string, homeId: string): Promise<Selectable<DevicesTable>[]> {
  return tx
    .selectFrom('devices')
    .selectAll()
    .where('brand_id', '=', brandId)
    .where('home_id', '=', homeId)
    .where('removed_at_ms', 'is', null)
    .orderBy('device_id')
    .execute()
}

/** Tells the log of every device in a home whose zone or region changed. */
export async function changeDevicesOf({ tx, brandId, change }: Work, homeId: string): Promise<void> {
  const place = await placeOf(tx, brandId, homeId)
  for (const device of await devicesOfHome(tx, brandId, homeId)) {
    await change({ type: 'device.changed', device: deviceFacts(device, place) })
  }
}
