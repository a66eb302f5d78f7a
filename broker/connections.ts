import type { Connection } from './connection.ts'

/** All open connections, and who is behind them. */
export class Connections {
  readonly #all = new Set<Connection>()
  readonly #byDevice = new Map<string, Set<Connection>>()
  readonly #bySession = new Map<string, Connection>()
  /** Raised by each revocation, so that a look-up begun before it is not believed after it. */
  revocations = 0

  get size(): number {
    return this.#all.size
  }

  get clientCount(): number {
    return this.#bySession.size
  }

  all(): Iterable<Connection> {
    return this.#all
  }

  add(connection: Connection): void {
    this.#all.add(connection)
  }

  /** CONNECT was accepted. A connection already under this session key is about to be taken over. */
  identified(connection: Connection): void {
    this.#bySession.set(connection.sessionKey, connection)
    const device = connection.device
    if (!device) return
    const connections = this.#byDevice.get(device.deviceId) ?? new Set()
    this.#byDevice.set(device.deviceId, connections.add(connection))
  }

  remove(connection: Connection): void {
    this.#all.delete(connection)
    if (this.ownsSession(connection)) this.#bySession.delete(connection.sessionKey)
    const device = connection.device
    if (!device) return
    const connections = this.#byDevice.get(device.deviceId)
    connections?.delete(connection)
    if (connections?.size === 0) this.#byDevice.delete(device.deviceId)
  }

  bySession(sessionKey: string): Connection | undefined {
    return this.#bySession.get(sessionKey)
  }

  /** False once another connection has taken the session over. */
  ownsSession(connection: Connection): boolean {
    return this.#bySession.get(connection.sessionKey) === connection
  }

  /** Oldest first. */
  ofDevice(deviceId: string): Connection[] {
    return [...(this.#byDevice.get(deviceId) ?? [])]
  }

  ofCredential(credentialId: string): Connection[] {
    return [...this.#all].filter((connection) => connection.device?.credentialId === credentialId)
  }
}
