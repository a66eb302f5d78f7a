import { isIPv6 } from 'node:net'
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
    const key = limitKey(address)
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

/** IPv4 as it is; of IPv6 the /64, which is what one subscriber is given. */
export function limitKey(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)
  if (mapped) return mapped[1]!
  if (!isIPv6(address)) return address
  const [head = '', tail = ''] = address.split('%')[0]!.split('::')
  const left = head === '' ? [] : head.split(':')
  const right = tail === '' ? [] : tail.split(':')
  const zeros = address.includes('::') ? Array(Math.max(0, 8 - left.length - right.length)).fill('0') : []
  return [...left, ...zeros, ...right]
    .slice(0, 4)
    .map((part) => Number.parseInt(part, 16).toString(16))
    .join(':')
}
