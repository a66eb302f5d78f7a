import { ManualClock, SecretBox, silentLogger, systemRandom } from '#platform'
import { openDatabase } from '#store'
import { createServiceBridge } from '../service-bridge.ts'

/**
 * A hub process that is going to die: does everything that is due at `nowMs`, and kills itself on the way
 * where it is told to; at the other points of its life the test kills it from outside.
 */
export interface Doom {
  appUrl: string
  secretKeyHex: string
  nowMs: number
  /** Right after the commit that put the order into the outbox, or when the way to the partner is looked up. */
  diesWhen: 'order-committed' | 'address-looked-up' | null
}

const { appUrl, secretKeyHex, nowMs, diesWhen } = JSON.parse(process.argv[2] ?? '') as Doom

const die = (): never => {
  process.kill(process.pid, 'SIGKILL')
  throw new Error('a killed process went on')
}

const db = await openDatabase({ url: appUrl, poolSize: 4, logger: silentLogger })
const bridge = createServiceBridge({
  db,
  box: new SecretBox(Buffer.from(secretKeyHex, 'hex')),
  clock: new ManualClock(nowMs),
  random: systemRandom,
  logger: silentLogger,
  publicUrl: 'https://hub.example',
  allowLoopback: true,
  onChanged: ({ type }) => {
    if (diesWhen === 'order-committed' && type === 'work_order.created') die()
  },
  resolveHost: async () => (diesWhen === 'address-looked-up' ? die() : ['127.0.0.1']),
})
await bridge.idle()
await db.close()
