import { DISCONNECT, frameLength, frameProblem, INCOMPLETE, MALFORMED } from './frame.ts'

/** What a chunk of the stream came to. */
export interface Taken {
  /** Whole frames, all of one class; `null` when none is complete yet. */
  bytes: Buffer | null
  /** Which class. */
  express: boolean
  /** What was not looked at yet: comes again with the next call. */
  rest: Buffer | null
  packets: number
  /** A DISCONNECT was among them. */
  disconnect: boolean
}

/** Whether a whole, well-formed frame goes past the parser. */
export type FrameClass = (bytes: Uint8Array, start: number, end: number) => boolean

/** The stream breaks the protocol or a limit; the connection is closed. */
export class FrameError extends Error {
  readonly reason: 'frame_too_large' | 'malformed'

  constructor(reason: 'frame_too_large' | 'malformed', detail: string) {
    super(detail)
    this.reason = reason
  }
}

/**
 * Stands between a socket and the parser and hands over whole, well-formed frames only. A
 * declared length over the limit is refused as soon as it is read, before its bytes gather.
 */
export class FrameGuard {
  /** Largest frame let through, header included. */
  bytesMax: number
  readonly #isExpress: FrameClass
  /** The beginning of a frame whose end has not come: either a header, or all its room with `#filled` bytes. */
  #partial: Buffer | null = null
  #filled = 0

  constructor(bytesMax: number, isExpress: FrameClass = () => false) {
    this.bytesMax = bytesMax
    this.#isExpress = isExpress
  }

  /** Whether a frame has begun and not ended. */
  get midFrame(): boolean {
    return this.#partial !== null
  }

  /** Takes at most `packetsMax` frames of one class off the front of `chunk`. Throws `FrameError`. */
  take(chunk: Buffer, packetsMax: number): Taken {
    if (this.#partial) return this.#resume(this.#partial, chunk, packetsMax)
    let end = 0
    let packets = 0
    let disconnect = false
    let express = false
    while (end < chunk.length && packets < packetsMax) {
      const length = this.#lengthAt(chunk, end)
      if (length === INCOMPLETE || end + length > chunk.length) {
        this.#keep(chunk.subarray(end), length)
        return { bytes: end === 0 ? null : chunk.subarray(0, end), express, rest: null, packets, disconnect }
      }
      this.#check(chunk, end, end + length)
      const kind = this.#isExpress(chunk, end, end + length)
      if (packets === 0) express = kind
      else if (kind !== express) break
      if (chunk[end]! >> 4 === DISCONNECT) disconnect = true
      end += length
      packets++
    }
    const rest = end < chunk.length ? chunk.subarray(end) : null
    return { bytes: chunk.subarray(0, end), express, rest, packets, disconnect }
  }

  #resume(partial: Buffer, chunk: Buffer, packetsMax: number): Taken {
    if (this.#filled === 0) {
      // Only some header bytes are held (at most four): look at both together.
      this.#partial = null
      return this.take(Buffer.concat([partial, chunk]), packetsMax)
    }
    const copied = chunk.copy(partial, this.#filled)
    this.#filled += copied
    if (this.#filled < partial.length) return { bytes: null, express: false, rest: null, packets: 0, disconnect: false }
    this.#partial = null
    this.#filled = 0
    this.#check(partial, 0, partial.length)
    const rest = copied < chunk.length ? chunk.subarray(copied) : null
    const express = this.#isExpress(partial, 0, partial.length)
    return { bytes: partial, express, rest, packets: 1, disconnect: partial[0]! >> 4 === DISCONNECT }
  }

  /** Copies what is held, so that a few bytes do not keep a whole read buffer alive. */
  #keep(begun: Buffer, length: number): void {
    if (length === INCOMPLETE) {
      this.#partial = Buffer.from(begun)
      this.#filled = 0
      return
    }
    this.#partial = Buffer.allocUnsafeSlow(length)
    this.#filled = begun.copy(this.#partial)
  }

  #lengthAt(chunk: Buffer, at: number): number {
    const length = frameLength(chunk, at)
    if (length === MALFORMED) throw new FrameError('malformed', 'the remaining length has more than four bytes')
    if (length > this.bytesMax) {
      throw new FrameError('frame_too_large', `a packet of ${length} bytes; ${this.bytesMax} are allowed`)
    }
    return length
  }

  #check(bytes: Buffer, start: number, end: number): void {
    const problem = frameProblem(bytes, start, end)
    if (problem) throw new FrameError('malformed', problem)
  }
}
