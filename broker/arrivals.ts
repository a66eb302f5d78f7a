import type { Socket } from 'node:net'
import { type Clock, realClock } from '#platform'
import { AddressLimit } from './address-limit.ts'
import type { BrokerLimits } from './limits.ts'
import type { Counters, CutReason } from './stats.ts'

/** A lost peer says nothing; the system asks after this. */
const TCP_KEEPALIVE_MS = 60_000

/**
 * Sockets between accept and a proven identity. Each has until the CONNECT deadline to say
 * who it is, there is room for so many at a time, and when the room is full the one that has
 * stood there longest makes way: who is slow on purpose loses to who is not.
 */
export class Arrivals {
  readonly #limits: BrokerLimits
  readonly #counters: Counters
  readonly #clock: Clock
  readonly #perAddress: AddressLimit
  /** In order of arrival, each with its deadline. */
  readonly #waiting = new Map<Socket, Disposable>()
  #open = 0

  constructor(limits: BrokerLimits, counters: Counters, clock: Clock = realClock) {
    this.#limits = limits
    this.#counters = counters
    this.#clock = clock
    this.#perAddress = new AddressLimit({ perSecond: limits.connectionsPerSecond })
  }

  /** Sockets open on any listener. */
  get open(): number {
    return this.#open
  }

  /** A socket was accepted; false when it was turned away at once. */
  enter(socket: Socket): boolean {
    socket.on('error', () => {})
    if (this.#open >= this.#limits.connectionsMax) {
      this.turnAway(socket, 'connections_max')
      return false
    }
    this.#open++
    socket.setNoDelay(true)
    socket.setKeepAlive(true, TCP_KEEPALIVE_MS)
    const deadline = this.#clock.setTimeout(() => this.turnAway(socket, 'connect_timeout'), this.#limits.connectMs)
    this.#waiting.set(socket, deadline)
    socket.once('close', () => {
      this.#open--
      this.proved(socket)
    })
    if (this.#waiting.size > this.#limits.unauthenticatedMax) {
      const [longest] = this.#waiting.keys()
      if (longest) this.turnAway(longest, 'unauthenticated_max')
    }
    return true
  }

  /** Its address is known now; false when that address opens too many. */
  allow(socket: Socket, address: string): boolean {
    if (this.#perAddress.allow(address, this.#clock.nowMs())) return true
    this.turnAway(socket, 'connection_rate')
    return false
  }

  /** A whole CONNECT was read: its answer has a limit of its own. */
  heard(socket: Socket): void {
    this.#waiting.get(socket)?.[Symbol.dispose]()
  }

  /** It is a client now, or gone. */
  proved(socket: Socket): void {
    this.heard(socket)
    this.#waiting.delete(socket)
  }

  /** It has proved who it is. */
  isClient(socket: Socket): boolean {
    return !this.#waiting.has(socket)
  }

  /** Closes a socket that never became a client. */
  turnAway(socket: Socket, reason: CutReason): void {
    this.#counters.countCut(reason)
    this.proved(socket)
    socket.destroy()
  }

  /** Hangs up on all who wait. */
  clear(): void {
    for (const socket of [...this.#waiting.keys()]) socket.destroy()
  }
}
