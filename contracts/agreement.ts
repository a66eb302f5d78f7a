import { type Static, Type } from 'typebox'
import { Duration, Key, Minor, RegionCode, Sku } from './primitives.ts'

export const ChargeLineKind = Type.Union([
  Type.Literal('inspection'),
  Type.Literal('part'),
  Type.Literal('labour'),
  Type.Literal('other'),
])
export type ChargeLineKind = Static<typeof ChargeLineKind>

/** One price of an agreement. A line with `job` holds for that job only, a part line names its `sku`. */
export const PriceLine = Type.Object(
  { kind: ChargeLineKind, job: Type.Optional(Key), sku: Type.Optional(Sku), amountMinor: Minor },
  { additionalProperties: false },
)
export type PriceLine = Static<typeof PriceLine>

const HOUR_OF_DAY = '^([01]\\d|2[0-3]):[0-5]\\d$'

/** Hours of the home's day in which visits may begin and must end. */
export const ServiceHours = Type.Object(
  {
    /** ISO week days, 1 = Monday. */
    days: Type.Array(Type.Integer({ minimum: 1, maximum: 7 }), { minItems: 1, maxItems: 7, uniqueItems: true }),
    from: Type.String({ pattern: HOUR_OF_DAY }),
    to: Type.String({ pattern: HOUR_OF_DAY }),
    /** Length of one bookable slot. */
    slot: Type.Optional(Duration),
    /** Earliest visit after acceptance. */
    lead: Type.Optional(Duration),
  },
  { additionalProperties: false },
)
export type ServiceHours = Static<typeof ServiceHours>

/** How long the partner has from the order's creation; absent means not promised. */
export const ServiceLevels = Type.Object(
  {
    accept: Type.Optional(Duration),
    book: Type.Optional(Duration),
    arrive: Type.Optional(Duration),
    finish: Type.Optional(Duration),
  },
  { additionalProperties: false },
)
export type ServiceLevels = Static<typeof ServiceLevels>

/** What one partner does for one brand, where, and for how much. */
export const AgreementDocument = Type.Object(
  {
    partnerKey: Key,
    accountNo: Type.String({ minLength: 1, maxLength: 64 }),
    /** Job codes it takes; absent means all. */
    services: Type.Optional(Type.Array(Key, { maxItems: 200 })),
    /** Region-code prefixes it covers. */
    coverage: Type.Array(RegionCode, { minItems: 1, maxItems: 1_000 }),
    skills: Type.Array(Key, { maxItems: 64 }),
    certifications: Type.Optional(Type.Array(Key, { maxItems: 16 })),
    currency: Type.Optional(Type.String({ pattern: '^[A-Z]{3}$' })),
    prices: Type.Array(PriceLine, { maxItems: 200 }),
    settlement: Type.Optional(
      Type.Object(
        {
          mode: Type.Union([Type.Literal('fixed'), Type.Literal('bids'), Type.Literal('named')]),
          amountMinor: Minor,
        },
        { additionalProperties: false },
      ),
    ),
    sla: Type.Optional(ServiceLevels),
    hours: Type.Optional(ServiceHours),
    minRating: Type.Optional(Type.Number({ minimum: 0, maximum: 5 })),
    maxDistanceKm: Type.Optional(Type.Number({ exclusiveMinimum: 0 })),
  },
  { additionalProperties: false },
)
export type AgreementDocument = Static<typeof AgreementDocument>
