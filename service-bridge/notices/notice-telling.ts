import { type Channel, instant, NOTICE_REASONS, type NoticeReason, type NoticeRequested } from '#contracts'
import { type Core, note, type Work } from '../core.ts'
import { type HomeFacts, homeFacts, quietHoursOf } from '../facts.ts'
import { consentInForce } from '../homes/consents.ts'
import { miniProgramPath, offerLink } from '../links.ts'
import { tellBrand } from '../outgoing.ts'
import { clearTimer, setTimer } from '../timers.ts'
import { changeNotice, lockNotice, type NoticeRecord } from './notice-record.ts'
import { quietOverAt } from './quiet-hours.ts'

/** Channels of the home that may be used, in its order. A danger is told on all of them. */
export async function channelsFor(work: Work, home: HomeFacts, { warns }: { warns: boolean }): Promise<Channel[]> {
  if (warns) return home.channels
  const optedOut = await optOutsInForce(work, home.homeId)
  return home.channels.filter((channel) => !optedOut.has(channel))
}

/** Channels on which the home wants no more service notices: a later consent to be contacted takes its word back. */
async function optOutsInForce(work: Work, homeId: string): Promise<Set<string>> {
  const rows = await work.tx
    .selectFrom('channel_opt_outs')
    .select(['channel', 'at_ms'])
    .where('brand_id', '=', work.brandId)
    .where('home_id', '=', homeId)
    .execute()
  if (rows.length === 0) return new Set()
  const consent = await consentInForce(work, { homeId, purpose: 'contact' })
  return new Set(rows.filter((row) => !consent || row.at_ms >= consent.at_ms).map((row) => row.channel))
}

/** Whether any way is left to reach the home; one without registered people is the brand's to find. */
export async function isReachable(work: Work, home: HomeFacts): Promise<boolean> {
  return home.channels.length === 0 || (await channelsFor(work, home, { warns: false })).length > 0
}

/** The notice's time has come: it leaves, unless what it is about is over or the night has begun. */
export async function sendWaiting(core: Core, work: Work, noticeId: string): Promise<void> {
  const row = await lockNotice(work, noticeId)
  if (row?.status !== 'requested' || row.told_at_ms !== null) return
  const home = await homeFacts(work, row.home_id)
  if (!home || (await isPointless(work, row))) return withdraw(work, row)
  const quietUntilMs = quietOverAt(work.atMs, quietHoursOf(home))
  if (quietUntilMs > work.atMs) {
    await changeNotice(work, noticeId, { send_after_ms: quietUntilMs })
    return setTimer(work, 'notice', noticeId, quietUntilMs)
  }
  await tellNotice(core, work, row, home)
}

/** Asks the brand to send it: by the channels that are left. */
export async function tellNotice(core: Core, work: Work, row: NoticeRecord, home: HomeFacts): Promise<void> {
  const offer = row.offer_id === null ? null : await generationOf(work, row.offer_id)
  const attempt = row.tried.length + 1
  const path = offer && (await miniProgramPath(core, work, row.offer_id!, offer.generation))
  const data: NoticeRequested = {
    noticeId: row.notice_id,
    attempt,
    home: row.home_id,
    person: row.person_id,
    kind: row.kind,
    reasonCode: row.reason_code as NoticeReason,
    channels: row.channels.filter((channel) => !row.tried.includes(channel)) as Channel[],
    locale: home.locale,
    text: row.text,
    link: offer ? offerLink(core, row.offer_id!, offer.generation) : row.link,
    ...(path ? { miniProgramPath: path } : {}),
    cases: row.case_ids,
    sendAfter: instant(row.send_after_ms),
    expiresAt: instant(row.expires_at_ms),
    quietHours: row.kind === 'safety' ? null : quietHoursOf(home),
  }
  await changeNotice(work, row.notice_id, { told_at_ms: work.atMs })
  await tellBrand(core, work, {
    type: 'notice.requested',
    subject: row.notice_id,
    cause: attempt === 1 ? [] : [attempt],
    data,
  })
}

/** Its time is over: nothing of it leaves any more. What was sent and never acknowledged nobody knows. */
export async function expireNotice(work: Work, noticeId: string): Promise<void> {
  const row = await lockNotice(work, noticeId)
  if (row?.status !== 'requested') return
  await changeNotice(work, noticeId, { status: 'expired' })
  await clearTimer(work, 'notice', noticeId)
  await cancelDeliveries(work, noticeId, 'the notice has expired')
  note(work, 'notice.expired', noticeId)
}

/** What still waits to be said of one of these needs for one of these reasons: something newer takes its place. */
export async function withdrawWaiting(
  work: Work,
  homeId: string,
  caseIds: readonly string[],
  reasons: readonly NoticeReason[],
): Promise<void> {
  const rows = await work.tx
    .selectFrom('notices')
    .selectAll()
    .where('brand_id', '=', work.brandId)
    .where('home_id', '=', homeId)
    .where('status', '=', 'requested')
    .where('told_at_ms', 'is', null)
    .where('reason_code', 'in', reasons)
    .forUpdate()
    .execute()
  for (const row of rows.filter((one) => one.case_ids.some((id) => caseIds.includes(id)))) {
    await clearTimer(work, 'notice', row.notice_id)
    await withdraw(work, row)
  }
}

async function withdraw(work: Work, row: NoticeRecord): Promise<void> {
  await changeNotice(work, row.notice_id, { status: 'withdrawn' })
  await clearTimer(work, 'notice_expiry', row.notice_id)
  note(work, 'notice.withdrawn', row.notice_id)
}

async function cancelDeliveries(work: Work, noticeId: string, reason: string): Promise<void> {
  await work.tx
    .updateTable('deliveries')
    .set({ state: 'cancelled', last_error: reason })
    .where('brand_id', '=', work.brandId)
    .where('subject', '=', noticeId)
    .where('state', '=', 'pending')
    .execute()
}

/** The question was answered or taken back, or the home no longer wants to be asked. */
async function isPointless(work: Work, row: NoticeRecord): Promise<boolean> {
  if (NOTICE_REASONS[row.reason_code as NoticeReason] === 'asks' && row.kind === 'service') {
    if (!(await consentInForce(work, { homeId: row.home_id, purpose: 'contact' }))) return true
  }
  if (row.kind === 'promotion' && !(await consentInForce(work, { homeId: row.home_id, purpose: 'promotion' })))
    return true
  if (UNTIL_OVER.has(row.reason_code as NoticeReason)) return overSince(work, row)
  if (row.offer_id === null || !['offer', 'offer_again'].includes(row.reason_code)) return false
  const offer = await work.tx
    .selectFrom('offers')
    .select('state')
    .where('brand_id', '=', work.brandId)
    .where('offer_id', '=', row.offer_id)
    .executeTakeFirst()
  return offer?.state !== 'offered' && offer?.state !== 'snoozed'
}

/** News of a visit to come. */
const UNTIL_OVER: ReadonlySet<NoticeReason> = new Set([
  'visit_missed',
  'parts_awaited',
  'partner_changed',
  'order_cancelled',
])

/** Whether all it speaks of has ended after it was written; it may itself tell of the end. */
async function overSince(work: Work, row: NoticeRecord): Promise<boolean> {
  if (row.case_ids.length === 0) return false
  const going = await work.tx
    .selectFrom('cases')
    .select('case_id')
    .where('brand_id', '=', work.brandId)
    .where('case_id', 'in', row.case_ids)
    .where((eb) => eb.or([eb('closed_at_ms', 'is', null), eb('closed_at_ms', '<=', row.created_at_ms)]))
    .executeTakeFirst()
  return going === undefined
}

async function generationOf(work: Work, offerId: string): Promise<{ generation: number }> {
  return work.tx
    .selectFrom('offers')
    .select('generation')
    .where('brand_id', '=', work.brandId)
    .where('offer_id', '=', offerId)
    .executeTakeFirstOrThrow()
}
