import { type Static, Type } from 'typebox'
import { Id, Instant, Text } from './primitives.ts'

/** By what a brand reaches a person. */
export const CHANNELS = ['app', 'wechat', 'sms', 'call', 'email'] as const
export type Channel = (typeof CHANNELS)[number]
export const Channel = Type.Enum([...CHANNELS])

/** Beyond this a WeChat device message is cut. Characters, as a reader counts them. */
export const NOTICE_CHARACTERS_MAX = 60

/**
 * Why a home is spoken to: a closed list, so that it can be counted and chosen by. `asks` opens a conversation and is
 * capped per home; `follows` goes on with one the home itself began, and a promise is owed; `warns` passes everything.
 */
export const NOTICE_REASONS = {
  offer: 'asks',
  // The home said when it wants to be asked again.
  offer_again: 'follows',
  inform: 'asks',
  promotion: 'asks',
  brand_message: 'asks',
  solved_question: 'follows',
  overcharged: 'follows',
  quote: 'follows',
  visit_changed: 'follows',
  visit_missed: 'follows',
  order_cancelled: 'follows',
  partner_changed: 'follows',
  parts_awaited: 'follows',
  // With the question for stars, where it can still be rated.
  verified: 'follows',
  safety: 'warns',
} as const satisfies Record<string, 'asks' | 'follows' | 'warns'>
export type NoticeReason = keyof typeof NOTICE_REASONS
export const NoticeReason = Type.Enum(Object.keys(NOTICE_REASONS) as NoticeReason[])

export const NoticeKind = Type.Enum(['service', 'safety', 'promotion'])
export type NoticeKind = Static<typeof NoticeKind>

const Nullable = <T extends Parameters<typeof Type.Union>[0][number]>(schema: T) => Type.Union([schema, Type.Null()])

/** `data` of `beforehand.notice.requested`: the brand's channel is asked to say this to somebody of the home. */
export const NoticeRequested = Type.Object(
  {
    noticeId: Id,
    /** 1 at first; raised when a channel failed and the next is asked. */
    attempt: Type.Integer({ minimum: 1 }),
    home: Id,
    /** Whom; ids, never names. `null` when the brand registered nobody. */
    person: Nullable(Id),
    kind: NoticeKind,
    reasonCode: NoticeReason,
    /** By the person's preference, those that failed or were opted out of left away; try the first. Empty: the brand's choice. */
    channels: Type.Array(Channel),
    locale: Type.Enum(['zh-CN', 'en']),
    text: Text,
    link: Nullable(Type.String()),
    /** The same page inside the brand's mini-program, when the brand said where it is. */
    miniProgramPath: Type.Optional(Type.String()),
    /** Needs it speaks of. */
    cases: Type.Array(Id),
    sendAfter: Instant,
    expiresAt: Instant,
    /** In the home's zone; a message that could not go out before is to wait until they end. `null` for safety. */
    quietHours: Nullable(
      Type.Object({ from: Type.String(), to: Type.String(), timeZone: Type.String() }, { additionalProperties: false }),
    ),
  },
  { additionalProperties: false },
)
export type NoticeRequested = Static<typeof NoticeRequested>
