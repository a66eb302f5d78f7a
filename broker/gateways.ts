import type { Connection } from './connection.ts'
import type { Credential } from './identity.ts'
import type { BrokerLimits } from './limits.ts'
import type { BrokerOptions } from './options.ts'
import type { Presence } from './presence.ts'

/** How to reach a device behind a gateway. */
export interface ChildRoute {
  connection: Connection
  /** What the gateway calls it. */
  name: string
}

/** Devices that a gateway session has announced, for as long as it lasts. */
export class Gateways {
  readonly #find: BrokerOptions['findGatewayDevice']
  readonly #presence: Presence
  readonly #limits: BrokerLimits
  readonly #routes = new Map<string, ChildRoute>()
  /** Comings and goings of one gateway are dealt with in the order it told them. */
  readonly #tails = new WeakMap<Connection, Promise<void>>()

  constructor(find: BrokerOptions['findGatewayDevice'], presence: Presence, limits: BrokerLimits) {
    this.#find = find
    this.#presence = presence
    this.#limits = limits
  }

  routeTo(deviceId: string): ChildRoute | undefined {
    return this.#routes.get(deviceId)
  }

  /** The device of that name under this gateway; `null` when none is registered so. */
  async resolve({ brandId, deviceId }: Credential, name: string): Promise<string | null> {
    const found = await this.#find({ brandId, gatewayId: deviceId, name })
    return found?.deviceId ?? null
  }

  /** `gateway/connect`: the child is there. A second announcement changes nothing. */
  announce(connection: Connection, gateway: Credential, name: string): Promise<void> {
    return this.#inOrder(connection, async () => {
      if (connection.children.has(name) || connection.children.size >= this.#limits.devicesPerGateway) return
      const deviceId = await this.resolve(gateway, name)
      if (deviceId === null || connection.closed) return
      connection.children.set(name, deviceId)
      this.#routes.set(deviceId, { connection, name })
      this.#presence.connected(connection, { brandId: gateway.brandId, deviceId })
    })
  }

  /** `gateway/disconnect`: the child said goodbye, or the gateway says so for it. */
  withdraw(connection: Connection, name: string): Promise<void> {
    return this.#inOrder(connection, async () => this.#withdraw(connection, name, true))
  }

  /** The gateway is gone, and whoever was only seen through it. */
  closed(connection: Connection): void {
    for (const name of [...connection.children.keys()]) this.#withdraw(connection, name, connection.graceful)
  }

  /** A child was removed or given to another: forget the way to it. */
  forget(deviceId: string): void {
    const route = this.#routes.get(deviceId)
    if (route) this.#withdraw(route.connection, route.name, false)
  }

  #withdraw(connection: Connection, name: string, graceful: boolean): void {
    const deviceId = connection.children.get(name)
    if (deviceId === undefined) return
    connection.children.delete(name)
    if (this.#routes.get(deviceId)?.connection === connection) this.#routes.delete(deviceId)
    this.#presence.disconnected(connection, deviceId, graceful)
  }

  #inOrder(connection: Connection, step: () => Promise<void>): Promise<void> {
    const next = (this.#tails.get(connection) ?? Promise.resolve()).then(step)
    // One failing step reports to its own caller and does not hold up the next.
    this.#tails.set(
      connection,
      next.catch(() => {}),
    )
    return next
  }
}
