import { type Static, Type } from 'typebox'
import { Id, Instant, Key, SafetyKind } from './primitives.ts'

const Nullable = <T extends Parameters<typeof Type.Union>[0][number]>(schema: T) => Type.Union([schema, Type.Null()])

export const FLEET_HOLD_STATES = ['held', 'released', 'dropped'] as const
export type FleetHoldState = (typeof FLEET_HOLD_STATES)[number]

/**
 * Needs of one rule that opened in such numbers, within an hour, in one product of one firmware in one region, that
 * the rule, the firmware or the weather is likelier than so much wear: all wait until the brand releases or drops them.
 */
export const FleetHold = Type.Object(
  {
    id: Id,
    state: Type.Enum([...FLEET_HOLD_STATES]),
    rule: Type.Object({ key: Key, version: Type.Integer() }, { additionalProperties: false }),
    product: Key,
    /** As the devices report it; `null` for those that report none. */
    firmware: Nullable(Type.String()),
    /** First four digits of the region code, a city; `null` for devices of no known region. */
    region: Nullable(Type.String()),
    safety: Nullable(SafetyKind),
    /** Needs that wait in it now. */
    cases: Type.Integer(),
    /** Devices of that product, firmware and region when it began. */
    population: Type.Integer(),
    /** More needs than this within an hour began it. */
    limit: Type.Integer(),
    heldAt: Instant,
    decidedAt: Nullable(Instant),
    reason: Nullable(Type.String()),
  },
  { additionalProperties: false },
)
export type FleetHold = Static<typeof FleetHold>
