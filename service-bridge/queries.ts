import type { Selectable } from 'kysely'
import { instant, sealedAs } from '#contracts'
import { HubError } from '#platform'
import type { CaseEventsTable, DeliveriesTable, NoticesTable, OrderItemsTable } from '#store'
import type { CaseRecord } from './cases/case-record.ts'
import type { Core } from './core.ts'
import { offerLink } from './links.ts'
import type { OfferRecord } from './offers/offer-record.ts'
import type { OrderRecord } from './orders/order-record.ts'
import { openWords } from './orders/order-words.ts'
import { comingVisit } from './orders/progress.ts'
import type { QuoteRecord } from './orders/quote-record.ts'
import type {
  CaseEventView,
  CaseView,
  DeliveryView,
  NoticeView,
  OfferSummary,
  OrderItemView,
  PartnerEventView,
  QuoteView,
  WorkOrderView,
} from './views.ts'

/** How stored rows look from outside. */

const at = (ms: number | null): string | null => (ms === null ? null : instant(ms))

export function caseView(row: CaseRecord): CaseView {
  return {
    id: row.case_id,
    deviceId: row.device_id,
    homeId: row.home_id,
    component: row.component,
    state: row.state,
    end: row.end_kind,
    source: row.source,
    severity: row.severity,
    safety: row.safety,
    dispatch: row.dispatch,
    endedBy: row.ended_by,
    rule: row.rule_key === null ? null : { key: row.rule_key, version: row.rule_version ?? 0 },
    needsReview: row.needs_review,
    acknowledgedAt: at(row.acknowledged_at_ms),
    openedAt: instant(row.opened_at_ms),
    updatedAt: instant(row.updated_at_ms),
    closedAt: at(row.closed_at_ms),
    holdId: row.hold_id,
    offerId: row.offer_id,
    workOrderId: row.work_order_id,
  }
}

export function caseEventView(core: Core, row: Selectable<CaseEventsTable>): CaseEventView {
  return {
    ordinal: row.ordinal,
    at: instant(row.at_ms),
    event: row.event,
    from: row.from_state,
    to: row.to_state,
    row: row.table_row,
    by: { kind: row.actor_kind as CaseEventView['by']['kind'], id: row.actor_id },
    why: row.why,
    words: row.words_sealed && core.box.open(row.words_sealed, sealedAs.caseEventWords(row.case_id, row.ordinal)),
    ruleVersion: row.rule_version,
    evidence: row.evidence,
  }
}

export function offerSummary(core: Core, row: OfferRecord, caseIds: string[]): OfferSummary {
  return {
    id: row.offer_id,
    homeId: row.home_id,
    state: row.state,
    caseIds,
    createdAt: instant(row.created_at_ms),
    expiresAt: instant(row.expires_at_ms),
    snoozedUntil: at(row.snoozed_until_ms),
    link: offerLink(core, row.offer_id, row.generation),
  }
}

export function workOrderView(core: Core, row: OrderRecord): WorkOrderView {
  return {
    id: row.work_order_id,
    number: row.number,
    state: row.state,
    status: row.status,
    visit: comingVisit(row),
    partnerKey: row.partner_key,
    caseIds: row.packet.items.map((item) => item.caseId),
    externalId: row.external_id,
    appointment: row.appointment,
    createdAt: instant(row.created_at_ms),
    acceptedAt: at(row.accepted_at_ms),
    closedAt: at(row.closed_at_ms),
    needsReview: row.needs_review,
    endReason: row.end_reason,
    reworkOf: row.rework_of,
    charge: row.charge,
    overcharged: row.overcharged,
    requestedSlot: row.requested_slot,
    missed: row.missed,
    objectedAt: at(row.objected_at_ms),
    updatedAt: instant(row.updated_at_ms),
    packet: row.packet,
    outcome: openWords(core.box, row.work_order_id, row.outcome, 'outcome'),
  }
}

export function orderItemView(row: Selectable<OrderItemsTable>): OrderItemView {
  return {
    id: row.item_id,
    caseId: row.case_id,
    live: row.live,
    verdict: row.verdict,
    cause: row.cause,
    partsUsed: row.parts_used ?? [],
    verified: row.verified,
    finishedAt: at(row.finished_at_ms),
    verifiedAt: at(row.verified_at_ms),
  }
}

export function quoteView(core: Core, row: QuoteRecord): QuoteView {
  return {
    version: row.version,
    state: row.state,
    lines: row.lines,
    totalMinor: row.total_minor,
    reason: openWords(core.box, row.work_order_id, row.reason, 'quote.reason'),
    ifDeclined: row.if_declined,
    validUntil: instant(row.valid_until_ms),
    receivedAt: instant(row.created_at_ms),
    decidedAt: at(row.decided_at_ms),
  }
}

export function partnerEventView(row: {
  webhook_id: string
  status: string
  visit: number
  at_ms: number
  received_at_ms: number
  disposition: string
}): PartnerEventView {
  return {
    webhookId: row.webhook_id,
    status: row.status,
    visit: row.visit,
    at: instant(row.at_ms),
    receivedAt: instant(row.received_at_ms),
    disposition: row.disposition,
  }
}

export function deliveryView(row: Selectable<DeliveriesTable>): DeliveryView {
  return {
    id: row.delivery_id,
    brandId: row.brand_id,
    destinationKind: row.destination_kind,
    endpointId: row.destination_id,
    type: row.type,
    subject: row.subject,
    sequence: row.subject_sequence,
    state: row.state === 'sending' ? 'pending' : row.state,
    attempts: row.attempts,
    nextAttemptAt: row.state === 'pending' || row.state === 'sending' ? instant(row.next_at_ms) : null,
    createdAt: instant(row.created_at_ms),
    sentAt: at(row.sent_at_ms),
    lastStatus: row.last_status,
    lastError: row.last_error,
  }
}

export function noticeView(core: Core, row: Selectable<NoticesTable>, generation: number | null): NoticeView {
  return {
    id: row.notice_id,
    homeId: row.home_id,
    kind: row.kind,
    reasonCode: row.reason_code,
    caseIds: row.case_ids,
    channels: row.channels,
    failedChannels: row.tried,
    text: row.text,
    link: row.offer_id !== null && generation !== null ? offerLink(core, row.offer_id, generation) : row.link,
    sendAfter: instant(row.send_after_ms),
    expiresAt: instant(row.expires_at_ms),
    askedAt: at(row.told_at_ms),
    status: row.status,
  }
}

export function notFound(what: string, id: string): HubError {
  return new HubError('NOT_FOUND', `There is no ${what} ${id}.`)
}
