import type { CaseEnd, CaseState, FleetHold } from '#contracts'
import type { HubApi } from '#simulators'

/** A case as the list tells it. */
export interface CaseRow {
  id: string
  deviceId: string
  homeId: string | null
  component: string
  state: CaseState
  end: CaseEnd | null
  source: 'alert' | 'reported'
  needsReview: string | null
  workOrderId: string | null
}

export interface CaseHistory extends CaseRow {
  events: { event: string; from: CaseState | null; to: CaseState; row: string; at: string; why: string | null }[]
}

const PAGE = 200

/** A whole list, page by page. */
export async function listAll<T>(api: HubApi, path: string): Promise<T[]> {
  const items: T[] = []
  for (let cursor: string | null = null; ; ) {
    const more = `${path.includes('?') ? '&' : '?'}limit=${PAGE}${cursor === null ? '' : `&cursor=${encodeURIComponent(cursor)}`}`
    const page: { items: T[]; nextCursor: string | null } = await api.get(path + more)
    items.push(...page.items)
    cursor = page.nextCursor
    if (cursor === null) return items
  }
}

/** What somebody at the brand does every morning: whatever the storm guard held is looked at and let go. */
export async function releaseHolds(brand: HubApi): Promise<number> {
  const holds = await listAll<FleetHold>(brand, '/api/fleet-holds?state=held')
  for (const { id } of holds) await brand.post(`/api/fleet-holds/${id}/release`, { reason: 'looked at: real wear' })
  return holds.length
}

/** Two live cases of one component, in words. */
export function doubleCases(cases: readonly CaseRow[], over: ReadonlySet<CaseState>): string[] {
  const live = new Map<string, string>()
  const violations: string[] = []
  for (const one of cases) {
    if (over.has(one.state)) continue
    const key = `${one.deviceId} ${one.component}`
    if (live.has(key)) violations.push(`${key} has two live cases, ${live.get(key)} and ${one.id}`)
    live.set(key, one.id)
  }
  return violations
}
