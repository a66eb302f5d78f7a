import type { Clock } from '#platform'
import type { Connection } from './connection.ts'
import type { PresenceChange } from './options.ts'

interface Present {
  brandId: string
  epoch: number
  /** Connections that show the device is there: its own, or a gateway's that announced it. */
  holders: Set<Connection>
}

/**
 * Who is there. A device is connected from its first connection to the end of its last, and
 * each connect begins an epoch, so that a reader can tell a late goodbye from a new one.
 */
export class Presence {
  readonly #clock: Clock
  readonly #report: (change: PresenceChange) => void
  readonly #present = new Map<string, Present>()
  /** Last epoch of devices that left within the present millisecond of hub time. */
  readonly #justLeft = new Map<string, number>()
  #latestMs = 0

  constructor(clock: Clock, report: (change: PresenceChange) => void) {
    this.#clock = clock
    this.#report = report
  }

  isPresent(deviceId: string): boolean {
    return this.#present.has(deviceId)
  }

  connected(connection: Connection, { brandId, deviceId }: { brandId: string; deviceId: string }): void {
    const known = this.#present.get(deviceId)
    const nowMs = this.#now()
    const epoch = Math.max(nowMs, (known?.epoch ?? this.#justLeft.get(deviceId) ?? 0) + 1)
    this.#justLeft.delete(deviceId)
    const holders = known?.holders ?? new Set()
    this.#present.set(deviceId, { brandId, epoch, holders: holders.add(connection) })
    this.#report({ brandId, deviceId, epoch, state: 'connected', graceful: true, atMs: nowMs })
  }

  disconnected(connection: Connection, deviceId: string, graceful: boolean): void {
    const present = this.#present.get(deviceId)
    if (!present?.holders.delete(connection) || present.holders.size > 0) return
    this.#present.delete(deviceId)
    const atMs = this.#now()
    // Hub time has not passed the epoch (many connects in a millisecond, or a clock that stands): remember it.
    if (present.epoch >= atMs) this.#justLeft.set(deviceId, present.epoch)
    const { brandId, epoch } = present
    this.#report({ brandId, deviceId, epoch, state: 'disconnected', graceful, atMs })
  }

  /** Hub time that never goes back, so that epochs do not. */
  #now(): number {
    const nowMs = this.#clock.nowMs()
    if (nowMs > this.#latestMs) {
      this.#latestMs = nowMs
      for (const [deviceId, epoch] of this.#justLeft) if (epoch < nowMs) this.#justLeft.delete(deviceId)
    }
    return this.#latestMs
  }
}
