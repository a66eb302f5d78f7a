import { type Clock, type Logger, toError } from '#platform'
import { AddressLimit } from './address-limit.ts'
import type { Connection } from './connection.ts'
import type { BrokerLimits } from './limits.ts'
import type { BrokerOptions, ProvisionAnswer } from './options.ts'
import type { Outbound } from './outbound.ts'
import { jsonObject, text } from './payload.ts'
import { DOWN } from './topics.ts'

const REFUSED = (errorMsg: string): ProvisionAnswer => ({ status: 'FAILURE', errorMsg })

/** First contact: a device without a credential asks for one, on a short session that can do nothing else. */
export class Provisioning {
  readonly #provision: BrokerOptions['provision']
  readonly #outbound: Outbound
  readonly #limits: BrokerLimits
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #perAddress: AddressLimit

  /** `clock` is real time. */
  constructor({
    provision,
    outbound,
    limits,
    clock,
    logger,
  }: {
    provision: BrokerOptions['provision']
    outbound: Outbound
    limits: BrokerLimits
    clock: Clock
    logger: Logger
  }) {
    this.#provision = provision
    this.#outbound = outbound
    this.#limits = limits
    this.#clock = clock
    this.#logger = logger
    const perSecond = limits.provisionsPerMinute / 60
    this.#perAddress = new AddressLimit({ perSecond, burst: limits.provisionsPerMinute })
  }

  /** The session ends after its time, used or not. */
  begin(connection: Connection): void {
    const timer = this.#clock.setTimeout(() => connection.cut('provision_over'), this.#limits.provisionSessionMs)
    connection.stream.once('close', () => timer[Symbol.dispose]())
  }

  /** Always answers; what went wrong inside stays inside. */
  async request(connection: Connection, payload: Buffer): Promise<void> {
    const answer = await this.#answer(connection, payload)
    this.#outbound.toConnection(connection, DOWN.provision, Buffer.from(JSON.stringify(answer)))
  }

  async #answer(connection: Connection, payload: Buffer): Promise<ProvisionAnswer> {
    const { address } = connection.origin
    if (!this.#perAddress.allow(address, this.#clock.nowMs()))
      return REFUSED('Too many requests; try again in a minute.')
    const body = jsonObject(payload)
    const deviceName = body && text(body, 'deviceName')
    const provisionDeviceKey = body && text(body, 'provisionDeviceKey')
    const provisionDeviceSecret = body && text(body, 'provisionDeviceSecret')
    if (!deviceName || !provisionDeviceKey || !provisionDeviceSecret) {
      return REFUSED('deviceName, provisionDeviceKey and provisionDeviceSecret are needed, each a text.')
    }
    try {
      return await this.#provision({ deviceName, provisionDeviceKey, provisionDeviceSecret }, address)
    } catch (error) {
      this.#logger.error({ err: toError(error) }, 'provisioning failed')
      return REFUSED('The hub cannot provision now; try again later.')
    }
  }
}
