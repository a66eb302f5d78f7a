import { instant, type PartnerEvent, type SiteAddress } from '#contracts'
import { realClock } from '#platform'
import { type HubApi, HubApiError } from '../hub-api.ts'
import type { LedgerOrder } from './order-ledger.ts'
import { signWebhook } from './webhook-signature.ts'

/** The hub says with these that the order is no longer the partner's to speak of. */
const NO_LONGER_OURS: readonly number[] = [404, 409, 410]
/** What the hub may lawfully refuse of what a muddled partner says. */
const NOT_SO = 422

/** How the partner speaks to the hub: signed events, and looks at an address. */
export class PartnerLine {
  readonly #open: HubApi
  #keyed: HubApi
  #secret: string | null = null
  #events = 0

  constructor(hub: HubApi) {
    this.#open = hub.as(null)
    this.#keyed = hub.as(null)
  }

  equip({ secret, apiKey }: { secret: string; apiKey: string }): void {
    this.#secret = secret
    this.#keyed = this.#open.as(apiKey)
  }

  get secret(): string | null {
    return this.#secret
  }

  /** With the partner's API key. */
  get api(): HubApi {
    return this.#keyed
  }

  /** False when the hub wants nothing more to be said of this order; a refused word alone is only that. */
  async say(
    order: LedgerOrder,
    atMs: number,
    event: PartnerEvent,
    { twice = false } = {},
  ): Promise<'said' | 'refused' | 'over'> {
    const body = JSON.stringify({
      visit: Math.max(1, order.visits),
      at: instant(atMs),
      ...event,
    } satisfies PartnerEvent)
    const id = this.#newId(order)
    // The second under the same id has no effect; the third is old news.
    for (const one of twice ? [id, id, this.#newId(order)] : [id]) {
      const answer = await this.#post(order, body, one)
      if (answer !== 'said') return answer
    }
    return 'said'
  }

  /** Looks at the address as a technician would, and forgets it. False when it is not, or no longer, to be seen. */
  async lookAtSite(order: LedgerOrder): Promise<boolean> {
    try {
      const site = await this.#keyed.get<SiteAddress>(order.packet.links.site)
      if (site.consent.id) order.siteReads++
      return true
    } catch (error) {
      if (error instanceof HubApiError && [403, ...NO_LONGER_OURS].includes(error.problem.status)) return false
      throw error
    }
  }

  #newId(order: LedgerOrder): string {
    return `pe_${order.id}_${this.#events++}`
  }

  async #post(order: LedgerOrder, body: string, id: string): Promise<'said' | 'refused' | 'over'> {
    try {
      await this.#open.post(order.packet.links.events, null, {
        // Signed at each attempt: a hub that was away for long would find the first signature too old.
        headers: () => ({ ...signWebhook(this.#secret!, { id, body, nowMs: realClock.nowMs() }) }),
        raw: { type: 'application/json', text: body },
      })
      return 'said'
    } catch (error) {
      if (!(error instanceof HubApiError)) throw error
      if (NO_LONGER_OURS.includes(error.problem.status)) return 'over'
      if (error.problem.status === NOT_SO) return 'refused'
      throw error
    }
  }
}
