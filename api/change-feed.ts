import type { BridgeChange } from '#service-bridge'

/** What changed in cases, offers and orders, as it happens; one for the whole hub. */
export interface ChangeFeed {
  /** For the bridge's `onChanged`. */
  publish(change: BridgeChange): void
  /** From now on, changes of one brand. Disposing ends it. */
  subscribe(brandId: string, listener: (change: BridgeChange) => void): Disposable
}

/** Changes of the service loop, for whoever watches a brand live. */
export function createChangeFeed(): ChangeFeed {
  const listeners = new Map<string, Set<(change: BridgeChange) => void>>()
  return {
    publish(change) {
      for (const listener of listeners.get(change.brandId) ?? []) listener(change)
    },
    subscribe(brandId, listener) {
      const ofBrand = listeners.get(brandId) ?? new Set()
      listeners.set(brandId, ofBrand.add(listener))
      return {
        [Symbol.dispose]() {
          ofBrand.delete(listener)
          if (ofBrand.size === 0 && listeners.get(brandId) === ofBrand) listeners.delete(brandId)
        },
      }
    },
  }
}
