import type { DeviceFacts, ProductDocument, RuleScope } from '#contracts'

/** What a rule's scope is compared with. */
export interface ScopeSubject {
  facts: DeviceFacts
  product: ProductDocument
  /** From the device's attributes; unknown firmware lies in no range. */
  firmware: string | null
}

export function inScope(scope: RuleScope, { facts, product, firmware }: ScopeSubject): boolean {
  if (scope.product !== undefined && scope.product !== product.key) return false
  if (scope.category !== undefined && scope.category !== product.category) return false
  if (scope.region !== undefined && !facts.region?.startsWith(scope.region)) return false
  if (scope.tags?.some((tag) => !facts.tags.includes(tag))) return false
  if (scope.firmware === undefined) return true
  if (firmware === null) return false
  const { from, to } = scope.firmware
  return (
    (from === undefined || compareVersions(firmware, from) >= 0) &&
    (to === undefined || compareVersions(firmware, to) <= 0)
  )
}

/**
 * Orders dotted versions part by part, numbers as numbers; a missing part counts as 0.
 *
 * @example compareVersions('1.10', '1.9') // => 1
 */
export function compareVersions(a: string, b: string): -1 | 0 | 1 {
  const left = a.split('.')
  const right = b.split('.')
  for (let i = 0; i < Math.max(left.length, right.length); i++) {
    const l = left[i] ?? '0'
    const r = right[i] ?? '0'
    const numeric = /^\d+$/.test(l) && /^\d+$/.test(r)
    const order = numeric ? Number(l) - Number(r) : l < r ? -1 : l > r ? 1 : 0
    if (order !== 0) return order < 0 ? -1 : 1
  }
  return 0
}

/** Whether a device belongs to the share of the fleet a rule is tried on. Stable: raising the share only adds. */
export function inCanary(deviceId: string, share: number): boolean {
  if (share >= 1) return true
  let hash = 0x811c9dc5
  for (let i = 0; i < deviceId.length; i++) hash = Math.imul(hash ^ deviceId.charCodeAt(i), 0x01000193) >>> 0
  hash = Math.imul(hash ^ (hash >>> 15), 0x85ebca6b) >>> 0
  return (hash ^ (hash >>> 13)) >>> 0 < share * 2 ** 32
}
