import { isIP } from 'node:net'

export type ProxyHeader =
  | { state: 'incomplete' }
  | { state: 'invalid'; detail: string }
  /** `address` is `null` when the balancer speaks for itself (a health check). */
  | { state: 'complete'; length: number; address: string | null }

/** `PROXY TCP6` with two longest addresses and ports, and CRLF. */
const V1_BYTES_MAX = 107
const V1_START = Buffer.from('PROXY ')
const V2_SIGNATURE = Buffer.from('0d0a0d0a000d0a515549540a', 'hex')
const V2_FIXED_BYTES = 16
/** Addresses and the extra fields balancers add; more is not a header. */
const V2_BODY_BYTES_MAX = 2_048

const invalid = (detail: string): ProxyHeader => ({ state: 'invalid', detail })

/** Reads a PROXY protocol header, version 1 (text) or 2 (binary), from the start of a stream. */
export function parseProxyHeader(bytes: Buffer): ProxyHeader {
  if (beginsLike(bytes, V2_SIGNATURE)) return parseV2(bytes)
  if (beginsLike(bytes, V1_START)) return parseV1(bytes)
  return invalid('no PROXY header; a trusted balancer has to send one')
}

/** As far as there are bytes, they agree. */
function beginsLike(bytes: Buffer, start: Buffer): boolean {
  const length = Math.min(bytes.length, start.length)
  return bytes.subarray(0, length).equals(start.subarray(0, length))
}

function parseV1(bytes: Buffer): ProxyHeader {
  const end = bytes.subarray(0, V1_BYTES_MAX).indexOf('\r\n')
  if (end < 0) return bytes.length < V1_BYTES_MAX ? { state: 'incomplete' } : invalid('a PROXY line without an end')
  const [, protocol, source = ''] = bytes.toString('latin1', 0, end).split(' ')
  const length = end + 2
  if (protocol === 'UNKNOWN') return { state: 'complete', length, address: null }
  const family = protocol === 'TCP4' ? 4 : protocol === 'TCP6' ? 6 : 0
  if (family === 0 || isIP(source) !== family) return invalid('a PROXY line without a TCP address')
  return { state: 'complete', length, address: source }
}

function parseV2(bytes: Buffer): ProxyHeader {
  if (bytes.length < V2_FIXED_BYTES) return { state: 'incomplete' }
  const versionAndCommand = bytes[12]!
  const family = bytes[13]!
  const bodyLength = bytes.readUInt16BE(14)
  if (versionAndCommand >> 4 !== 2) return invalid('a PROXY header of an unknown version')
  if (bodyLength > V2_BODY_BYTES_MAX) return invalid('a PROXY header of more than 2 KiB')
  const length = V2_FIXED_BYTES + bodyLength
  if (bytes.length < length) return { state: 'incomplete' }
  const command = versionAndCommand & 0x0f
  if (command === 0) return { state: 'complete', length, address: null }
  if (command !== 1) return invalid('a PROXY header with an unknown command')
  const body = bytes.subarray(V2_FIXED_BYTES, length)
  if (family === 0x11 && bodyLength >= 12) return { state: 'complete', length, address: body.subarray(0, 4).join('.') }
  if (family === 0x21 && bodyLength >= 36) return { state: 'complete', length, address: ipv6(body) }
  return invalid('a PROXY header without a TCP address')
}

function ipv6(bytes: Buffer): string {
  return Array.from({ length: 8 }, (_, i) => bytes.readUInt16BE(i * 2).toString(16)).join(':')
}
