import { type Clock, tokenHash } from '#platform'
import type { Principal } from './access.ts'

export interface KeyCheck {
  /** Who holds the key; `null` when it is unknown, revoked or expired. */
  principalOf(key: string): Promise<Principal | null>
  /** Forgets what was looked up: call after any key was revoked. */
  forget(): void
}

/** Keys in use at one time; a hub has tens, a large one thousands. */
const CACHED_MAX = 5_000
/** Another process of the same hub may revoke a key; this long at most it still works here. */
const CACHED_MS = 2_000

/**
 * Looks keys up by their hash and keeps the answer for a moment. A lookup under way while a
 * key is revoked is not kept: it may have read the row as it was.
 */
export function createKeyCheck(options: {
  findKey: (hash: string) => Promise<Principal | null>
  clock: Clock
}): KeyCheck {
  const { findKey, clock } = options
  const cache = new Map<string, { principal: Principal; untilMs: number }>()
  let generation = 0

  const alive = (principal: Principal): boolean =>
    principal.expiresAtMs === null || clock.nowMs() < principal.expiresAtMs

  return {
    async principalOf(key) {
      const hash = tokenHash(key)
      const cached = cache.get(hash)
      if (cached && clock.nowMs() < cached.untilMs) return alive(cached.principal) ? cached.principal : null
      cache.delete(hash)
      const before = generation
      const principal = await findKey(hash)
      // Unknown keys are not kept: guesses must not push the real ones out.
      if (!principal || !alive(principal)) return null
      if (before === generation) {
        if (cache.size >= CACHED_MAX) cache.delete(cache.keys().next().value!)
        cache.set(hash, { principal, untilMs: clock.nowMs() + CACHED_MS })
      }
      return principal
    },
    forget() {
      generation++
      cache.clear()
    },
  }
}
