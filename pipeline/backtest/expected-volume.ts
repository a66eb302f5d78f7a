import { sql } from 'kysely'
import type { ProductDocument, RuleDocument } from '#contracts'
import { poissonInterval } from '#models'
import { durationMs } from '#platform'
import type { Database } from '#store'
import { countDevices, productsOf } from './fleet.ts'
import { ServiceEstimator, type ServicePolicy } from './service-estimate.ts'
import { runWhatIf, type WhatIfParts } from './what-if.ts'

const DAY_MS = 86_400_000
/** A month shows every day of the week four times, and is recent enough to say something of tomorrow. */
const DAYS = 28
/** What already stands when a rule begins opens at once, and tells nothing of an ordinary day. */
const SETTLING_DAYS = 1
/** Readings gone over for an estimate: a second or two of work, whatever the fleet. */
const READINGS_MAX = 2_000_000
const SAMPLE = { least: 30, most: 1_000 }

export interface VolumeRange {
  low: number
  mid: number
  high: number
}

/** What a rule would probably cause if it were put in force now, over the whole fleet. */
export interface ExpectedVolume {
  devices: number
  /** Devices the estimate was made from, chosen by their id. */
  sampledDevices: number
  days: number
  /** Cases a day in ordinary days; 90 % by the counts alone. */
  casesPerDay: VolumeRange
  offersPerDay: VolumeRange
  /** What is true already and would open on the first day. */
  atOnce: VolumeRange
}

export interface ExpectedVolumeRequest {
  brandId: string
  rule: RuleDocument
  nowMs: number
}

/** Plays a rule over the last month of a part of the fleet; `null` when nothing was read of it. */
export async function estimateVolume(
  parts: WhatIfParts & { policy: ServicePolicy },
  { brandId, rule, nowMs }: ExpectedVolumeRequest,
  signal?: AbortSignal,
): Promise<ExpectedVolume | null> {
  const { db, policy } = parts
  const products = await db.asBrand(brandId, (tx) => productsOf(tx, brandId, rule))
  const productKeys = products.map(({ product }) => product.key)
  const devices = await db.asBrand(brandId, (tx) => countDevices(tx, brandId, productKeys))
  if (devices === 0) return null
  const deviceIds = await sampleOf(db, brandId, productKeys, sampleSize(products.map(({ product }) => product)))
  const days = DAYS + SETTLING_DAYS
  const fromMs = nowMs - days * DAY_MS
  const ordinary = new ServiceEstimator(rule, policy)
  let standing = 0
  const run = await runWhatIf(
    parts,
    { brandId, rule, fromMs, toMs: nowMs, parameters: 'today', deviceIds },
    ({ device, episodes }) => {
      const told = episodes.filter(({ silence, silent }) => !silence && !silent)
      ordinary.add(
        told.filter(({ openedAtMs }) => openedAtMs >= fromMs + SETTLING_DAYS * DAY_MS),
        device.facts.homeId,
        nowMs,
      )
      if (told.some(({ resolvedAtMs }) => resolvedAtMs === null)) standing++
    },
    signal ? { signal } : {},
  )
  if (run.samples === 0) return null
  const scale = devices / deviceIds.length
  return {
    devices,
    sampledDevices: deviceIds.length,
    days: DAYS,
    casesPerDay: range(ordinary.total.cases, scale / DAYS),
    offersPerDay: range(ordinary.total.offers + ordinary.total.automatic, scale / DAYS),
    atOnce: range(standing, scale),
  }
}

function range(count: number, scale: number): VolumeRange {
  const [low, high] = poissonInterval(count)
  const rounded = (value: number): number => Math.round(value * scale * 100) / 100
  return { low: rounded(low), mid: rounded(count), high: rounded(high) }
}

function sampleSize(products: readonly ProductDocument[]): number {
  const perDevice = Math.max(
    ...products.map(({ reporting }) => {
      const everyMs = durationMs(reporting?.every ?? '') ?? 60_000
      return ((DAYS + SETTLING_DAYS) * DAY_MS) / Math.max(everyMs, 1_000)
    }),
  )
  return Math.round(Math.min(SAMPLE.most, Math.max(SAMPLE.least, READINGS_MAX / perDevice)))
}

/** The same devices whenever asked, and no others than chance would take. */
async function sampleOf(
  db: Database,
  brandId: string,
  productKeys: readonly string[],
  size: number,
): Promise<string[]> {
  const rows = await db.asBrand(brandId, (tx) =>
    tx
      .selectFrom('devices')
      .select('device_id')
      .where('brand_id', '=', brandId)
      .where('product_key', 'in', [...productKeys])
      .where('removed_at_ms', 'is', null)
      .orderBy(sql`md5(device_id)`)
      .limit(size)
      .execute(),
  )
  return rows.map((row) => row.device_id)
}
