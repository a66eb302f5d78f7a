import { subscriberOf } from '#platform'
import { TokenBucket } from './token-bucket.ts'

/** Addresses remembered at once. One host can speak from any number of IPv6 addresses. */
const ADDRESSES_MAX = 100_000

/** A token bucket per address, forgotten once full again. */
export class AddressLimit {
  readonly #perSecond: number
  readonly #burst: number
  readonly #buckets = new Map<string, TokenBucket>()

  constructor({ perSecond, burst = perSecond }: { perSecond: number; burst?: number }) {
    this.#perSecond = perSecond
    this.#burst = burst
  }

  /** Whether one more from this address is let in now. */
  allow(address: string, nowMs: number): boolean {
    const key = subscriberOf(address)
    let bucket = this.#buckets.get(key)
    if (!bucket) {
      if (this.#buckets.size >= ADDRESSES_MAX) this.#makeRoom(nowMs)
      bucket = new TokenBucket({ perSecond: this.#perSecond, burst: this.#burst, nowMs })
      this.#buckets.set(key, bucket)
    }
    return bucket.tryTake(nowMs)
  }

  /** Forgets who has been quiet; when all are busy, the one seen first. */
  #makeRoom(nowMs: number): void {
    for (const [key, bucket] of this.#buckets) if (bucket.full(nowMs)) this.#buckets.delete(key)
    if (this.#buckets.size < ADDRESSES_MAX) return
    for (const key of this.#buckets.keys()) {
      this.#buckets.delete(key)
      return
    }
  }
}
