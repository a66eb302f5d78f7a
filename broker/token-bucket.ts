/**
 * Lets `perSecond` through on average and a burst of as much at once. May go into debt, so
 * that a batch already in hand is passed whole and paid for by waiting afterwards.
 */
export class TokenBucket {
  readonly #perSecond: number
  readonly #burst: number
  #tokens: number
  #atMs: number

  constructor({ perSecond, burst = perSecond, nowMs }: { perSecond: number; burst?: number; nowMs: number }) {
    this.#perSecond = perSecond
    this.#burst = burst
    this.#tokens = burst
    this.#atMs = nowMs
  }

  /** Takes one token when there is one. */
  tryTake(nowMs: number): boolean {
    this.#refill(nowMs)
    if (this.#tokens < 1) return false
    this.#tokens -= 1
    return true
  }

  /** Takes `count`, into debt if need be. */
  take(count: number, nowMs: number): void {
    this.#refill(nowMs)
    this.#tokens -= count
  }

  /** Milliseconds until the debt is paid; 0 when there is none. */
  debtMs(nowMs: number): number {
    this.#refill(nowMs)
    return this.#tokens >= 0 ? 0 : Math.ceil((-this.#tokens / this.#perSecond) * 1_000)
  }

  /** Nothing was taken for so long that forgetting the bucket changes nothing. */
  full(nowMs: number): boolean {
    this.#refill(nowMs)
    return this.#tokens >= this.#burst
  }

  #refill(nowMs: number): void {
    // A clock that steps back gives nothing and takes nothing.
    const elapsedMs = Math.max(0, nowMs - this.#atMs)
    this.#tokens = Math.min(this.#burst, this.#tokens + (elapsedMs / 1_000) * this.#perSecond)
    this.#atMs = nowMs
  }
}
