import { type Clock, HubError } from '#platform'
import type { Gateways } from './gateways.ts'
import type { BrokerLimits } from './limits.ts'
import type { Command, CommandResult } from './options.ts'
import type { Outbound, Sent } from './outbound.ts'
import { DOWN } from './topics.ts'

interface Pending {
  deviceId: string
  sent: Sent
  timer: Disposable
  finish(result: CommandResult): void
}

/** Command ids are whole numbers of 31 bits, which the smallest firmware can hold. */
const ID_MAX = 2 ** 31 - 1

/**
 * Commands down to devices. Done means answered by the device's own program, not delivered
 * to its modem; a command nobody answered in time is taken back, so that no lock opens hours
 * later because it was out of reach when asked.
 */
export class Commands {
  readonly #outbound: Outbound
  readonly #gateways: Gateways
  readonly #limits: BrokerLimits
  readonly #clock: Clock
  readonly #pending = new Map<string, Pending>()
  readonly #countByDevice = new Map<string, number>()
  #lastId: number

  /** `clock` is real time: devices wait in it. */
  constructor(outbound: Outbound, gateways: Gateways, limits: BrokerLimits, clock: Clock) {
    this.#outbound = outbound
    this.#gateways = gateways
    this.#limits = limits
    this.#clock = clock
    // Begins where no earlier run of the hub has been, so that a late answer to it answers nothing now.
    this.#lastId = Math.floor(clock.nowMs() / 100) % ID_MAX
  }

  get pendingCount(): number {
    return this.#pending.size
  }

  /** Throws `RATE_LIMITED` or `PAYLOAD_TOO_LARGE`; everything else is an outcome. */
  send(deviceId: string, { method, params, timeoutMs }: Command): Promise<CommandResult> {
    const waiting = this.#countByDevice.get(deviceId) ?? 0
    if (waiting >= this.#limits.commandsPerDevice) {
      throw new HubError('RATE_LIMITED', `${waiting} commands to ${deviceId} are unanswered; wait for one of them.`)
    }
    this.#lastId = (this.#lastId % ID_MAX) + 1
    const id = String(this.#lastId)
    const sent = this.#hand(deviceId, id, { method, params: params ?? {} })
    if (!sent) return Promise.resolve({ outcome: 'offline' })
    return new Promise((resolve) => {
      const key = keyOf(deviceId, id)
      const finish = (result: CommandResult): void => {
        timer[Symbol.dispose]()
        this.#pending.delete(key)
        this.#count(deviceId, -1)
        resolve(result)
      }
      const timer = this.#clock.setTimeout(() => {
        const neverLeft = this.#outbound.withdraw(sent)
        finish({ outcome: neverLeft ? 'offline' : 'timeout' })
      }, timeoutMs)
      this.#pending.set(key, { deviceId, sent, timer, finish })
      this.#count(deviceId, 1)
    })
  }

  /** The device's answer; ignored when nothing is waiting for it, or another device asks to give it. */
  answered(deviceId: string, id: string, response: unknown): void {
    this.#pending.get(keyOf(deviceId, id))?.finish({ outcome: 'response', response })
  }

  /** Ends all waiting: the hub stops, or this device is gone. */
  abandon(deviceId?: string): void {
    for (const pending of [...this.#pending.values()]) {
      if (deviceId !== undefined && pending.deviceId !== deviceId) continue
      const neverLeft = this.#outbound.withdraw(pending.sent)
      pending.finish({ outcome: neverLeft ? 'offline' : 'timeout' })
    }
  }

  #hand(deviceId: string, id: string, call: { method: string; params: unknown }): Sent | null {
    const direct = this.#outbound.toDevice(deviceId, DOWN.command(id), this.#encode(call))
    if (direct) return direct
    const child = this.#gateways.routeTo(deviceId)
    if (!child) return null
    const wrapped = { device: child.name, data: { id: Number(id), ...call } }
    return this.#outbound.toConnection(child.connection, DOWN.gatewayCommand, this.#encode(wrapped))
  }

  #encode(message: unknown): Buffer {
    const bytes = Buffer.from(JSON.stringify(message))
    if (bytes.length > this.#limits.downlinkBytes) {
      throw new HubError(
        'PAYLOAD_TOO_LARGE',
        `A command of ${bytes.length} bytes; devices are sent at most ${this.#limits.downlinkBytes}.`,
      )
    }
    return bytes
  }

  #count(deviceId: string, by: number): void {
    const count = (this.#countByDevice.get(deviceId) ?? 0) + by
    if (count === 0) this.#countByDevice.delete(deviceId)
    else this.#countByDevice.set(deviceId, count)
  }
}

function keyOf(deviceId: string, id: string): string {
  return `${deviceId}/${id}`
}
