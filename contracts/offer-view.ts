import { type Static, Type } from 'typebox'
import { SelfServiceGuide } from './job.ts'
import { DeclineReason } from './partner-status.ts'
import { Duration, Id, Instant, Key, Minor, SafetyKind, Severity, Text } from './primitives.ts'
import { QuestionedQuote } from './quote.ts'
import { Charge, EvidenceItem, Slot } from './work-order.ts'

/**
 * The homeowner's calls under `/home/v1/offers/{token}`: our page, a brand's app and a
 * mini-program use the same. Every POST answers with the view as it then is.
 */

const Nullable = <T extends Parameters<typeof Type.Union>[0][number]>(schema: T) => Type.Union([schema, Type.Null()])

export const OFFER_STATES = [
  'offered',
  'snoozed',
  'accepted',
  'self_service',
  'declined',
  'expired',
  'withdrawn',
  'cancelled',
  'closed',
] as const
export type OfferState = (typeof OFFER_STATES)[number]
export const OfferState = Type.Enum([...OFFER_STATES])

/** What the homeowner may do now; the page shows these and no others. */
export const OFFER_CHOICES = [
  'accept',
  'snooze',
  'self_service',
  // Somebody should come after all, for what the home meant to do itself.
  'visit',
  'decline',
  'stop',
  // Takes a `stop` back.
  'resume',
  'reschedule',
  'cancel',
  'rate',
  'report_problem',
  'quote',
  'solved',
] as const
export type OfferChoice = (typeof OFFER_CHOICES)[number]
export const OfferChoice = Type.Enum([...OFFER_CHOICES])

/** 受理 → 接单 → 前往 → 完成 → 回访 */
export const PROGRESS_STAGES = ['received', 'taken', 'under_way', 'done', 'followed_up'] as const
export type ProgressStage = (typeof PROGRESS_STAGES)[number]
export const ProgressStage = Type.Enum([...PROGRESS_STAGES])

/** What an accepted visit waits for, where it does not simply go on. */
export const WAITING_FOR = ['partner', 'quote', 'parts', 'appointment'] as const
export type WaitingFor = (typeof WAITING_FOR)[number]
export const WaitingFor = Type.Enum([...WAITING_FOR])

/** One need in one appliance. */
export const OfferNeed = Type.Object(
  {
    caseId: Id,
    device: Type.Object({ category: Key, name: Text, serial: Type.String() }, { additionalProperties: false }),
    component: Type.Object({ key: Key, name: Text }, { additionalProperties: false }),
    /** What was found, in plain words. */
    cause: Text,
    job: Type.Object({ code: Key, title: Text, duration: Duration }, { additionalProperties: false }),
    evidence: Type.Array(EvidenceItem, { maxItems: 20 }),
    selfService: Nullable(SelfServiceGuide),
  },
  { additionalProperties: false },
)
export type OfferNeed = Static<typeof OfferNeed>

/** A need that was part of the offer and is so no more, while the rest goes on. */
export const OfferApart = Type.Object(
  {
    caseId: Id,
    device: OfferNeed.properties.device,
    component: OfferNeed.properties.component,
    state: Type.Enum(['self_service', 'declined', 'recovered', 'ended']),
  },
  { additionalProperties: false },
)
export type OfferApart = Static<typeof OfferApart>

/** Stars of a visit, as the home gave them. */
export const Rating = Type.Object(
  {
    attitude: Type.Integer({ minimum: 1, maximum: 5 }),
    quality: Type.Integer({ minimum: 1, maximum: 5 }),
    speed: Type.Integer({ minimum: 1, maximum: 5 }),
    solved: Type.Boolean(),
  },
  { additionalProperties: false },
)
export type Rating = Static<typeof Rating>

/** Somebody who would come, and what they would be told. */
export const OfferPartner = Type.Object(
  {
    key: Key,
    name: Text,
    /** Data kinds shared on acceptance. */
    shares: Type.Array(Type.Enum(['address', 'contact', 'diagnosis', 'device']), { minItems: 1 }),
  },
  { additionalProperties: false },
)
export type OfferPartner = Static<typeof OfferPartner>

export const OfferView = Type.Object(
  {
    id: Id,
    state: OfferState,
    choices: Type.Array(OfferChoice),
    /** The person's language; the page opens in it. */
    locale: Type.Enum(['zh-CN', 'en']),
    /** Zone of the home: slots are shown in it. */
    timeZone: Type.String(),
    /** Hub time of this answer. */
    now: Instant,
    expiresAt: Instant,
    snoozedUntil: Nullable(Instant),
    brand: Type.Object({ key: Key, name: Text }, { additionalProperties: false }),
    urgency: Severity,
    safety: Nullable(SafetyKind),
    /** Rises whenever needs, price or visits of the offer change; sent back with `accept`, so that nobody agrees to what they did not see. */
    revision: Type.Integer({ minimum: 1 }),
    /** What the offer is about now: one visit, one price for all of it. */
    needs: Type.Array(OfferNeed, { minItems: 1, maxItems: 20 }),
    /** What it was about before. */
    apart: Type.Array(OfferApart, { maxItems: 40 }),
    /** The home asked for no more offers like this one. */
    stopped: Type.Boolean(),
    /** What is agreed, or would be by accepting; a quote accepted since is in it. */
    charge: Charge,
    /** A quote that waits for this home's decision; `null` when there is none. */
    quote: Nullable(QuestionedQuote),
    slots: Type.Array(Slot, { maxItems: 40 }),
    partners: Type.Array(OfferPartner, { maxItems: 10 }),
    /** The text agreed to by accepting, with what is stored as proof of it. */
    consentText: Type.Object(
      { version: Type.String(), sha256: Type.String({ pattern: '^[0-9a-f]{64}$' }), text: Text },
      { additionalProperties: false },
    ),
    /** Once accepted; `null` before. */
    progress: Nullable(
      Type.Object(
        {
          stage: ProgressStage,
          reached: Type.Array(Type.Object({ stage: ProgressStage, at: Instant }, { additionalProperties: false })),
          workOrder: Nullable(Type.String()),
          /** Which trip to the home comes next or is under way, from 1. */
          visit: Type.Integer({ minimum: 1 }),
          /** `partner`: somebody else is asked to come; `quote`: this home's decision; `parts`; `appointment`: a new time. */
          waitingFor: Nullable(WaitingFor),
          /** The time the home chose; the visit is when `appointment` says, once the partner has given one. */
          requested: Nullable(Slot),
          appointment: Nullable(Slot),
          technician: Nullable(
            Type.Object(
              { ref: Type.String(), name: Type.Optional(Type.String()), rating: Type.Optional(Type.Number()) },
              { additionalProperties: false },
            ),
          ),
          /** What was found and done, and whether the signal confirms it. */
          result: Nullable(
            Type.Object(
              {
                found: Nullable(Type.String()),
                verified: Nullable(Type.Enum(['verified', 'not_fixed', 'not_observed', 'unverified'])),
                /** What the home answered when no reading could tell. */
                solved: Nullable(Type.Boolean()),
              },
              { additionalProperties: false },
            ),
          ),
          /** The same per need, in the order of `needs`. */
          results: Type.Array(
            Type.Object(
              {
                caseId: Id,
                found: Nullable(Type.String()),
                verified: Nullable(Type.Enum(['verified', 'not_fixed', 'not_observed', 'unverified'])),
              },
              { additionalProperties: false },
            ),
            { maxItems: 20 },
          ),
          /** The partner says it took more than was agreed; `null` while it did not. */
          overcharge: Nullable(Type.Object({ agreedMinor: Minor, takenMinor: Minor }, { additionalProperties: false })),
          rating: Nullable(
            Type.Object(
              { ...Rating.properties, at: Instant, changeableUntil: Instant },
              { additionalProperties: false },
            ),
          ),
        },
        { additionalProperties: false },
      ),
    ),
  },
  { additionalProperties: false },
)
export type OfferView = Static<typeof OfferView>

/** POST …/accept */
export const AcceptBody = Type.Object(
  {
    slot: Slot,
    /** Keys of the partners the address and contact may go to. */
    shareWith: Type.Array(Key, { minItems: 1, maxItems: 10 }),
    /** The `revision` that was read: refused with OFFER_CHANGED when the offer is another by now. */
    revision: Type.Optional(Type.Integer({ minimum: 1 })),
  },
  { additionalProperties: false },
)
export type AcceptBody = Static<typeof AcceptBody>

/** POST …/snooze */
export const SnoozeBody = Type.Object({ until: Instant }, { additionalProperties: false })
export type SnoozeBody = Static<typeof SnoozeBody>

/** Needs of the offer that are meant, by their `caseId`; all of them when absent. */
const needs = Type.Optional(Type.Array(Id, { minItems: 1, maxItems: 20, uniqueItems: true }))
/** A person's own words: kept sealed, erased with the home. */
const text = Type.Optional(Type.String({ maxLength: 500 }))

/** POST …/self_service: without `needs` all that one can do oneself; the others stay offered. */
export const SelfServiceBody = Type.Object({ needs }, { additionalProperties: false })
export type SelfServiceBody = Static<typeof SelfServiceBody>

/** POST …/visit */
export const VisitBody = Type.Object({ needs }, { additionalProperties: false })
export type VisitBody = Static<typeof VisitBody>

/** POST …/stop: no more offers about this kind of part of this kind of appliance; danger excepted. */
export const StopBody = Type.Object({ needs, text }, { additionalProperties: false })
export type StopBody = Static<typeof StopBody>

/** POST …/rate: once a visit is done, changeable for a week. */
export const RateBody = Type.Object({ ...Rating.properties, text }, { additionalProperties: false })
export type RateBody = Static<typeof RateBody>

/** What a home may complain of on its page. The first two are faults; the others are about the visit. */
export const PROBLEM_KINDS = [
  'still_broken',
  'another_fault',
  'nobody_came',
  'damage',
  'price',
  'conduct',
  'other',
] as const
export type ProblemKind = (typeof PROBLEM_KINDS)[number]

/** POST …/report_problem, during a visit or after it. */
export const ReportProblemBody = Type.Object(
  {
    kind: Type.Enum([...PROBLEM_KINDS]),
    /** The need of the offer it is about; the first when absent. */
    need: Type.Optional(Id),
    symptomCode: Type.Optional(Key),
    text: Type.Optional(Type.String({ maxLength: 2_000 })),
  },
  { additionalProperties: false },
)
export type ReportProblemBody = Static<typeof ReportProblemBody>

/** POST …/decline */
export const DeclineBody = Type.Object({ reason: DeclineReason, needs, text }, { additionalProperties: false })
export type DeclineBody = Static<typeof DeclineBody>

/** POST …/reschedule */
export const RescheduleBody = Type.Object({ slot: Slot }, { additionalProperties: false })
export type RescheduleBody = Static<typeof RescheduleBody>

/** POST …/solved: the answer to "is it solved?", asked when no reading could tell. */
export const SolvedBody = Type.Object({ solved: Type.Boolean() }, { additionalProperties: false })
export type SolvedBody = Static<typeof SolvedBody>
