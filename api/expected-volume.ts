import { Type } from 'typebox'
import type { RuleDocument } from '#contracts'
import type { ExpectedVolume, VolumeRange } from '#pipeline'
import { HubError, isHubError } from '#platform'
import { trustSettings } from '#service-bridge'
import { Closed } from './http/schemas.ts'
import { canonicalHash, ruleDocumentOf } from './rules.ts'
import type { RouteServices } from './services.ts'

/** A day of hub time: fleets change slowly, and whoever activates twice in an afternoon need not wait twice. */
const FRESH_MS = 86_400_000

const Range = Closed({ low: Type.Number(), mid: Type.Number(), high: Type.Number() })
export const Expected = Closed({
  devices: Type.Integer(),
  sampledDevices: Type.Integer({ description: 'whose last month was played' }),
  days: Type.Integer(),
  casesPerDay: Range,
  offersPerDay: Range,
  atOnce: { ...Range, description: 'what is true already and would open on the first day' },
})

/** What a rule would cause, over all devices; `null` when no reading of the last month says anything. */
export async function expectedVolume(
  { db, backtests, clock, logger }: RouteServices,
  brandId: string,
  rule: RuleDocument,
): Promise<ExpectedVolume | null> {
  const hash = canonicalHash(rule)
  const nowMs = clock.nowMs()
  const kept = await db.asBrand(brandId, (tx) =>
    tx
      .selectFrom('rule_expectations')
      .select(['expectation', 'computed_at_ms'])
      .where('brand_id', '=', brandId)
      .where('rule_key', '=', rule.key)
      .where('canonical_sha256', '=', hash)
      .executeTakeFirst(),
  )
  if (kept && nowMs - kept.computed_at_ms < FRESH_MS) return kept.expectation as unknown as ExpectedVolume
  if (!backtests) return null
  const expected = await backtests.expect({ brandId, rule, nowMs }).catch((error: unknown) => {
    // A history that is away, or a product that is gone, is for others to tell of: nobody knows what to expect.
    if (!isHubError(error)) throw error
    logger.warn({ err: error, rule: rule.key }, 'no expectation of a rule')
    return null
  })
  if (!expected) return null
  const expectation = JSON.stringify(expected)
  await db.asBrand(brandId, (tx) =>
    tx
      .insertInto('rule_expectations')
      .values({ brand_id: brandId, rule_key: rule.key, canonical_sha256: hash, computed_at_ms: nowMs, expectation })
      .onConflict((conflict) =>
        conflict
          .columns(['brand_id', 'rule_key', 'canonical_sha256'])
          .doUpdateSet({ computed_at_ms: nowMs, expectation }),
      )
      .execute(),
  )
  return expected
}

/** The same for a share of the fleet. */
function shareOf(expected: ExpectedVolume, share: number): ExpectedVolume {
  const part = ({ low, mid, high }: VolumeRange): VolumeRange => ({
    low: Math.round(low * share * 100) / 100,
    mid: Math.round(mid * share * 100) / 100,
    high: Math.round(high * share * 100) / 100,
  })
  return {
    ...expected,
    casesPerDay: part(expected.casesPerDay),
    offersPerDay: part(expected.offersPerDay),
    atOnce: part(expected.atOnce),
  }
}

/** @throws {HubError} `DAILY_CAP_EXCEEDED` with the numbers */
async function refuseAboveCap(
  { db }: RouteServices,
  brandId: string,
  rule: RuleDocument,
  expected: ExpectedVolume,
): Promise<void> {
  // Danger is told whatever it costs.
  if (rule.safety) return
  const { casesPerDayMax } = await db.asBrand(brandId, (tx) => trustSettings(tx, brandId))
  if (casesPerDayMax === undefined) return
  const { casesPerDay, atOnce } = expected
  const worst = Math.max(casesPerDay.mid, atOnce.mid)
  if (worst <= casesPerDayMax) return
  const what =
    atOnce.mid > casesPerDay.mid
      ? `${atOnce.mid} cases on the first day (${atOnce.low}–${atOnce.high})`
      : `${casesPerDay.mid} cases a day (${casesPerDay.low}–${casesPerDay.high})`
  throw new HubError(
    'DAILY_CAP_EXCEEDED',
    `“${rule.key}” would open ${what}; the brand allows ${casesPerDayMax}. Narrow the rule, begin with a canaryShare, or give overrideDailyCap with a reason.`,
    { pointer: '/overrideDailyCap' },
  )
}

/** Activates all the same; who and why stand in the audit trail. */
export const OverrideDailyCap = Type.Optional(
  Closed({ reason: Type.String({ minLength: 3, maxLength: 500, description: 'kept in the audit trail' }) }),
)

export interface WantedActivation {
  rule: string
  version?: number | undefined
  canaryShare?: number | undefined
  overrideDailyCap?: { reason: string } | undefined
}

/**
 * What an activation is expected to cause on the devices it applies to.
 *
 * @throws {HubError} `DAILY_CAP_EXCEEDED` unless overridden; `NOT_FOUND`, `VALIDATION_FAILED` for what is not there
 */
export async function expectedOf(
  services: RouteServices,
  brandId: string,
  { rule, version, canaryShare = 1, overrideDailyCap }: WantedActivation,
): Promise<ExpectedVolume | null> {
  const document = await services.db.asBrand(brandId, (tx) => ruleDocumentOf(tx, brandId, rule, version))
  const whole = await expectedVolume(services, brandId, document)
  const expected = whole && shareOf(whole, canaryShare)
  if (expected && !overrideDailyCap) await refuseAboveCap(services, brandId, document, expected)
  return expected
}
