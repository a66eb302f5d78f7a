import { instant, type Text } from '#contracts'
import { derivedId } from '#platform'
import type { Core, Work } from './core.ts'
import type { HomeFacts } from './facts.ts'
import { offerLink } from './links.ts'
import { tellBrand } from './outgoing.ts'

/** What a person is to be told. The brand owns the channel: we ask it, and take receipts. */
export interface NoticeRequest {
  home: HomeFacts
  kind: 'service' | 'safety'
  reasonCode: 'offer' | 'offer_again' | 'inform' | 'safety' | 'solved_question' | 'overcharged'
  text: Text
  caseId?: string
  /** With a link to this offer. */
  offer?: { id: string; generation: number }
  sendAfterMs: number
  expiresAtMs: number
  /** Makes the notice's id: the same cause asks once. */
  cause: readonly (string | number)[]
}

/** Beyond this a WeChat device message is cut. */
const TEXT_CHARACTERS_MAX = 60

/** Stores the notice and asks the brand to send it; asking twice for the same cause asks once. */
export async function requestNotice(core: Core, work: Work, request: NoticeRequest): Promise<void> {
  const noticeId = derivedId('nt', work.brandId, request.home.homeId, request.reasonCode, ...request.cause)
  const chinese = request.text['zh-CN']
  const text: Text = {
    en: request.text.en,
    'zh-CN': chinese.length > TEXT_CHARACTERS_MAX ? `${chinese.slice(0, TEXT_CHARACTERS_MAX - 1)}…` : chinese,
  }
  const channels = request.home.channel === null ? [] : [request.home.channel]
  const stored = await work.tx
    .insertInto('notices')
    .values({
      brand_id: work.brandId,
      notice_id: noticeId,
      home_id: request.home.homeId,
      case_id: request.caseId ?? null,
      offer_id: request.offer?.id ?? null,
      kind: request.kind,
      reason_code: request.reasonCode,
      channels,
      text: JSON.stringify(text),
      link_kind: request.offer ? 'offer' : null,
      send_after_ms: request.sendAfterMs,
      expires_at_ms: request.expiresAtMs,
      created_at_ms: work.atMs,
      updated_at_ms: work.atMs,
    })
    .onConflict((conflict) => conflict.doNothing())
    .returning('notice_id')
    .executeTakeFirst()
  if (!stored) return
  await tellBrand(core, work, {
    type: 'notice.requested',
    subject: noticeId,
    cause: [],
    data: {
      noticeId,
      home: request.home.homeId,
      kind: request.kind,
      reasonCode: request.reasonCode,
      channels,
      locale: request.home.locale,
      text,
      link: request.offer ? offerLink(core, request.offer.id, request.offer.generation) : null,
      sendAfter: instant(request.sendAfterMs),
      expiresAt: instant(request.expiresAtMs),
    },
  })
}
