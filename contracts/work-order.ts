import { type Static, Type } from 'typebox'
import { JobKind, JobPart, JobStep } from './job.ts'
import { Verdict } from './partner-status.ts'
import { Duration, Id, Instant, Key, Minor, RegionCode, Sku, Text } from './primitives.ts'
import { Comparison } from './rule.ts'

/** The parts of a work order as they cross the boundary: to the partner's system and to the technician's page. */

const Nullable = <T extends Parameters<typeof Type.Union>[0][number]>(schema: T) => Type.Union([schema, Type.Null()])

export const Slot = Type.Object({ from: Instant, to: Instant }, { additionalProperties: false })
export type Slot = Static<typeof Slot>

export const Payer = Type.Enum(['homeowner', 'brand', 'warranty', 'extended_warranty', 'partner'])
export type Payer = Static<typeof Payer>
export const Coverage = Type.Enum(['in_warranty', 'out_of_warranty', 'care_plan', 'guarantee'])
export type Coverage = Static<typeof Coverage>

export const ChargeLine = Type.Object(
  {
    kind: Type.Enum(['inspection', 'part', 'labour', 'other']),
    sku: Type.Optional(Sku),
    name: Type.Optional(Text),
    quantity: Type.Optional(Type.Integer({ minimum: 1, maximum: 100 })),
    amountMinor: Minor,
    /** Who pays for this line, when somebody else does than for the rest; its amount is then 0 to the payer. */
    coveredBy: Type.Optional(Payer),
  },
  { additionalProperties: false },
)
export type ChargeLine = Static<typeof ChargeLine>

/** What it costs and who pays; frozen with a hash at acceptance. */
export const Charge = Type.Object(
  {
    currency: Type.String({ pattern: '^[A-Z]{3}$' }),
    payer: Payer,
    coverage: Coverage,
    lines: Type.Array(ChargeLine, { maxItems: 40 }),
    totalMinor: Minor,
    collectedBy: Type.Enum(['partner', 'brand']),
    quoteVersion: Type.Integer({ minimum: 1 }),
    acceptedAt: Type.Optional(Instant),
    acceptance: Type.Optional(
      Type.Object(
        { method: Type.Enum(['page', 'app', 'signature']), sha256: Type.String({ pattern: '^[0-9a-f]{64}$' }) },
        { additionalProperties: false },
      ),
    ),
  },
  { additionalProperties: false },
)
export type Charge = Static<typeof Charge>

/** One measured leg of a finding, with enough of the past to draw it. */
export const EvidenceItem = Type.Object(
  {
    rule: Key,
    ruleVersion: Type.Integer({ minimum: 1 }),
    metric: Key,
    /** The metric's name in words, where the product gives one. */
    name: Type.Optional(Text),
    /** What was compared: the mean of a window where the rule asks for it. */
    value: Nullable(Type.Union([Type.Number(), Type.Boolean(), Type.String({ maxLength: 200 })])),
    /** How value and limit stand to each other: `value op limit` is true. */
    op: Comparison,
    limit: Nullable(Type.Number()),
    unit: Type.String({ maxLength: 16 }),
    since: Instant,
    /** Oldest first. */
    series: Type.Array(Type.Tuple([Instant, Type.Number()]), { maxItems: 200 }),
  },
  { additionalProperties: false },
)
export type EvidenceItem = Static<typeof EvidenceItem>

export const Diagnosis = Type.Object(
  {
    component: Key,
    /** The component's name in words, where the product gives one. */
    componentName: Type.Optional(Text),
    cause: Type.Object({ code: Key, text: Text }, { additionalProperties: false }),
    /** `null` where nothing has yet measured how often this finding is right. */
    confidence: Nullable(Type.Number({ minimum: 0, maximum: 1 })),
    evidence: Type.Array(EvidenceItem, { maxItems: 20 }),
    alternatives: Type.Array(Type.Object({ code: Key, text: Text }, { additionalProperties: false }), { maxItems: 10 }),
    faultCodes: Type.Array(
      Type.Object({ code: Type.String({ maxLength: 32 }), at: Instant }, { additionalProperties: false }),
      { maxItems: 20 },
    ),
    forecast: Type.Optional(
      Type.Object(
        {
          metric: Key,
          reaches: Type.Number(),
          p10: Instant,
          p50: Instant,
          p90: Nullable(Instant),
          model: Type.String({ maxLength: 160 }),
          /** Unlike anything its fleet has shown: the range is wider for it. */
          outOfDistribution: Type.Optional(Type.Boolean()),
          /** What is behind it, in words that can be checked at the appliance. */
          factors: Type.Optional(Type.Array(Text, { maxItems: 8 })),
        },
        { additionalProperties: false },
      ),
    ),
    selfTest: Type.Optional(
      Type.Object(
        {
          at: Instant,
          steps: Type.Array(
            Type.Object(
              {
                code: Key,
                result: Type.Enum(['pass', 'fail']),
                value: Type.Optional(Type.Number()),
                unit: Type.Optional(Type.String({ maxLength: 16 })),
              },
              { additionalProperties: false },
            ),
            { maxItems: 40 },
          ),
        },
        { additionalProperties: false },
      ),
    ),
    remoteActions: Type.Array(
      Type.Object({ code: Key, at: Instant, result: Type.String({ maxLength: 64 }) }, { additionalProperties: false }),
      { maxItems: 20 },
    ),
    /** Age of the newest reading of the device when the order was written. */
    dataAgeSeconds: Nullable(Type.Integer({ minimum: 0 })),
  },
  { additionalProperties: false },
)
export type Diagnosis = Static<typeof Diagnosis>

export const DeviceSummary = Type.Object(
  {
    id: Id,
    category: Key,
    product: Key,
    productName: Type.Optional(Text),
    model: Type.Optional(Nullable(Type.String())),
    serial: Type.String(),
    firmware: Type.Optional(Nullable(Type.String())),
    installedAt: Type.Optional(Nullable(Instant)),
    history: Type.Array(
      Type.Object(
        {
          at: Instant,
          component: Key,
          verdict: Nullable(Verdict),
          parts: Type.Array(Sku),
          verified: Nullable(Type.String()),
        },
        { additionalProperties: false },
      ),
      { maxItems: 50 },
    ),
  },
  { additionalProperties: false },
)
export type DeviceSummary = Static<typeof DeviceSummary>

export const JobSummary = Type.Object(
  {
    code: Key,
    title: Text,
    kind: JobKind,
    duration: Duration,
    parts: Type.Array(JobPart, { maxItems: 20 }),
    tools: Type.Array(Text, { maxItems: 30 }),
    steps: Type.Array(JobStep, { maxItems: 40 }),
    safety: Type.Array(Text, { maxItems: 20 }),
  },
  { additionalProperties: false },
)
export type JobSummary = Static<typeof JobSummary>

export const WorkOrderItem = Type.Object(
  { id: Id, caseId: Id, device: DeviceSummary, job: JobSummary, diagnosis: Diagnosis },
  { additionalProperties: false },
)
export type WorkOrderItem = Static<typeof WorkOrderItem>

export const WorkOrderHeader = Type.Object(
  {
    id: Id,
    number: Type.String(),
    createdAt: Instant,
    priority: Type.Enum(['normal', 'high', 'urgent']),
    reworkOf: Nullable(Id),
    window: Type.Object(
      { notBefore: Instant, dueBy: Instant, slots: Type.Array(Slot) },
      { additionalProperties: false },
    ),
    sla: Type.Object(
      { acceptBy: Instant, bookBy: Instant, arriveBy: Instant, finishBy: Instant },
      { additionalProperties: false },
    ),
    requirements: Type.Object(
      {
        skills: Type.Array(Key),
        certifications: Type.Array(Type.String()),
        minRating: Type.Optional(Type.Number()),
        maxDistanceKm: Type.Optional(Type.Number()),
        genuineParts: Type.Boolean(),
      },
      { additionalProperties: false },
    ),
    charge: Charge,
    settlement: Type.Optional(
      Type.Object({ mode: Type.Enum(['fixed', 'bids', 'named']), amountMinor: Minor }, { additionalProperties: false }),
    ),
  },
  { additionalProperties: false },
)
export type WorkOrderHeader = Static<typeof WorkOrderHeader>

/** `data` of `beforehand.work_order.created`. */
export const WorkOrderPacket = Type.Object(
  {
    workOrder: WorkOrderHeader,
    brand: Type.Object(
      { key: Key, name: Text, accountNo: Type.Optional(Nullable(Type.String())) },
      { additionalProperties: false },
    ),
    items: Type.Array(WorkOrderItem, { minItems: 1, maxItems: 20 }),
    site: Type.Object(
      { district: Nullable(RegionCode), street: Nullable(RegionCode) },
      { additionalProperties: false },
    ),
    links: Type.Object(
      { site: Type.String(), job: Type.String(), events: Type.String() },
      { additionalProperties: false },
    ),
  },
  { additionalProperties: false },
)
export type WorkOrderPacket = Static<typeof WorkOrderPacket>

/** Where to go and whom to ask for; leaves only by an audited fetch after acceptance. */
export const SiteAddress = Type.Object(
  {
    province: Type.Optional(Nullable(Type.String())),
    city: Type.Optional(Nullable(Type.String())),
    district: Type.Optional(Nullable(Type.String())),
    street: Type.Optional(Nullable(Type.String())),
    community: Type.Optional(Nullable(Type.String())),
    building: Type.Optional(Nullable(Type.String())),
    unit: Type.Optional(Nullable(Type.String())),
    floor: Type.Optional(Nullable(Type.String())),
    room: Type.Optional(Nullable(Type.String())),
    geo: Type.Optional(
      Nullable(
        Type.Object(
          { lat: Type.Number(), lng: Type.Number(), datum: Type.Enum(['gcj02', 'wgs84']) },
          { additionalProperties: false },
        ),
      ),
    ),
    accessNotes: Type.Optional(Nullable(Type.String())),
    contact: Type.Object(
      {
        name: Type.String(),
        number: Type.String(),
        kind: Type.Enum(['privacy', 'direct']),
        extension: Type.Optional(Nullable(Type.String())),
        expiresAt: Type.Optional(Nullable(Instant)),
        locale: Type.Optional(Nullable(Type.String())),
      },
      { additionalProperties: false },
    ),
    consent: Type.Object({ id: Id, recipient: Type.String(), grantedAt: Instant }, { additionalProperties: false }),
  },
  { additionalProperties: false },
)
export type SiteAddress = Static<typeof SiteAddress>

/** A part that was fitted. */
export const PartUsed = Type.Object(
  {
    sku: Sku,
    quantity: Type.Integer({ minimum: 1, maximum: 100 }),
    serial: Type.Optional(Type.String({ maxLength: 64 })),
    origin: Type.Enum(['genuine', 'compatible', 'refurbished']),
    /** Serial of the part taken out, or what became of it. */
    oldPart: Type.Optional(Type.String({ maxLength: 64 })),
  },
  { additionalProperties: false },
)
export type PartUsed = Static<typeof PartUsed>

/** What the technician found and did, per item. */
export const OutcomeItem = Type.Object(
  {
    item: Id,
    verdict: Verdict,
    cause: Type.Optional(Key),
    partsUsed: Type.Optional(Type.Array(PartUsed, { maxItems: 20 })),
    report: Type.Object(
      {
        found: Type.String({ maxLength: 2_000 }),
        done: Type.Array(Type.String({ maxLength: 500 }), { maxItems: 40 }),
        advice: Type.String({ maxLength: 2_000 }),
      },
      { additionalProperties: false },
    ),
  },
  { additionalProperties: false },
)
export type OutcomeItem = Static<typeof OutcomeItem>

export const Outcome = Type.Object(
  {
    items: Type.Array(OutcomeItem, { minItems: 1, maxItems: 20 }),
    charge: Type.Optional(
      Type.Object(
        { lines: Type.Array(ChargeLine, { maxItems: 40 }), totalMinor: Minor },
        { additionalProperties: false },
      ),
    ),
    photos: Type.Optional(Type.Array(Type.String({ maxLength: 500 }), { maxItems: 20 })),
  },
  { additionalProperties: false },
)
export type Outcome = Static<typeof Outcome>
