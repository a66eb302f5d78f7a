import type { CloudEvent, WorkOrderPacket } from '#contracts'
import { EVENT_TYPE_PREFIX } from '#contracts'
import { type HubApi, HubApiError } from '../hub-api.ts'
import type { LedgerOrder, OrderLedger } from './order-ledger.ts'

/** What came from the hub, however it came. */
export type OrderNews =
  | { kind: 'created'; packet: WorkOrderPacket; webhookId: string | null }
  | { kind: 'cancelled'; orderId: string }
  | { kind: 'quote_decided'; orderId: string; version: number; decision: string; goesOn: boolean }
  | { kind: 'ended'; orderId: string; end: string }
  | { kind: 'other'; orderId: string; type: string }

const ENDS = /^work_order\.(verified|not_fixed|not_observed|unverified)$/

/** An event of the hub in the partner's words. */
export function newsOf(event: CloudEvent, webhookId: string): OrderNews {
  const type = event.type.slice(EVENT_TYPE_PREFIX.length)
  const data = event.data as { workOrderId?: string; version?: number; decision?: string; next?: string }
  const orderId = data.workOrderId ?? event.subject ?? ''
  if (type === 'work_order.created') return { kind: 'created', packet: event.data as WorkOrderPacket, webhookId }
  if (type === 'work_order.cancelled') return { kind: 'cancelled', orderId }
  if (type === 'work_order.quote_decided')
    return {
      kind: 'quote_decided',
      orderId,
      version: data.version ?? 0,
      decision: data.decision ?? '',
      goesOn: data.next === 'continue',
    }
  const end = ENDS.exec(type)?.[1]
  return end ? { kind: 'ended', orderId, end } : { kind: 'other', orderId, type }
}

interface PolledOrder {
  id: string
  state: string
  packet: WorkOrderPacket
}

const PAGE = 200
/** What the hub calls an order this partner need not go to any more. */
const CALLED_OFF: ReadonlySet<string> = new Set(['cancelled', 'rejected', 'failed'])

/** Looks for orders as a partner without a server does: the new ones by list, its own open ones one by one. */
export async function pollOrders(api: HubApi, ledger: OrderLedger): Promise<OrderNews[]> {
  const news: OrderNews[] = []
  for (let cursor: string | null = null; ; ) {
    const page: { items: PolledOrder[]; nextCursor: string | null } = await api.get(
      `/partner/v1/work-orders?status=sent&limit=${PAGE}${cursor === null ? '' : `&cursor=${encodeURIComponent(cursor)}`}`,
    )
    for (const { id, packet } of page.items)
      if (!ledger.orders.has(id)) news.push({ kind: 'created', packet, webhookId: null })
    cursor = page.nextCursor
    if (cursor === null) break
  }
  for (const order of ledger.orders.values()) {
    if (order.cancelled || order.statuses.includes('completed')) continue
    const now = await lookAt(api, order)
    if (now === null || CALLED_OFF.has(now.state)) news.push({ kind: 'cancelled', orderId: order.id })
  }
  return news
}

async function lookAt(api: HubApi, order: LedgerOrder): Promise<PolledOrder | null> {
  try {
    return await api.get<PolledOrder>(`/partner/v1/work-orders/${order.id}`)
  } catch (error) {
    if (error instanceof HubApiError && error.problem.status === 404) return null
    throw error
  }
}
