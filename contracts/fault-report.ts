import { type Static, Type } from 'typebox'
import { Id, Instant, Key } from './primitives.ts'
import { Diagnosis } from './work-order.ts'

/** `POST /api/fault-reports`: a fault that a person noticed, told by phone, in an app, in WeChat or to a partner. */

const Nullable = <T extends Parameters<typeof Type.Union>[0][number]>(schema: T) => Type.Union([schema, Type.Null()])

export const REPORT_CHANNELS = ['hotline', 'app', 'wechat', 'partner'] as const
/** `page` is the homeowner's own link; nobody else can say so. */
export const STORED_REPORT_CHANNELS = [...REPORT_CHANNELS, 'page'] as const
export type ReportChannel = (typeof STORED_REPORT_CHANNELS)[number]

export const FaultReportBody = Type.Object(
  {
    /** Id of the device; or its serial. Exactly one of the two. */
    device: Type.Optional(Id),
    serial: Type.Optional(Type.String({ minLength: 1, maxLength: 64 })),
    /** When the person said so; not ahead of the hub's time, and at most 30 days ago. */
    reportedAt: Instant,
    channel: Type.Enum([...REPORT_CHANNELS]),
    /** One of the product's own symptom codes tells which component is meant; any other is kept as it is. */
    symptomCode: Type.Optional(Key),
    /** The person's own words: kept sealed, never in an event, a log line or an order. */
    text: Type.Optional(Type.String({ minLength: 1, maxLength: 2_000 })),
    /** The teller's own ticket number; the same one twice is one report. */
    externalRef: Type.String({ minLength: 1, maxLength: 128 }),
  },
  { additionalProperties: false },
)
export type FaultReportBody = Static<typeof FaultReportBody>

export const FaultReport = Type.Object(
  {
    id: Id,
    deviceId: Id,
    homeId: Nullable(Id),
    caseId: Nullable(Id),
    /** The component it was taken to be about; `device` when nothing pointed to one. */
    component: Nullable(Key),
    channel: Type.Enum([...STORED_REPORT_CHANNELS]),
    symptomCode: Nullable(Key),
    /** What a home's link was used to complain of; `null` for a fault told otherwise. */
    problem: Nullable(Type.String()),
    /** `null` once the home was erased. */
    externalRef: Nullable(Type.String()),
    hasText: Type.Boolean(),
    reportedAt: Instant,
    receivedAt: Instant,
    /** It joined a need that was already open. */
    joined: Type.Boolean(),
    /** No alert of that component in the thirty days before: we did not foresee it. */
    missed: Type.Boolean(),
  },
  { additionalProperties: false },
)
export type FaultReport = Static<typeof FaultReport>

/** What the teller learns at once: whether somebody is already on the way, and what the hub knows. */
export const FaultReportAnswer = Type.Object(
  {
    report: FaultReport,
    case: Type.Object({ id: Id, component: Key, state: Type.String() }, { additionalProperties: false }),
    joined: Type.Boolean(),
    liveWorkOrder: Type.Optional(
      Type.Object(
        {
          id: Id,
          number: Type.String(),
          state: Type.String(),
          partnerKey: Key,
          appointment: Nullable(Type.Object({ from: Instant, to: Instant }, { additionalProperties: false })),
        },
        { additionalProperties: false },
      ),
    ),
    diagnosis: Diagnosis,
  },
  { additionalProperties: false },
)
export type FaultReportAnswer = Static<typeof FaultReportAnswer>
