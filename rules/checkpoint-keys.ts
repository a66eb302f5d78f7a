/**
 * Kinds of checkpoint entries. The leading digit makes the order of keys an order of dependence:
 * a device needs its product and rules, its state needs the device.
 */
const PREFIX = {
  hub: '1:hub',
  changes: '1:changes',
  brand: '1:brand',
  product: '1:product',
  rule: '1:rule',
  parameter: '1:parameter',
  silence: '1:silence',
  window: '1:window',
  life: '1:life',
  facts: '2:facts',
  device: '3:device',
} as const

export type EntryKind = keyof typeof PREFIX

export function registryKey(kind: EntryKind, brandId: string, id: string): string {
  return `${PREFIX[kind]}:${brandId}/${id}`
}

export function parseKey(key: string): { kind: EntryKind; brandId: string; id: string } | null {
  const [rank, name, ...rest] = key.split(':')
  const kind = (Object.keys(PREFIX) as EntryKind[]).find((candidate) => PREFIX[candidate] === `${rank}:${name}`)
  if (!kind) return null
  const path = rest.join(':')
  const slash = path.indexOf('/')
  return { kind, brandId: path.slice(0, slash), id: path.slice(slash + 1) }
}
