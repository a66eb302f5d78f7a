import type { Duplex } from 'node:stream'
import { type Clock, realClock } from '#platform'
import { type FirstFrame, firstFrame } from './connect-frame.ts'
import { CONNECT } from './frame.ts'
import { type FrameClass, FrameError, FrameGuard } from './frame-guard.ts'
import type { BrokerLimits } from './limits.ts'
import type { CutReason } from './stats.ts'
import { TokenBucket } from './token-bucket.ts'

/**
 * Bytes taken from the stream at a time: what one read may pass on of ordinary readings, with room. Taking all that
 * lies there would have the stream fetch as much again each time, and so take in far more than is dealt with.
 */
const READ_BYTES = 32 * 1_024
/** Packet type 1 and no flags [MQTT-2.2.2-2]. */
const CONNECT_BYTE = CONNECT << 4

export interface ReadGateOptions {
  limits: BrokerLimits
  clock?: Clock
  /** `null` when ingest can take more, else a promise of when it can. */
  whenRoom: () => Promise<void> | null
  /** The first frame is whole; anything but `connect` is not shown to the parser. */
  onFirstFrame: (first: FirstFrame) => void
  /** Frames that are dealt with here and never shown to the parser; only once the client is known. */
  express: {
    takes: FrameClass
    /** Whole frames in order; calls `began` for them. */
    take(bytes: Buffer, packets: number): void
  }
  onDisconnectPacket: () => void
  onViolation: (reason: CutReason, detail: string) => void
}

/**
 * The one place where bytes leave the socket for the parser. aedes asks with `read(null)` and
 * would take whatever lies there, as often as data arrives; answered here, it gets whole
 * frames, a bounded number at a time, and nothing while there is a reason to wait. What is
 * not read stays in the socket, so TCP tells the device to slow down.
 */
export class ReadGate {
  readonly #stream: Duplex
  readonly #options: ReadGateOptions
  readonly #limits: BrokerLimits
  readonly #clock: Clock
  readonly #guard: FrameGuard
  readonly #bucket: TokenBucket
  readonly #readStream: () => Buffer | null
  /** Before CONNECT one frame is let through, and none until it is answered. */
  #phase: 'first-frame' | 'waiting' | 'open' | 'stopped' = 'first-frame'
  #inFlight = 0
  #inFlightBytes = 0
  #awaitingRoom = false
  /** The peer does not read what it is sent. */
  #held = false
  /** Room was promised and has come: one read needs not ask again. */
  #roomGranted = false
  #rateTimer: Disposable | null = null
  /** aedes asked and got nothing although there may be something. */
  #owes = false
  /** Since when a frame has been incomplete. */
  #midFrameSinceMs: number | null = null

  constructor(stream: Duplex, options: ReadGateOptions) {
    this.#stream = stream
    this.#options = options
    this.#limits = options.limits
    this.#clock = options.clock ?? realClock
    this.#guard = new FrameGuard(
      options.limits.frameBytesBeforeAuth,
      (bytes, start, end) => this.#phase === 'open' && options.express.takes(bytes, start, end),
    )
    this.#bucket = new TokenBucket({ perSecond: options.limits.packetsPerSecond, nowMs: this.#clock.nowMs() })
    const original = stream.read.bind(stream)
    this.#readStream = () => original(Math.min(READ_BYTES, stream.readableLength) || undefined) as Buffer | null
    // Node itself calls `read(0)` to refill; only the consumer passes `null`.
    stream.read = (size?: number | null) => (size === null ? this.#read() : original(size as undefined))
  }

  /** CONNECT was accepted: everything passes now, of who has proved who they are up to the larger frame. */
  open({ proved }: { proved: boolean }): void {
    if (this.#phase === 'stopped') return
    if (proved) this.#guard.bytesMax = this.#limits.frameBytesAfterAuth
    this.#phase = 'open'
    this.#wake()
  }

  /** Reads no more. */
  stop(): void {
    this.#phase = 'stopped'
    this.#rateTimer?.[Symbol.dispose]()
    this.#rateTimer = null
  }

  /** So many publishes, of so many bytes together, are on their way to the disk. */
  began(packets: number, bytes: number): void {
    this.#inFlight += packets
    this.#inFlightBytes += bytes
  }

  /** What was read costs as much as so many packets more; it is paid for by waiting. */
  charge(packets: number): void {
    this.#bucket.take(packets, this.#clock.nowMs())
  }

  /** They have arrived, or were refused. */
  ended(packets: number, bytes: number): void {
    this.#inFlight -= packets
    this.#inFlightBytes -= bytes
    if (this.#owes) this.#wake()
  }

  /** Reads no more until `release`: what was written has not left yet. */
  hold(): void {
    this.#held = true
  }

  release(): void {
    this.#held = false
    this.#wake()
  }

  /** Publishes on their way. */
  get inFlight(): number {
    return this.#inFlight
  }

  /** How long the frame now coming in has been incomplete. */
  midFrameMs(nowMs: number): number {
    return this.#midFrameSinceMs === null ? 0 : nowMs - this.#midFrameSinceMs
  }

  /** Half of what may be in flight: one read adds at most this to less than the other half. */
  get #packetsPerRead(): number {
    return Math.max(1, this.#limits.inFlightPackets >> 1)
  }

  #read(): Buffer | null {
    for (;;) {
      if (this.#mustWait()) {
        this.#owes = true
        return null
      }
      const chunk = this.#readStream()
      if (chunk === null) return null
      this.#roomGranted = false
      try {
        const passed = this.#pass(chunk)
        // A part of a frame, or frames that went past the parser: there may be more at hand.
        if (passed !== null) return passed
      } catch (error) {
        if (!(error instanceof FrameError)) throw error
        this.stop()
        this.#options.onViolation(error.reason, error.message)
        return null
      }
    }
  }

  /** What the parser may see; `null` when there is nothing for it in this. */
  #pass(chunk: Buffer): Buffer | null {
    const first = this.#phase === 'first-frame'
    if (first && !this.#guard.midFrame && chunk[0] !== CONNECT_BYTE) {
      // Known from the first byte: no need to wait for the rest of what is no CONNECT.
      this.stop()
      this.#options.onFirstFrame('not-mqtt')
      return null
    }
    const taken = this.#guard.take(chunk, first ? 1 : this.#packetsPerRead)
    // Put back rather than kept here: the stream must not end before it is all read.
    if (taken.rest) this.#stream.unshift(taken.rest)
    this.#midFrameSinceMs = this.#guard.midFrame ? (this.#midFrameSinceMs ?? this.#clock.nowMs()) : null
    if (taken.bytes === null) return null
    this.#bucket.take(taken.packets, this.#clock.nowMs())
    if (taken.express) {
      this.#options.express.take(taken.bytes, taken.packets)
      return null
    }
    if (taken.disconnect) this.#options.onDisconnectPacket()
    if (!first) return taken.bytes
    this.#phase = 'waiting'
    const seen = firstFrame(taken.bytes)
    this.#options.onFirstFrame(seen)
    return seen === 'connect' ? taken.bytes : null
  }

  #mustWait(): boolean {
    if (this.#phase === 'waiting' || this.#phase === 'stopped') return true
    if (this.#phase === 'first-frame') return false
    if (this.#awaitingRoom || this.#held || this.#rateTimer) return true
    if (this.#inFlight >= this.#packetsPerRead || this.#inFlightBytes >= this.#limits.inFlightBytes) return true
    return this.#ingestFull() || this.#overRate()
  }

  #ingestFull(): boolean {
    if (this.#roomGranted) return false
    const room = this.#options.whenRoom()
    if (room === null) return false
    this.#awaitingRoom = true
    const resume = (): void => {
      this.#awaitingRoom = false
      this.#roomGranted = true
      this.#wake()
    }
    // Room that never comes shows when the next publish fails; reading on is the way to find out.
    room.then(resume, resume)
    return true
  }

  #overRate(): boolean {
    const debtMs = this.#bucket.debtMs(this.#clock.nowMs())
    if (debtMs === 0) return false
    this.#rateTimer = this.#clock.setTimeout(() => {
      this.#rateTimer = null
      this.#wake()
    }, debtMs)
    return true
  }

  /** Asks aedes to ask again. */
  #wake(): void {
    if (!this.#owes || this.#stream.destroyed || this.#mustWait()) return
    this.#owes = false
    this.#stream.emit('readable')
  }
}
