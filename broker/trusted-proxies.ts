import { BlockList, isIP, type Socket } from 'node:net'
import { HubError } from '#platform'
import { parseProxyHeader } from './proxy-header.ts'

/** Balancers whose word about a device's address is taken. */
export class TrustedProxies {
  readonly #list = new BlockList()

  /** Addresses or CIDR ranges. Throws `CONFIG_INVALID` on anything else. */
  constructor(addresses: readonly string[]) {
    for (const address of addresses) {
      const [base = '', prefix] = address.split('/')
      const version = isIP(base)
      const bits = prefix === undefined ? null : Number(prefix)
      const bitsMax = version === 6 ? 128 : 32
      if (version === 0 || (bits !== null && !(Number.isInteger(bits) && bits >= 0 && bits <= bitsMax))) {
        throw new HubError(
          'CONFIG_INVALID',
          `HUB_PROXY_PROTOCOL: "${address}" is neither an address nor a range like 10.0.0.0/8.`,
        )
      }
      const family = version === 6 ? 'ipv6' : 'ipv4'
      if (bits === null) this.#list.addAddress(base, family)
      else this.#list.addSubnet(base, bits, family)
    }
  }

  trusts(address: string): boolean {
    const plain = address.replace(/^::ffff:(?=\d+\.)/i, '')
    return this.#list.check(plain, isIP(plain) === 6 ? 'ipv6' : 'ipv4')
  }

  /**
   * Reads the header off the front of a balancer's connection and leaves the rest unread.
   * Calls back with the device's address; `null` when what came is no header.
   */
  readHeader(socket: Socket, done: (address: string | null) => void): void {
    let held: Buffer = Buffer.alloc(0)
    const read = (): void => {
      const chunk = socket.read() as Buffer | null
      if (chunk === null) return
      held = held.length === 0 ? chunk : Buffer.concat([held, chunk])
      const header = parseProxyHeader(held)
      if (header.state === 'incomplete') return
      socket.off('readable', read)
      if (header.state === 'invalid') {
        done(null)
        return
      }
      if (held.length > header.length) socket.unshift(held.subarray(header.length))
      done(header.address ?? socket.remoteAddress ?? '')
    }
    socket.on('readable', read)
    read()
  }
}
