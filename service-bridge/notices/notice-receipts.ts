import { NOTICE_REASONS, type NoticeReason } from '#contracts'
import { HubError } from '#platform'
import { type NoticeStatus, writeAudit } from '#store'
import { lockCase } from '../cases/case-record.ts'
import { flagReview } from '../cases/review.ts'
import { type Core, note, type Work } from '../core.ts'
import { homeFacts } from '../facts.ts'
import { notFound } from '../queries.ts'
import { clearTimer, setTimer } from '../timers.ts'
import type { ReceiptInput } from '../views.ts'
import { changeNotice, earliestFor, lockNotice, type NoticeRecord } from './notice-record.ts'
import { channelsFor, tellNotice } from './notice-telling.ts'

/** How far a message has come; a later receipt never takes it back. */
const STATUS_RANK: Readonly<Record<NoticeStatus, number>> = {
  requested: 0,
  expired: 1,
  sent: 1,
  failed: 2,
  delivered: 3,
  read: 4,
  opted_out: 5,
  // Nobody was asked to send it.
  withdrawn: 6,
  suppressed: 6,
}

/**
 * What the brand's channel says became of a notice: every word is kept, the furthest one counts. A failure asks the
 * next channel of the person's preference; an opt-out closes the channel for service notices until the home says
 * otherwise, and is not chased on another.
 */
export async function takeReceipt(core: Core, work: Work, noticeId: string, receipt: ReceiptInput): Promise<void> {
  const row = await lockNotice(work, noticeId)
  if (!row) throw notFound('notice', noticeId)
  if (row.told_at_ms === null && row.tried.length === 0) {
    throw new HubError('STATE_FORBIDS', `Nobody was asked to send this notice yet: it is ${row.status}.`)
  }
  const atMs = receipt.at === undefined ? work.atMs : Date.parse(receipt.at)
  if (!Number.isFinite(atMs)) throw new HubError('VALIDATION_FAILED', 'This is not a time.', { pointer: '/at' })
  const present = row.channels.find((channel) => !row.tried.includes(channel)) ?? ''
  const channel = receipt.channel ?? present
  const stored = await work.tx
    .insertInto('notice_receipts')
    .values({ brand_id: work.brandId, notice_id: noticeId, channel, status: receipt.status, at_ms: atMs })
    .onConflict((conflict) => conflict.doNothing())
    .returning('status')
    .executeTakeFirst()
  if (!stored) return
  if (receipt.status === 'opted_out') await optOut(work, row, channel)
  if (receipt.status === 'failed') return failed(core, work, row, channel)
  if (STATUS_RANK[receipt.status] > STATUS_RANK[row.status]) await settle(work, row, receipt.status)
}

async function settle(work: Work, row: NoticeRecord, status: NoticeStatus): Promise<void> {
  await changeNotice(work, row.notice_id, { status })
  await clearTimer(work, 'notice_expiry', row.notice_id)
  note(work, `notice.${status}`, row.notice_id)
}

/** The next channel is asked, in its turn outside quiet hours; with none left a person of the brand has to look. */
async function failed(core: Core, work: Work, row: NoticeRecord, channel: string): Promise<void> {
  const over = STATUS_RANK[row.status] >= STATUS_RANK.delivered || row.status === 'expired'
  if (over || row.tried.includes(channel)) return
  const tried = [...row.tried, channel]
  const home = await homeFacts(work, row.home_id)
  const warns = NOTICE_REASONS[row.reason_code as NoticeReason] === 'warns'
  const open = home ? await channelsFor(work, home, { warns }) : []
  const left = row.channels.filter((one) => !tried.includes(one) && open.some((usable) => usable === one))
  if (!home || left.length === 0 || work.atMs >= row.expires_at_ms) {
    await changeNotice(work, row.notice_id, { tried })
    await settle(work, row, 'failed')
    for (const caseId of row.case_ids) {
      const record = await lockCase(work, caseId)
      if (record) await flagReview(core, work, record, 'no channel reached the home')
    }
    return
  }
  const next = { ...row, tried, channels: [...tried, ...left], status: 'requested' as const }
  await changeNotice(work, row.notice_id, {
    tried,
    channels: next.channels,
    status: 'requested',
    told_at_ms: null,
  })
  note(work, 'notice.failed', row.notice_id)
  if (warns) return tellNotice(core, work, next, home)
  const sendAfterMs = await earliestFor(core, work, { home, reason: 'quote', notBeforeMs: work.atMs })
  await changeNotice(work, row.notice_id, { send_after_ms: sendAfterMs })
  await setTimer(work, 'notice', row.notice_id, sendAfterMs)
}

/** The consent itself stays as it was given: the home closed one channel, not the conversation. */
async function optOut(work: Work, row: NoticeRecord, channel: string): Promise<void> {
  if (channel === '') return
  await work.tx
    .insertInto('channel_opt_outs')
    .values({
      brand_id: work.brandId,
      home_id: row.home_id,
      channel,
      at_ms: work.atMs,
      notice_id: row.notice_id,
    })
    .onConflict((conflict) =>
      conflict.columns(['brand_id', 'home_id', 'channel']).doUpdateSet({ at_ms: work.atMs, notice_id: row.notice_id }),
    )
    .execute()
  await writeAudit(work.tx, {
    brandId: work.brandId,
    atMs: work.atMs,
    actor: 'homeowner',
    action: 'channel.opted_out',
    subject: row.home_id,
    detail: { channel, notice: row.notice_id },
  })
}
