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

/** How much a metric has changed within a span: its newest value less the one that stood so long ago. */
export const ChangeCondition = Type.Object(
  {
    change: Type.Object(
      { metric: Key, over: Duration, op: Comparison, value: Value, clear: Type.Optional(Value) },
      { additionalProperties: false },
    ),
  },
  { additionalProperties: false },
)
export type ChangeCondition = Static<typeof ChangeCondition>

/** What a counter has counted in all: resets, roll-overs and jumps of the counter itself are seen through. */
export const UsageCondition = Type.Object(
  {
    usage: Type.Object(
      {
        metric: Key,
        op: Comparison,
        value: Value,
        clear: Type.Optional(Value),
        /** Counted from the last service of the rule's component. */
        sinceService: Type.Optional(Type.Boolean()),
        /** Faster growth than this is a jump of the counter and counts for nothing. */
        perDayMax: Type.Optional(Type.Number({ exclusiveMinimum: 0 })),
      },
      { additionalProperties: false },
    ),
  },
  { additionalProperties: false },
)
export type UsageCondition = Static<typeof UsageCondition>

/** An age as people say it: `8y` (years of 365.25 days) beside the durations of the language. */
export const AGE_PATTERN = '^(\\d{1,3}y|(\\d+(h|d|w))+|P\\d{1,6}[DW])$'

/** How long ago the device was installed, or the rule's component serviced. Moves with time alone. */
export const AgeCondition = Type.Object(
  {
    age: Type.Object(
      {
        op: Comparison,
        /** Days, `8y`, `180d`, or a parameter in days. */
        value: Type.Union([Value, Type.String({ pattern: AGE_PATTERN, maxLength: 32 })]),
        sinceService: Type.Optional(Type.Boolean()),
      },
      { additionalProperties: false },
    ),
  },
  { additionalProperties: false },
)
export type AgeCondition = Static<typeof AgeCondition>

/** Times kept per condition; beyond that a count is better asked of a window with `agg: count`. */
export const EVENT_COUNT_MAX = 64

/** Something that happens now and then, counted within a window. */
export const EventCondition = Type.Object(
  {
    event: Type.Object(
      {
        metric: Key,
        equals: Type.Union([Type.Number(), Type.Boolean(), Type.String({ maxLength: 64 })]),
        count: Type.Integer({ minimum: 1, maximum: EVENT_COUNT_MAX }),
        /** True until fewer than this are left in the window. The same as `count` when absent. */
        clear: Type.Optional(Type.Integer({ minimum: 1, maximum: EVENT_COUNT_MAX })),
        window: Duration,
        /** `change` (default): it became so. `report`: it was said to be so, each time anew. */
        each: Type.Optional(Type.Union([Type.Literal('change'), Type.Literal('report')])),
      },
      { additionalProperties: false },
    ),
  },
  { additionalProperties: false },
)
export type EventCondition = Static<typeof EventCondition>

/** Day of any year, as XML Schema's gMonthDay writes it. */
const MonthDay = Type.String({ pattern: '^--(0[1-9]|1[0-2])-(0[1-9]|[12]\\d|3[01])$' })

/** Part of the year by the calendar of the home, both days included; may wrap the year's end. */
export const SeasonCondition = Type.Object(
  { season: Type.Object({ from: MonthDay, to: MonthDay }, { additionalProperties: false }) },
  { additionalProperties: false },
)
export type SeasonCondition = Static<typeof SeasonCondition>

/** How unusual a metric is, 0 to 1, against its own past: 0.5 is where an alarm is due. */
export const AnomalyCondition = Type.Object(
  {
    anomaly: Type.Object(
      {
        metric: Key,
        against: Type.Union([Type.Literal('self'), Type.Literal('fleet')]),
        score: Value,
        /** The score must have stayed there this long. */
        for: Type.Optional(Duration),
      },
      { additionalProperties: false },
    ),
  },
  { additionalProperties: false },
)
export type AnomalyCondition = Static<typeof AnomalyCondition>

/** The device's own trend brings a metric to a value within a span, with at least this probability. */
export const ForecastCondition = Type.Object(
  {
    forecast: Type.Object(
      {
        metric: Key,
        reaches: Value,
        within: Duration,
        /** 0.8 when absent. */
        confidence: Type.Optional(Type.Number({ minimum: 0.5, maximum: 0.99 })),
      },
      { additionalProperties: false },
    ),
  },
  { additionalProperties: false },
)
export type ForecastCondition = Static<typeof ForecastCondition>

/**
 * The remaining life of the rule's component, or another of the device, may be over within a span: true once the days
 * that such a part outlasts with this probability are fewer.
 */
export const RemainingCondition = Type.Object(
  {
    remaining: Type.Object(
      {
        component: Key,
        below: Duration,
        /** 0.9 when absent: nine in ten such parts last longer than what is compared with `below`. */
        confidence: Type.Optional(Type.Number({ minimum: 0.5, maximum: 0.95 })),
      },
      { additionalProperties: false },
    ),
  },
  { additionalProperties: false },
)
export type RemainingCondition = Static<typeof RemainingCondition>

/** A condition without conditions in it. */
export type LeafCondition =
  | MetricCondition
  | NoDataCondition
  | ChangeCondition
  | UsageCondition
  | AgeCondition
  | EventCondition
  | SeasonCondition
  | AnomalyCondition
  | ForecastCondition
  | RemainingCondition

export type Condition = LeafCondition | { all: Condition[] } | { any: Condition[] } | { not: Condition }

/** Children of one `all` or `any`; the depth and total are bounded where rules are compiled. */
const CHILDREN_MAX = 32

export const Condition = Type.Cyclic(
  {
    Condition: Type.Union([
      MetricCondition,
      NoDataCondition,
      ChangeCondition,
      UsageCondition,
      AgeCondition,
      EventCondition,
      SeasonCondition,
      AnomalyCondition,
      ForecastCondition,
      RemainingCondition,
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
    /** Inclusive range of versions, ordered as Semantic Versioning does; `1.4` as the upper end takes in 1.4.9. */
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
    /** Several severities of one comparison (of a metric, a change or a usage), each with its own value; one episode. */
    levels: Type.Optional(Type.Array(RuleLevel, { minItems: 1, maxItems: 3 })),
    when: Condition,
    /** Must hold this long in event time before it fires. */
    for: Type.Optional(Duration),
    /** Must be healthy this long before it resolves. */
    keep: Type.Optional(Duration),
    noData: Type.Optional(NoDataPolicy),
    /**
     * Rules that say it better: while one of them has an open alert on the same device, this one opens and
     * resolves as ever, and nobody is told of it.
     */
    inhibitedBy: Type.Optional(Type.Array(Key, { minItems: 1, maxItems: 16, uniqueItems: true })),
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
