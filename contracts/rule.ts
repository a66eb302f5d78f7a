import { type Static, Type } from 'typebox'
import { Duration, Key, RegionCode, SafetyKind, Severity, Sku, Text } from './primitives.ts'

/**
 * The rule language: closed and declarative. This schema is what is published, what
 * validates a rule at save, and where the TypeScript types come from.
 */

export const Comparison = Type.Union([
  Type.Literal('>'),
  Type.Literal('>='),
  Type.Literal('<'),
  Type.Literal('<='),
  Type.Literal('=='),
  Type.Literal('!='),
])
export type Comparison = Static<typeof Comparison>

export const Aggregate = Type.Union([
  Type.Literal('last'),
  Type.Literal('mean'),
  Type.Literal('min'),
  Type.Literal('max'),
  Type.Literal('sum'),
  Type.Literal('count'),
  Type.Literal('stddev'),
])
export type Aggregate = Static<typeof Aggregate>

/** A number, or the name of a parameter resolved device → home → region → product → brand → rule default. */
export const Value = Type.Union([
  Type.Number(),
  Type.Object({ param: Key, default: Type.Optional(Type.Number()) }, { additionalProperties: false }),
])
export type Value = Static<typeof Value>

export const MetricCondition = Type.Object(
  {
    metric: Key,
    op: Comparison,
    value: Value,
    /** Where the condition becomes false again: hysteresis. The same as `value` when absent. */
    clear: Type.Optional(Value),
    agg: Type.Optional(Aggregate),
    window: Type.Optional(Duration),
    /** Samples the window needs before it says anything but unknown. */
    atLeast: Type.Optional(Type.Integer({ minimum: 1, maximum: 100_000 })),
  },
  { additionalProperties: false },
)
export type MetricCondition = Static<typeof MetricCondition>

export const NoDataCondition = Type.Object(
  { noData: Type.Object({ metric: Type.Optional(Key), for: Duration }, { additionalProperties: false }) },
  { additionalProperties: false },
)
export type NoDataCondition = Static<typeof NoDataCondition>

export type Condition =
  | MetricCondition
  | NoDataCondition
  | { all: Condition[] }
  | { any: Condition[] }
  | { not: Condition }

/** Children of one `all` or `any`; the depth and total are bounded where rules are compiled. */
const CHILDREN_MAX = 32

export const Condition = Type.Cyclic(
  {
    Condition: Type.Union([
      MetricCondition,
      NoDataCondition,
      Type.Object(
        { all: Type.Array(Type.Ref('Condition'), { minItems: 1, maxItems: CHILDREN_MAX }) },
        { additionalProperties: false },
      ),
      Type.Object(
        { any: Type.Array(Type.Ref('Condition'), { minItems: 1, maxItems: CHILDREN_MAX }) },
        { additionalProperties: false },
      ),
      Type.Object({ not: Type.Ref('Condition') }, { additionalProperties: false }),
    ]),
  },
  'Condition',
)

export const RuleScope = Type.Object(
  {
    product: Type.Optional(Key),
    category: Type.Optional(Key),
    /** Inclusive range of dotted versions. */
    firmware: Type.Optional(
      Type.Object(
        { from: Type.Optional(Type.String({ maxLength: 32 })), to: Type.Optional(Type.String({ maxLength: 32 })) },
        { additionalProperties: false },
      ),
    ),
    tags: Type.Optional(Type.Array(Key, { minItems: 1, maxItems: 16 })),
    region: Type.Optional(RegionCode),
  },
  { additionalProperties: false, minProperties: 1 },
)
export type RuleScope = Static<typeof RuleScope>

export const RuleService = Type.Object(
  {
    job: Key,
    parts: Type.Optional(
      Type.Array(
        Type.Object(
          {
            sku: Sku,
            quantity: Type.Integer({ minimum: 1, maximum: 100 }),
            needChance: Type.Optional(Type.Number({ minimum: 0, maximum: 1 })),
          },
          { additionalProperties: false },
        ),
        { maxItems: 20 },
      ),
    ),
    skills: Type.Optional(Type.Array(Key, { maxItems: 16 })),
    duration: Type.Optional(Duration),
    selfService: Type.Optional(
      Type.Object({ guide: Key, minutes: Type.Integer({ minimum: 1, maximum: 600 }) }, { additionalProperties: false }),
    ),
  },
  { additionalProperties: false },
)
export type RuleService = Static<typeof RuleService>

export const RuleLevel = Type.Object(
  { severity: Severity, value: Value, clear: Type.Optional(Value) },
  { additionalProperties: false },
)
export type RuleLevel = Static<typeof RuleLevel>

/**
 * What silence of the device means for this rule. `alert` opens an alert of its own about the silence, which
 * waits its own `for` (the rule's, unless given here); `resolve` ends an open alert.
 */
export const NoDataPolicy = Type.Union([
  Type.Literal('hold'),
  Type.Literal('alert'),
  Type.Literal('resolve'),
  Type.Object(
    { alert: Type.Object({ for: Duration }, { additionalProperties: false }) },
    { additionalProperties: false },
  ),
])
export type NoDataPolicy = Static<typeof NoDataPolicy>

export const RuleDocument = Type.Object(
  {
    key: Key,
    name: Text,
    scope: RuleScope,
    component: Key,
    severity: Type.Optional(Severity),
    /** Several severities of one metric condition, each with its own value; one episode. */
    levels: Type.Optional(Type.Array(RuleLevel, { minItems: 1, maxItems: 3 })),
    when: Condition,
    /** Must hold this long in event time before it fires. */
    for: Type.Optional(Duration),
    /** Must be healthy this long before it resolves. */
    keep: Type.Optional(Duration),
    noData: Type.Optional(NoDataPolicy),
    latch: Type.Optional(Type.Union([Type.Literal('until-serviced'), Type.Literal('none')])),
    dispatch: Type.Optional(Type.Union([Type.Literal('notify'), Type.Literal('offer'), Type.Literal('auto')])),
    safety: Type.Optional(Type.Union([SafetyKind, Type.Null()])),
    /** What the finding means, for the offer and the technician. */
    cause: Type.Optional(Type.Object({ code: Key, text: Text }, { additionalProperties: false })),
    service: Type.Optional(RuleService),
    /** Defaults of the parameters this rule names. */
    parameters: Type.Optional(Type.Record(Key, Type.Number())),
    notes: Type.Optional(Type.String({ maxLength: 2_000 })),
  },
  { additionalProperties: false },
)
export type RuleDocument = Omit<Static<typeof RuleDocument>, 'when'> & { when: Condition }
