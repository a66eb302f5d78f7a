import { type Static, Type } from 'typebox'
import { Duration, Instant, Key, Sku, Text } from './primitives.ts'
import { Comparison, Condition } from './rule.ts'

export const Metric = Type.Object(
  {
    key: Key,
    unit: Type.String({ maxLength: 16 }),
    type: Type.Union([Type.Literal('number'), Type.Literal('boolean'), Type.Literal('string')]),
    min: Type.Optional(Type.Number()),
    max: Type.Optional(Type.Number()),
    expectedEvery: Type.Optional(Duration),
    name: Type.Optional(Text),
  },
  { additionalProperties: false },
)
export type Metric = Static<typeof Metric>

/** How a repair of the component shows in telemetry. */
export const Recovery = Type.Object(
  {
    /** Known-true for `for` within `within` of the repair: verified. */
    when: Condition,
    for: Type.Optional(Duration),
    within: Type.Optional(Duration),
    /** Readings the window needs before "not fixed" may be said. */
    minReadings: Type.Optional(Type.Integer({ minimum: 1, maximum: 10_000 })),
  },
  { additionalProperties: false },
)
export type Recovery = Omit<Static<typeof Recovery>, 'when'> & { when: import('./rule.ts').Condition }

/**
 * In which metric the wear of a component shows, and what it reads new and worn out: what remaining life is reckoned
 * by. `worn` is where it is due, so that lives end where the brand would have them end.
 */
export const Wear = Type.Object(
  {
    metric: Key,
    fresh: Type.Number({ description: 'what a new one shows' }),
    worn: Type.Number({ description: 'what one shows that is worn out' }),
    /** `geometric` where wear multiplies (a pressure drop, a vibration), `linear` (default) where it adds. */
    growth: Type.Optional(Type.Union([Type.Literal('linear'), Type.Literal('geometric')])),
    /** Readings count only while all of these hold: a pressure drop is compared at full speed. */
    while: Type.Optional(
      Type.Array(Type.Object({ metric: Key, op: Comparison, value: Type.Number() }, { additionalProperties: false }), {
        minItems: 1,
        maxItems: 4,
      }),
    ),
  },
  { additionalProperties: false },
)
export type Wear = Static<typeof Wear>

/** What people say when this component fails, so that a fault they report is looked for where it is. */
export const Symptom = Type.Object({ code: Key, name: Type.Optional(Text) }, { additionalProperties: false })
export type Symptom = Static<typeof Symptom>

/** A component of every product: the appliance as a whole, and any need nobody could yet place in it. */
export const WHOLE_DEVICE = 'device'

/** A part of the appliance that wears. */
export const Component = Type.Object(
  {
    key: Key,
    kind: Key,
    name: Type.Optional(Text),
    part: Type.Optional(Sku),
    ratedLife: Type.Optional(
      Type.Union([
        Type.Object({ metric: Key, value: Type.Number({ exclusiveMinimum: 0 }) }, { additionalProperties: false }),
        Type.Object({ days: Type.Number({ exclusiveMinimum: 0 }) }, { additionalProperties: false }),
      ]),
    ),
    wear: Type.Optional(Wear),
    recovery: Type.Optional(Recovery),
    symptoms: Type.Optional(Type.Array(Symptom, { maxItems: 20 })),
  },
  { additionalProperties: false },
)
export type Component = Omit<Static<typeof Component>, 'recovery'> & { recovery?: Recovery }

export const Reporting = Type.Object(
  {
    mode: Type.Union([Type.Literal('periodic'), Type.Literal('onChange')]),
    every: Duration,
    batchEvery: Type.Optional(Duration),
    heartbeat: Type.Optional(Duration),
    /** Whose clock dates a reading without `ts` and, with `server`, every reading. */
    clock: Type.Optional(Type.Union([Type.Literal('device'), Type.Literal('server')])),
  },
  { additionalProperties: false },
)
export type Reporting = Static<typeof Reporting>

export const Warranty = Type.Object(
  {
    whole: Type.Optional(Duration),
    components: Type.Optional(Type.Record(Key, Duration)),
    startsAt: Type.Union([Type.Literal('purchase'), Type.Literal('installation')]),
  },
  { additionalProperties: false },
)
export type Warranty = Static<typeof Warranty>

/** Cover bought beside the maker's own; for the whole appliance unless components are named. */
export const ExtendedWarranty = Type.Object(
  {
    until: Instant,
    components: Type.Optional(Type.Array(Key, { minItems: 1, maxItems: 50 })),
    /** What was bought: a longer warranty when not said, or a plan that includes upkeep, paid for in advance to the brand. */
    kind: Type.Optional(Type.Enum(['extended_warranty', 'care_plan'])),
    /** Whose product it is, when not the brand's. */
    provider: Type.Optional(Type.String({ maxLength: 100 })),
  },
  { additionalProperties: false },
)
export type ExtendedWarranty = Static<typeof ExtendedWarranty>

/** A product (thing model): what its devices report and which of their parts wear. */
export const ProductDocument = Type.Object(
  {
    key: Key,
    category: Key,
    name: Type.Optional(Text),
    model: Type.Optional(Type.String({ maxLength: 64 })),
    metrics: Type.Array(Metric, { minItems: 1, maxItems: 200 }),
    components: Type.Optional(Type.Array(Component, { maxItems: 50 })),
    warranty: Type.Optional(Warranty),
    reporting: Type.Optional(Reporting),
  },
  { additionalProperties: false },
)
export type ProductDocument = Omit<Static<typeof ProductDocument>, 'components'> & { components?: Component[] }
