import { type Selectable, sql } from 'kysely'
import { derivedId } from '#platform'
import { isStorm, STORM_CITY_DIGITS, STORM_FIRMWARE_LENGTH, STORM_WINDOW_MS, stormGroup, stormLimit } from '#rules'
import type { FleetHoldsTable } from '#store'
import type { Core, Work } from '../core.ts'
import { tellBrand } from '../outgoing.ts'
import { HOLD_BATCH } from '../policy.ts'
import { setTimer } from '../timers.ts'
import type { Happen } from './case-driver.ts'
import { type CaseRecord, lockCases } from './case-record.ts'

export type HoldRecord = Selectable<FleetHoldsTable>

/**
 * C3: too many needs of one rule at once are held, all of them and whatever follows, until the brand has looked.
 * What counts as too many is `isStorm` of the rules; here they are counted, held and let go.
 */

/** A case just opened: joins the hold of its like, or begins one when it is one too many. */
export async function holdInStorm(core: Core, work: Work, record: CaseRecord, happen: Happen): Promise<void> {
  const hold = (await holdOver(work, record)) ?? (await beginHold(core, work, record))
  if (hold)
    await happen(work, [record], 'storm_held', { why: `fleet hold ${hold.hold_id}`, data: { holdId: hold.hold_id } })
}

/** The open hold that this case belongs to; `null` when none, or when it was held and let go before. */
export async function holdOver(work: Work, record: CaseRecord): Promise<HoldRecord | null> {
  if (record.rule_key === null || record.source === 'reported' || record.hold_id !== null) return null
  const hold = await groupOf(work, record).where('state', '=', 'held').executeTakeFirst()
  return hold && record.opened_at_ms > hold.held_at_ms - STORM_WINDOW_MS ? hold : null
}

/** The region of a row, as storms are told apart by it. */
const city = (column: 'region') => sql<string>`left(coalesce(${sql.ref(column)}, ''), ${STORM_CITY_DIGITS}::int)`

/** The same of its firmware. */
const version = (text: ReturnType<typeof sql>) =>
  sql<string>`left(coalesce(${text}, ''), ${STORM_FIRMWARE_LENGTH}::int)`

function groupOf(work: Work, record: CaseRecord) {
  const group = stormGroup({ productKey: record.product_key, firmware: record.firmware, region: record.region })
  return work.tx
    .selectFrom('fleet_holds')
    .selectAll()
    .where('brand_id', '=', work.brandId)
    .where('rule_key', '=', record.rule_key)
    .where('product_key', '=', group.productKey)
    .where('firmware', '=', group.firmware)
    .where('region', '=', group.region)
}

async function beginHold(core: Core, work: Work, record: CaseRecord): Promise<HoldRecord | null> {
  if (record.rule_key === null || record.rule_version === null || record.source === 'reported') return null
  const group = stormGroup({ productKey: record.product_key, firmware: record.firmware, region: record.region })
  // What the brand has decided about is not counted against what comes after.
  const decided = await groupOf(work, record).orderBy('decided_at_ms', 'desc').executeTakeFirst()
  const sinceMs = Math.max(work.atMs - STORM_WINDOW_MS, decided?.decided_at_ms ?? 0)
  const { cases } = await work.tx
    .selectFrom('cases')
    .select((eb) => eb.fn.countAll<number>().as('cases'))
    .where('brand_id', '=', work.brandId)
    .where('rule_key', '=', record.rule_key)
    .where('product_key', '=', group.productKey)
    .where(version(sql`firmware`), '=', group.firmware)
    .where(city('region'), '=', group.region)
    .where('source', '=', 'alert')
    .where('opened_at_ms', '>', sinceMs)
    .executeTakeFirstOrThrow()
  // Counting a fleet costs more than counting an hour: most hours need it not.
  if (!isStorm({ cases, population: 0 })) return null
  const population = await devicesAlike(work, group)
  if (!isStorm({ cases, population })) return null
  const hold = await work.tx
    .insertInto('fleet_holds')
    .values({
      brand_id: work.brandId,
      hold_id: derivedId('hold', work.brandId, record.rule_key, record.case_id),
      rule_key: record.rule_key,
      rule_version: record.rule_version,
      product_key: group.productKey,
      firmware: group.firmware,
      region: group.region,
      safety: record.safety,
      population,
      case_limit: stormLimit(population),
      held_at_ms: work.atMs,
    })
    .onConflict((conflict) => conflict.doNothing())
    .returningAll()
    .executeTakeFirst()
  if (!hold) return holdOver(work, record)
  await setTimer(work, 'fleet_hold', hold.hold_id, work.atMs)
  await tellHold(core, work, hold, 'held', { cases, possibleDefect: hold.safety !== null })
  return hold
}

async function devicesAlike(
  work: Work,
  group: { productKey: string; firmware: string; region: string },
): Promise<number> {
  const { devices } = await work.tx
    .selectFrom('devices')
    .leftJoin('homes', (join) =>
      join.onRef('homes.brand_id', '=', 'devices.brand_id').onRef('homes.home_id', '=', 'devices.home_id'),
    )
    .select((eb) => eb.fn.countAll<number>().as('devices'))
    .where('devices.brand_id', '=', work.brandId)
    .where('devices.product_key', '=', group.productKey)
    .where('devices.removed_at_ms', 'is', null)
    .where(version(sql`devices.attributes ->> 'firmware'`), '=', group.firmware)
    .where(sql<string>`left(coalesce(devices.region, homes.region, ''), ${STORM_CITY_DIGITS}::int)`, '=', group.region)
    .executeTakeFirstOrThrow()
  return devices
}

export async function tellHold(
  core: Core,
  work: Work,
  hold: HoldRecord,
  what: HoldRecord['state'],
  more: Record<string, unknown> = {},
): Promise<void> {
  await tellBrand(core, work, {
    type: `fleet.${what}`,
    subject: hold.hold_id,
    cause: [],
    data: {
      holdId: hold.hold_id,
      rule: hold.rule_key,
      ruleVersion: hold.rule_version,
      product: hold.product_key,
      firmware: hold.firmware === '' ? null : hold.firmware,
      region: hold.region === '' ? null : hold.region,
      safety: hold.safety,
      population: hold.population,
      limit: hold.case_limit,
      ...more,
    },
  })
}

/**
 * Moves the cases of a hold, so many at a time: into it what was still settling when it began; out of it once the
 * brand has decided, in the order in which they opened.
 */
export async function moveHold(_core: Core, work: Work, holdId: string, happen: Happen): Promise<void> {
  const hold = await work.tx
    .selectFrom('fleet_holds')
    .selectAll()
    .where('brand_id', '=', work.brandId)
    .where('hold_id', '=', holdId)
    .executeTakeFirst()
  if (!hold) return
  const found = await (hold.state === 'held' ? settlingIn(work, hold) : heldIn(work, hold))
    .orderBy('opened_at_ms')
    .orderBy('case_id')
    .limit(HOLD_BATCH)
    .execute()
  const event = ({ held: 'storm_held', released: 'storm_released', dropped: 'storm_dropped' } as const)[hold.state]
  const by = { kind: hold.state === 'held' ? 'hub' : 'brand', id: hold.decided_by } as const
  // Who decided may have written of somebody: that stands with the hold.
  const why = `fleet hold ${holdId}`
  for (const record of await lockCases(
    work,
    found.map((row) => row.case_id),
  ))
    await happen(work, [record], event, { by, why, data: { holdId } })
  if (found.length === HOLD_BATCH) await setTimer(work, 'fleet_hold', holdId, work.atMs)
}

function heldIn(work: Work, hold: HoldRecord) {
  return work.tx
    .selectFrom('cases')
    .select('case_id')
    .where('brand_id', '=', work.brandId)
    .where('hold_id', '=', hold.hold_id)
    .where('state', '=', 'held')
}

function settlingIn(work: Work, hold: HoldRecord) {
  return work.tx
    .selectFrom('cases')
    .select('case_id')
    .where('brand_id', '=', work.brandId)
    .where('rule_key', '=', hold.rule_key)
    .where('product_key', '=', hold.product_key)
    .where(version(sql`firmware`), '=', hold.firmware)
    .where(city('region'), '=', hold.region)
    .where('source', '=', 'alert')
    .where('state', '=', 'open')
    .where('opened_at_ms', '>', hold.held_at_ms - STORM_WINDOW_MS)
    .where('hold_id', 'is', null)
}
