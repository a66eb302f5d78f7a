import { BlockList, isIPv4, isIPv6 } from 'node:net'
import { HubError } from '#platform'
import { createResolveHost, type ResolveHost } from './resolve-host.ts'

/**
 * Where webhooks may go. A URL is a brand's or partner's own words, so it could point at the
 * hub's neighbours: every address behind it is checked when it is saved and again at each
 * sending, and the connection goes to the very address that was checked.
 */

/** Address space that is not the public internet (IANA special-purpose registries). */
const FORBIDDEN_V4: readonly (readonly [net: string, prefix: number])[] = [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.31.196.0', 24],
  ['192.52.193.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['192.175.48.0', 24],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
]

/** In IPv6 only 2000::/3 is handed out; of that, these are special. */
const FORBIDDEN_V6: readonly (readonly [net: string, prefix: number])[] = [
  ['2001::', 23],
  ['2001:db8::', 32],
  ['3fff::', 20],
]
const GLOBAL_V6 = new BlockList()
GLOBAL_V6.addSubnet('2000::', 3, 'ipv6')

const forbidden = new BlockList()
for (const [net, prefix] of FORBIDDEN_V4) forbidden.addSubnet(net, prefix, 'ipv4')
for (const [net, prefix] of FORBIDDEN_V6) forbidden.addSubnet(net, prefix, 'ipv6')

const loopback = new BlockList()
loopback.addSubnet('127.0.0.0', 8, 'ipv4')
loopback.addAddress('::1', 'ipv6')

/** The eight 16-bit groups of an IPv6 address, dotted tails included. */
function groupsOf(address: string): number[] {
  const dotted = /^(.*:)(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(address)
  const plain = dotted
    ? `${dotted[1]}${((Number(dotted[2]) << 8) | Number(dotted[3])).toString(16)}:${((Number(dotted[4]) << 8) | Number(dotted[5])).toString(16)}`
    : address
  const [head = '', tail] = plain.split('::')
  const left = head ? head.split(':') : []
  const right = tail ? tail.split(':') : []
  const fill = tail === undefined ? 0 : 8 - left.length - right.length
  return [...left, ...Array<string>(fill).fill('0'), ...right].map((group) => Number.parseInt(group, 16))
}

function v4Of(high: number, low: number): string {
  return [high >> 8, high & 255, low >> 8, low & 255].join('.')
}

/**
 * The IPv4 address an IPv6 one stands for: mapped, compatible, NAT64 (both prefixes) and
 * 6to4; `null` when there is none. Such a packet ends up at the IPv4 address.
 */
function embeddedV4(groups: readonly number[]): string | null {
  const [a, b, c, d, e, f, g, h] = groups as [number, number, number, number, number, number, number, number]
  const zeroTo = (count: number): boolean => groups.slice(0, count).every((group) => group === 0)
  if (zeroTo(5) && f === 0xffff) return v4Of(g, h)
  if (zeroTo(4) && e === 0xffff && f === 0) return v4Of(g, h)
  if (zeroTo(6)) return v4Of(g, h)
  if (a === 0x64 && b === 0xff9b) return c === 1 ? v4Of(g, h) : v4Of(g, h)
  if (a === 0x2002) return v4Of(b, c)
  if (a === 0x2001 && b === 0 && d !== undefined) return v4Of(g ^ 0xffff, h ^ 0xffff)
  return null
}

/** Whether a packet to this address could reach something that is not public. */
export function isForbiddenAddress(address: string, options: { allowLoopback?: boolean } = {}): boolean {
  const bare = address.split('%')[0] ?? ''
  if (isIPv4(bare)) {
    if (options.allowLoopback && loopback.check(bare, 'ipv4')) return false
    return forbidden.check(bare, 'ipv4')
  }
  if (!isIPv6(bare)) return true
  if (options.allowLoopback && loopback.check(bare, 'ipv6')) return false
  const v4 = embeddedV4(groupsOf(bare))
  // No receiver needs a tunnel or translation prefix: whatever it embeds, it is refused.
  if (v4 !== null) return true
  return !GLOBAL_V6.check(bare, 'ipv6') || forbidden.check(bare, 'ipv6')
}

export interface GuardOptions {
  allowLoopback: boolean
  /** Every address of a name; replaced only by tests. */
  resolveHost?: ResolveHost
}

/** Names and addresses of one host: more than any honest receiver has. */
const ADDRESSES_MAX = 32
const URL_LENGTH_MAX = 2_000

const resolveByDns = createResolveHost()

function refuse(detail: string): never {
  throw new HubError('ADDRESS_FORBIDDEN', detail)
}

export interface GuardedUrl {
  url: URL
  /** The one address to connect to; it was checked. */
  address: string
  family: 4 | 6
}

/**
 * Checks a webhook URL and everything it resolves to; throws ADDRESS_FORBIDDEN with what is
 * wrong. Fails closed: a name that does not resolve, or resolves to one bad address among
 * good ones, is refused.
 */
export async function guardUrl(text: string, options: GuardOptions): Promise<GuardedUrl> {
  if (text.length > URL_LENGTH_MAX) refuse(`The address is longer than ${URL_LENGTH_MAX} characters.`)
  // The URL parser already turns decimal, octal, hexadecimal and short IPv4 forms into dotted ones.
  const url = URL.parse(text) ?? refuse('This is not a URL. Give one like https://partner.example/hooks.')
  const host = url.hostname.replace(/^\[|\]$/g, '').replace(/\.$/, '')
  if (host === '') refuse('The URL names no host.')
  if (url.username || url.password)
    refuse('A URL with a user name or password is not called; the signature proves who calls.')
  if (url.hash) refuse('A URL with a fragment is not called; leave out everything from # on.')

  const addresses = isIPv4(host) || isIPv6(host) ? [host] : await resolveName(host, options)
  for (const address of addresses) {
    if (isForbiddenAddress(address, options)) {
      refuse(`${host} leads to an address that is not public. Webhooks go to public addresses only.`)
    }
  }
  const address = addresses[0] ?? refuse(`${host} has no address.`)
  const toLoopback = loopback.check(address, isIPv4(address) ? 'ipv4' : 'ipv6')
  if (url.protocol !== 'https:' && !(options.allowLoopback && toLoopback && url.protocol === 'http:')) {
    refuse(`Webhooks go over https; this is ${url.protocol.replace(':', '')}.`)
  }
  return { url, address, family: isIPv4(address) ? 4 : 6 }
}

async function resolveName(host: string, options: GuardOptions): Promise<readonly string[]> {
  let addresses: readonly string[]
  try {
    addresses = await (options.resolveHost ?? resolveByDns)(host)
  } catch (cause) {
    throw new HubError('ADDRESS_FORBIDDEN', `${host} cannot be resolved now, so it is not called.`, { cause })
  }
  if (addresses.length > ADDRESSES_MAX) refuse(`${host} has more than ${ADDRESSES_MAX} addresses.`)
  return addresses
}
