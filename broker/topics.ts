import type { IdentityKind } from './identity.ts'

/** What a message is for. The access rules are this list: what has no route is refused. */
export type RouteName =
  | 'telemetry'
  | 'attributes'
  | 'attributes-request'
  | 'command-response'
  | 'device-request'
  | 'gateway-connect'
  | 'gateway-disconnect'
  | 'gateway-telemetry'
  | 'gateway-attributes'
  | 'gateway-attributes-request'
  | 'gateway-command-response'
  | 'provision'

export interface Route {
  name: RouteName
  /** The number at the end of the topic; `null` when the topic has none. */
  id: string | null
}

/** Topics the hub publishes to; each client sees only its own, whatever the name. */
export const DOWN = {
  attributes: 'v1/devices/me/attributes',
  attributesResponse: (id: string) => `v1/devices/me/attributes/response/${id}`,
  command: (id: string) => `v1/devices/me/rpc/request/${id}`,
  deviceResponse: (id: string) => `v1/devices/me/rpc/response/${id}`,
  gatewayAttributes: 'v1/gateway/attributes',
  gatewayAttributesResponse: 'v1/gateway/attributes/response',
  gatewayCommand: 'v1/gateway/rpc',
  provision: '/provision/response',
} as const

const exact = (...entries: [topic: string, name: RouteName][]): [string, Route][] =>
  entries.map(([topic, name]) => [topic, { name, id: null }])

const DEVICE_TOPICS = exact(['v1/devices/me/telemetry', 'telemetry'], ['v1/devices/me/attributes', 'attributes'])
const GATEWAY_TOPICS = exact(
  ['v1/gateway/connect', 'gateway-connect'],
  ['v1/gateway/disconnect', 'gateway-disconnect'],
  ['v1/gateway/telemetry', 'gateway-telemetry'],
  ['v1/gateway/attributes', 'gateway-attributes'],
  ['v1/gateway/attributes/request', 'gateway-attributes-request'],
  ['v1/gateway/rpc', 'gateway-command-response'],
)
const PUBLISH: Record<IdentityKind, ReadonlyMap<string, Route>> = {
  device: new Map(DEVICE_TOPICS),
  gateway: new Map([...DEVICE_TOPICS, ...GATEWAY_TOPICS]),
  provision: new Map(exact(['/provision/request', 'provision'])),
}
const NUMBERED: readonly [prefix: string, name: RouteName][] = [
  ['v1/devices/me/attributes/request/', 'attributes-request'],
  ['v1/devices/me/rpc/response/', 'command-response'],
  ['v1/devices/me/rpc/request/', 'device-request'],
]
/** Ids are whole numbers of 32 bits in the firmware that is out there. */
const NUMBER = /^\d{1,10}$/

/** Where a publish of such a client goes; `null` when the topic is not its own. */
export function publishRoute(kind: IdentityKind, topic: string): Route | null {
  const route = PUBLISH[kind].get(topic)
  if (route) return route
  if (kind === 'provision') return null
  for (const [prefix, name] of NUMBERED) {
    if (!topic.startsWith(prefix)) continue
    const id = topic.slice(prefix.length)
    return NUMBER.test(id) ? { name, id } : null
  }
  return null
}

const WILL_ROUTES: ReadonlySet<RouteName> = new Set([
  'telemetry',
  'attributes',
  'gateway-telemetry',
  'gateway-attributes',
])

/** A will is a last reading or attribute of its own; it asks nothing and answers nothing. */
export function mayBeWill(kind: IdentityKind, topic: string): boolean {
  const route = publishRoute(kind, topic)
  return route !== null && WILL_ROUTES.has(route.name)
}

const DEVICE_FILTERS = [DOWN.attributes]
const NUMBERED_FILTERS = [DOWN.attributesResponse(''), DOWN.command(''), DOWN.deviceResponse('')]
const FILTERS: Record<IdentityKind, ReadonlySet<string>> = {
  device: new Set(DEVICE_FILTERS),
  gateway: new Set([...DEVICE_FILTERS, DOWN.gatewayAttributes, DOWN.gatewayAttributesResponse, DOWN.gatewayCommand]),
  provision: new Set([DOWN.provision]),
}

/** Whether a client may subscribe to this filter: the listed ones, with `+` or a number at the end where they are numbered. */
export function maySubscribe(kind: IdentityKind, filter: string): boolean {
  if (FILTERS[kind].has(filter)) return true
  if (kind === 'provision') return false
  return NUMBERED_FILTERS.some((prefix) => {
    if (!filter.startsWith(prefix)) return false
    const last = filter.slice(prefix.length)
    return last === '+' || NUMBER.test(last)
  })
}

/** Whether a granted filter covers a topic; the only wildcard ever granted is one last `+`. */
export function covers(filter: string, topic: string): boolean {
  if (!filter.endsWith('/+')) return filter === topic
  const stem = filter.length - 1
  return topic.startsWith(filter.slice(0, stem)) && !topic.includes('/', stem)
}
