import { instant, NOTICE_CHARACTERS_MAX } from '#contracts'
import { HubError, newId } from '#platform'
import { page, type Tx, writeAudit } from '#store'
import type { ServiceBridge } from '../bridge.ts'
import { beginWork, type Core, inBrand, type Work } from '../core.ts'
import { homeFacts } from '../facts.ts'
import { consentInForce } from '../homes/consents.ts'
import { notFound, noticeView } from '../queries.ts'
import type { NoticeView, OwnNotice } from '../views.ts'
import { takeReceipt } from './notice-receipts.ts'
import { earliestFor, lockNotice } from './notice-record.ts'
import { charactersOf } from './notice-texts.ts'
import { requestNotice } from './notices.ts'

/** What was asked to be sent to people, and what became of it. */
export function createNoticeCalls(core: Core, afterCaller: (work: Work) => void): ServiceBridge['notices'] {
  return {
    list: (brandId, filter) =>
      core.db.asBrand(brandId, async (tx) => {
        let query = tx.selectFrom('notices').selectAll().where('brand_id', '=', brandId)
        if (filter.homeId !== undefined) query = query.where('home_id', '=', filter.homeId)
        if (filter.status !== undefined) query = query.where('status', '=', filter.status)
        const found = await page(query, filter, { by: ['created_at_ms', 'notice_id'], direction: 'desc' })
        return { items: found.items.map((row) => noticeView(core, row, 1)), nextCursor: found.nextCursor }
      }),

    receipt: (brandId, noticeId, receipt) =>
      inBrand(core, brandId, async (work) => {
        await takeReceipt(core, work, noticeId, receipt)
        return viewOf(core, work, noticeId)
      }),

    async request(tx: Tx, brandId, notice) {
      const work = beginWork(tx, brandId, core.clock.nowMs())
      const view = await requestOwn(core, work, notice)
      afterCaller(work)
      return view
    },
  }
}

async function viewOf(core: Core, work: Work, noticeId: string): Promise<NoticeView> {
  return noticeView(core, (await lockNotice(work, noticeId))!, 1)
}

/** A message of the brand's own words, under the same protection of the home as the hub's. */
async function requestOwn(core: Core, work: Work, notice: OwnNotice): Promise<NoticeView> {
  const length = charactersOf(notice.text['zh-CN'])
  if (length > NOTICE_CHARACTERS_MAX) {
    throw new HubError(
      'VALIDATION_FAILED',
      `The text has ${length} characters; a message shows ${NOTICE_CHARACTERS_MAX}.`,
      { pointer: '/text/zh-CN' },
    )
  }
  const home = await homeFacts(work, notice.homeId)
  if (!home) throw notFound('home', notice.homeId)
  const purpose = notice.kind === 'promotion' ? 'promotion' : 'contact'
  if (!(await consentInForce(work, { homeId: home.homeId, purpose }))) {
    throw new HubError('STATE_FORBIDS', `The home has not agreed to ${purpose}.`)
  }
  const reasonCode = notice.kind === 'promotion' ? 'promotion' : 'brand_message'
  const expiresAtMs = notice.expiresAt === undefined ? work.atMs + core.policy.offerTtlMs : Date.parse(notice.expiresAt)
  const sendAfterMs = await earliestFor(core, work, { home, reason: reasonCode, notBeforeMs: work.atMs })
  if (sendAfterMs >= expiresAtMs) {
    throw new HubError(
      'STATE_FORBIDS',
      `The home may be spoken to again from ${instant(sendAfterMs)}; the notice would have expired.`,
    )
  }
  const { noticeId, outcome } = await requestNotice(core, work, {
    home,
    kind: notice.kind,
    reasonCode,
    text: notice.text,
    ...(notice.link === undefined ? {} : { link: notice.link }),
    sendAfterMs: work.atMs,
    expiresAtMs,
    cause: [newId('nt')],
  })
  if (outcome === 'suppressed') throw new HubError('STATE_FORBIDS', 'The home wants no notices on any channel.')
  await writeAudit(work.tx, {
    brandId: work.brandId,
    atMs: work.atMs,
    actor: `${notice.by.kind}:${notice.by.id ?? ''}`,
    action: 'notice.requested',
    subject: noticeId,
    detail: { kind: notice.kind, home: home.homeId },
  })
  return viewOf(core, work, noticeId)
}
