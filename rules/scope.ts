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
    (to === undefined || compareVersions(firmware, to) <= 0 || isOf(firmware, to))
  )
}

/**
 * Orders versions as Semantic Versioning does, for any number of dotted parts: numbers as numbers, a missing part
 * as 0, what follows a hyphen before the release it leads to, what follows a plus not at all. A leading v is only dress.
 *
 * @example compareVersions('1.10', '1.9') // => 1
 * @example compareVersions('1.4.2-rc.1', '1.4.2') // => -1
 */
export function compareVersions(a: string, b: string): -1 | 0 | 1 {
  const [left, right] = [partsOf(a), partsOf(b)]
  const release = compareParts(left.release, right.release, '0')
  if (release !== 0) return release
  if (left.ahead.length === 0 || right.ahead.length === 0)
    return Math.sign(right.ahead.length - left.ahead.length) as -1 | 0 | 1
  return compareParts(left.ahead, right.ahead, '')
}

/** Whether a version is one of those an upper end names: `1.4` takes in 1.4.9, `1.4.2` takes in 1.4.2.1. */
function isOf(version: string, end: string): boolean {
  const { release } = partsOf(version)
  const parts = partsOf(end)
  return (
    parts.ahead.length === 0 && parts.release.every((part, i) => compareParts([release[i] ?? '0'], [part], '0') === 0)
  )
}

function partsOf(version: string): { release: string[]; ahead: string[] } {
  const [bare = ''] = version
    .trim()
    .replace(/^v(?=\d)/i, '')
    .split('+')
  const hyphen = bare.indexOf('-')
  return hyphen < 0
    ? { release: bare.split('.'), ahead: [] }
    : { release: bare.slice(0, hyphen).split('.'), ahead: bare.slice(hyphen + 1).split('.') }
}

/** Part by part; numbers come before words, and by their size. */
function compareParts(left: readonly string[], right: readonly string[], missing: string): -1 | 0 | 1 {
  for (let i = 0; i < Math.max(left.length, right.length); i++) {
    const l = left[i] ?? missing
    const r = right[i] ?? missing
    if (l === r) continue
    const [ln, rn] = [/^\d+$/.test(l), /^\d+$/.test(r)]
    const order =
      ln && rn ? Number(l) - Number(r) : ln !== rn ? (l === '' || (r !== '' && ln) ? -1 : 1) : l < r ? -1 : 1
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
