import { NOTICE_REASONS, type NoticeKind, type NoticeReason, type Text } from '#contracts'
import { derivedId } from '#platform'
import type { Core, Work } from '../core.ts'
import type { HomeFacts } from '../facts.ts'
import { setTimer } from '../timers.ts'
import {
  changeNotice,
  earliestFor,
  isJoinable,
  lockHomeNotices,
  lockNotice,
  type NoticeRecord,
  waitingNotice,
} from './notice-record.ts'
import { channelsFor, tellNotice } from './notice-telling.ts'
import { severalText, shortened } from './notice-texts.ts'

/** What a person is to be told. The brand owns the channel: we ask it, and take receipts. */
export interface NoticeRequest {
  home: HomeFacts
  kind: NoticeKind
  reasonCode: NoticeReason
  text: Text
  /** The device or component in words, for a text that has to stand for several needs. */
  about?: Text
  /** The needs it speaks of. */
  caseIds?: readonly string[]
  /** With a link to this offer. */
  offer?: { id: string; generation: number }
  /** With a link of the brand's own. */
  link?: string
  /** Not before this; quiet hours and the cap of the home may make it later. */
  sendAfterMs: number
  /** Worth nothing from then on. */
  expiresAtMs: number
  /** Makes the notice's id: the same cause asks once. */
  cause: readonly (string | number)[]
}

/** What became of a request. `suppressed`: the home wants nothing on any channel, or its cap outlasts the news. */
export interface NoticeOutcome {
  noticeId: string
  outcome: 'told' | 'waiting' | 'joined' | 'suppressed' | 'known'
}

/**
 * Stores what a home is to be told. A danger is told at once, whatever the hour; everything else waits for its time:
 * outside quiet hours, within the home's cap when it opens a conversation, and joined to what is already waiting for
 * this home, so that several needs are one message. Asking twice for the same cause asks once.
 */
export async function requestNotice(core: Core, work: Work, request: NoticeRequest): Promise<NoticeOutcome> {
  const { home, reasonCode } = request
  const noticeId = derivedId('nt', work.brandId, home.homeId, reasonCode, ...request.cause)
  const warns = NOTICE_REASONS[reasonCode] === 'warns'
  await lockHomeNotices(work, home.homeId)
  if (await lockNotice(work, noticeId)) return { noticeId, outcome: 'known' }
  const notBeforeMs = request.sendAfterMs
  const sendAfterMs = warns ? work.atMs : await earliestFor(core, work, { home, reason: reasonCode, notBeforeMs })
  const waiting = isJoinable(reasonCode) ? await waitingNotice(work, home.homeId) : null
  // A message has one link: two offers stay two messages.
  const oneLink = waiting?.offer_id == null || !request.offer || waiting.offer_id === request.offer.id
  if (waiting && oneLink) {
    await join(work, waiting, request, sendAfterMs)
    return { noticeId: waiting.notice_id, outcome: 'joined' }
  }
  const channels = await channelsFor(work, home, { warns })
  const nobodyListens = home.channels.length > 0 && channels.length === 0
  const suppressed = nobodyListens || sendAfterMs >= request.expiresAtMs
  const row = await work.tx
    .insertInto('notices')
    .values({
      brand_id: work.brandId,
      notice_id: noticeId,
      home_id: home.homeId,
      person_id: home.personId,
      case_id: request.caseIds?.[0] ?? null,
      case_ids: [...(request.caseIds ?? [])],
      offer_id: request.offer?.id ?? null,
      kind: request.kind,
      reason_code: reasonCode,
      channels,
      text: JSON.stringify(shortened(request.text)),
      about: JSON.stringify(request.about ? [request.about] : []),
      link_kind: request.offer ? 'offer' : null,
      link: request.link ?? null,
      send_after_ms: sendAfterMs,
      expires_at_ms: request.expiresAtMs,
      status: suppressed ? 'suppressed' : 'requested',
      created_at_ms: work.atMs,
      updated_at_ms: work.atMs,
    })
    .returningAll()
    .executeTakeFirstOrThrow()
  if (suppressed) return { noticeId, outcome: 'suppressed' }
  await setTimer(work, 'notice_expiry', noticeId, request.expiresAtMs)
  if (warns) {
    await tellNotice(core, work, row, home)
    return { noticeId, outcome: 'told' }
  }
  await setTimer(work, 'notice', noticeId, sendAfterMs)
  return { noticeId, outcome: 'waiting' }
}

/** One message for both: it leads to the offer if either does, and leaves when the sooner would have. */
async function join(work: Work, waiting: NoticeRecord, request: NoticeRequest, sendAfterMs: number): Promise<void> {
  const about = [...waiting.about, ...(request.about ? [request.about] : [])]
  const caseIds = [...new Set([...waiting.case_ids, ...(request.caseIds ?? [])])]
  const expiresAtMs = Math.max(waiting.expires_at_ms, request.expiresAtMs)
  const soonerMs = Math.min(waiting.send_after_ms, sendAfterMs)
  // Another need of the same offer: its own words already speak of all of them.
  const sameOffer = request.offer !== undefined && waiting.offer_id === request.offer.id
  const text = sameOffer ? shortened(request.text) : severalText(caseIds.length, about)
  await changeNotice(work, waiting.notice_id, {
    case_ids: caseIds,
    about: JSON.stringify(about),
    text: JSON.stringify(text),
    send_after_ms: soonerMs,
    expires_at_ms: expiresAtMs,
    ...(request.offer ? { reason_code: 'offer', offer_id: request.offer.id, link_kind: 'offer' as const } : {}),
  })
  await setTimer(work, 'notice', waiting.notice_id, soonerMs)
  await setTimer(work, 'notice_expiry', waiting.notice_id, expiresAtMs)
}
