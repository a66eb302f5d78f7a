import { realClock, realSleep, systemClock } from '#platform'
import { Arrivals } from './arrivals.ts'
import { Audit } from './audit.ts'
import { Commands } from './commands.ts'
import type { Connection, ListenerKind } from './connection.ts'
import { Connections } from './connections.ts'
import { Gateways } from './gateways.ts'
import { InFlight } from './in-flight.ts'
import { BROKER_LIMITS, type BrokerLimits } from './limits.ts'
import type { BoundAddress } from './listener.ts'
import { createListeners } from './listeners.ts'
import { createMqtt } from './mqtt.ts'
import type { BrokerOptions, Command, CommandResult } from './options.ts'
import { Outbound } from './outbound.ts'
import { Presence } from './presence.ts'
import { Provisioning } from './provisioning.ts'
import { SessionStore } from './session-store.ts'
import { type BrokerStats, Counters } from './stats.ts'
import { DOWN, maySubscribe } from './topics.ts'

/** How often half-sent packets and long-absent sessions are looked for. */
const SWEEP_MS = 5_000
/** After the last acknowledgement is written, how long its bytes may take to leave. */
const FLUSH_MS = 500

export interface Broker {
  /** Opens the listeners. Throws `PORT_IN_USE` naming the variable to change; nothing is left open then. */
  start(): Promise<void>
  /**
   * Stops accepting and reading, waits until what was read is stored and acknowledged, then
   * closes. No will is published and no device reported gone: the hub left, not they.
   */
  close(): Promise<void>
  /**
   * Sends a command and waits for the device's own answer, through its gateway if it has one.
   * Throws `RATE_LIMITED` with too many unanswered, `PAYLOAD_TOO_LARGE`.
   */
  sendCommand(deviceId: string, command: Command): Promise<CommandResult>
  /** Tells a device its shared attributes; false when nobody there has asked to be told. */
  pushAttributes(deviceId: string, values: Readonly<Record<string, unknown>>): boolean
  /** A credential was revoked or a device removed: closes its sessions and tells how many, once they are closed. */
  dropSessions(which: { credentialId: string } | { deviceId: string }): Promise<number>
  /** Connected itself, or announced by a connected gateway. */
  isPresent(deviceId: string): boolean
  /** Where the listeners are, with the ports the system chose. */
  addresses(): Partial<Record<ListenerKind, BoundAddress>>
  stats(): BrokerStats
}

/** An MQTT 3.1.1 broker for devices that talk to the hub and never to each other. */
export function createBroker(options: BrokerOptions): Broker {
  const limits: BrokerLimits = { ...BROKER_LIMITS, ...options.limits }
  const clock = options.clock ?? systemClock
  const { logger } = options
  const counters = new Counters()
  const inFlight = new InFlight()
  const connections = new Connections()
  const arrivals = new Arrivals(limits, counters)
  const audit = new Audit((entry) => options.onAudit?.(entry), clock)
  const store = new SessionStore(limits, () => realClock.nowMs(), maySubscribeIn(connections))
  let stopping = false
  const presence = new Presence(clock, (change) => {
    if (stopping) return
    Promise.resolve(options.onPresence(change)).catch((error: unknown) => {
      logger.error({ err: error, deviceId: change.deviceId }, 'presence could not be recorded')
    })
  })
  const gateways = new Gateways((child) => options.findGatewayDevice(child), presence, limits)
  const source = { id: 'hub', counter: 0 }
  const outbound = new Outbound(source, connections, store, counters)
  const commands = new Commands(outbound, gateways, limits, realClock)
  const provisioning = new Provisioning({
    provision: (request, address) => options.provision(request, address),
    outbound,
    limits,
    clock: realClock,
    logger,
  })
  const mqtt = createMqtt({
    options,
    limits,
    clock,
    logger,
    counters,
    inFlight,
    arrivals,
    connections,
    audit,
    store,
    presence,
    gateways,
    outbound,
    commands,
    provisioning,
  })
  const listeners = createListeners(options.listeners, { arrivals, limits, onStream: mqtt.accept })
  let sweeper: Disposable | null = null

  const sweep = (): void => {
    const nowMs = realClock.nowMs()
    for (const connection of connections.all()) {
      if (connection.gate.midFrameMs(nowMs) > limits.frameMs) connection.cut('frame_timeout')
    }
    store.sweep()
    sweeper = realClock.setTimeout(sweep, Math.min(SWEEP_MS, limits.frameMs))
  }

  return {
    async start() {
      await mqtt.start()
      try {
        await listeners.open()
      } catch (error) {
        await listeners.close()
        await mqtt.close()
        throw error
      }
      sweep()
    },

    async close() {
      if (stopping) return
      stopping = true
      sweeper?.[Symbol.dispose]()
      commands.abandon()
      const closed = listeners.close()
      arrivals.clear()
      for (const connection of connections.all()) {
        connection.silenced = true
        connection.gate.stop()
      }
      await orAfter(limits.closeMs, inFlight.whenIdle())
      const ends = [...connections.all()].map((connection) => {
        connection.stream.end()
        return connection.whenClosed()
      })
      await orAfter(FLUSH_MS, Promise.all(ends))
      for (const connection of connections.all()) connection.stream.destroy()
      await mqtt.close()
      await closed
    },

    sendCommand: async (deviceId, command) => commands.send(deviceId, command),

    pushAttributes(deviceId, values) {
      if (outbound.toDevice(deviceId, DOWN.attributes, Buffer.from(JSON.stringify(values)))) return true
      const child = gateways.routeTo(deviceId)
      if (!child) return false
      const wrapped = Buffer.from(JSON.stringify({ device: child.name, data: values }))
      return outbound.toConnection(child.connection, DOWN.gatewayAttributes, wrapped) !== null
    },

    async dropSessions(which) {
      connections.revocations++
      const dropped: Connection[] =
        'deviceId' in which ? connections.ofDevice(which.deviceId) : connections.ofCredential(which.credentialId)
      for (const connection of dropped) {
        connection.silenced = true
        connection.cut('revoked')
      }
      await Promise.all(dropped.map((connection) => connection.whenClosed()))
      if ('deviceId' in which) {
        commands.abandon(which.deviceId)
        store.forgetDevice(which.deviceId)
        gateways.forget(which.deviceId)
      }
      return dropped.length
    },

    isPresent: (deviceId) => presence.isPresent(deviceId),
    addresses: () => listeners.addresses(),

    stats() {
      let { bytesIn, bytesOut } = counters
      for (const { origin } of connections.all()) {
        bytesIn += origin.socket.bytesRead
        bytesOut += origin.socket.bytesWritten
      }
      return {
        connections: arrivals.open,
        clients: connections.clientCount,
        storedSessions: store.storedCount,
        accepted: counters.accepted,
        cut: Object.fromEntries(counters.cut),
        received: Object.fromEntries(counters.received),
        sent: counters.sent,
        bytesIn,
        bytesOut,
        inFlight: inFlight.count,
        commandsPending: commands.pendingCount,
      }
    },
  }
}

/** What a stored session may keep: the filters its connection was granted. */
function maySubscribeIn(connections: Connections) {
  return (sessionKey: string, filter: string): boolean => {
    const identity = connections.bySession(sessionKey)?.identity
    return identity ? maySubscribe(identity.kind, filter) : false
  }
}

async function orAfter(ms: number, work: Promise<unknown>): Promise<void> {
  const timeout = new AbortController()
  await Promise.race([work, realSleep(ms, timeout.signal)])
  timeout.abort()
}
