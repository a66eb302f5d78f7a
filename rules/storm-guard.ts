/**
 * When needs of one rule come in such numbers that the rule, a firmware or the weather is likelier than so much wear.
 * Pure: others count, and hold the offers.
 */

/** Needs are counted over this long: a wrong firmware or a cold night shows within it, wear does not. */
export const STORM_WINDOW_MS = 3_600_000
/** Fewer than this is chance, however small the fleet. */
const STORM_CASES_MIN = 5
/** Share of the devices alike that may need service within one window. */
const STORM_SHARE = 0.02
/** Power, water and weather fail city by city: the first four digits of a region code. */
export const STORM_CITY_DIGITS = 4

/** Of a firmware's name, by which devices are told apart; more is a text. The store's index has the same number. */
export const STORM_FIRMWARE_LENGTH = 128

/** Devices alike: of one product, firmware and city. Empty strings where it is not known. */
export interface StormGroup {
  productKey: string
  firmware: string
  region: string
}

/**
 * Which devices are alike in a storm: one product and firmware in one city. Unknown firmware and region are groups of
 * their own.
 */
export function stormGroup(device: { productKey: string; firmware: string | null; region: string | null }): StormGroup {
  return {
    productKey: device.productKey,
    // By whole characters, as the database counts them.
    firmware: [...(device.firmware ?? '')].slice(0, STORM_FIRMWARE_LENGTH).join(''),
    region: device.region?.slice(0, STORM_CITY_DIGITS) ?? '',
  }
}

/** Most needs of one rule within a window that are taken for wear, among `population` devices alike. */
export function stormLimit(population: number): number {
  return Math.max(STORM_CASES_MIN, Math.floor(population * STORM_SHARE))
}

/** Whether this many needs of one rule within a window are a storm. */
export function isStorm({ cases, population }: { cases: number; population: number }): boolean {
  return cases > stormLimit(population)
}
