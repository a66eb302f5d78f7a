import { type Static, Type } from 'typebox'
import { Duration, Key, Sku, Text } from './primitives.ts'

export const JobKind = Type.Enum(['inspect', 'clean', 'repair', 'replace_part', 'replace_device'])
export type JobKind = Static<typeof JobKind>

export const JobPart = Type.Object(
  {
    sku: Sku,
    quantity: Type.Integer({ minimum: 1, maximum: 100 }),
    /** How likely the visit needs it: below 1 the technician decides on site. */
    needChance: Type.Optional(Type.Number({ minimum: 0, maximum: 1 })),
  },
  { additionalProperties: false },
)
export type JobPart = Static<typeof JobPart>

/** One thing to do, in the order to do it. */
export const JobStep = Text
export type JobStep = Static<typeof JobStep>

/** How a homeowner does the job without a visit. */
export const SelfServiceGuide = Type.Object(
  {
    guide: Key,
    minutes: Type.Integer({ minimum: 1, maximum: 600 }),
    steps: Type.Optional(Type.Array(JobStep, { maxItems: 20 })),
  },
  { additionalProperties: false },
)
export type SelfServiceGuide = Static<typeof SelfServiceGuide>

/** What a visit of one kind consists of: a rule names it by `code`, the catalog holds the texts. */
export const JobTemplate = Type.Object(
  {
    code: Key,
    title: Text,
    kind: JobKind,
    duration: Duration,
    parts: Type.Optional(Type.Array(JobPart, { maxItems: 20 })),
    tools: Type.Optional(Type.Array(Text, { maxItems: 30 })),
    steps: Type.Optional(Type.Array(JobStep, { maxItems: 40 })),
    safety: Type.Optional(Type.Array(Text, { maxItems: 20 })),
    certifications: Type.Optional(Type.Array(Key, { maxItems: 16 })),
    selfService: Type.Optional(SelfServiceGuide),
  },
  { additionalProperties: false },
)
export type JobTemplate = Static<typeof JobTemplate>
