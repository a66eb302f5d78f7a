import { type Clock, realClock } from '#platform'

/** One event of a stream, as the browser will see it. */
export interface StreamEvent {
  /** Given back as Last-Event-ID; absent for what cannot be had again. */
  id?: string
  event: string
  data: unknown
}

/** Half a minute of a busy brand; a page further behind wants the present, not the past. */
const QUEUED_MAX = 1_000
/** Below the idle time of the proxies people put in front. */
export const HEARTBEAT_MS = 15_000

/**
 * The text of one event stream: what is pushed, a comment when nothing was for a while, and a
 * mark where a slow reader missed something. The reader's pace is the only pace; the queue is
 * bounded, its oldest goes first.
 */
export class LiveStream {
  readonly #clock: Clock
  readonly #queue: StreamEvent[] = []
  #dropped = 0
  #wake: (() => void) | null = null
  #closed = false

  constructor(clock: Clock = realClock) {
    this.#clock = clock
  }

  push(event: StreamEvent): void {
    if (this.#closed) return
    if (this.#queue.length >= QUEUED_MAX) {
      this.#queue.shift()
      this.#dropped++
    }
    this.#queue.push(event)
    this.#wake?.()
  }

  /** Ends the stream after what is queued; with `now`, at once. */
  close(options: { now?: boolean } = {}): void {
    this.#closed = true
    if (options.now) this.#queue.length = 0
    this.#wake?.()
  }

  /** @param onHeartbeat asked each time nothing came for a while; false ends the stream. */
  async *text(onHeartbeat: () => Promise<boolean>): AsyncGenerator<string> {
    yield 'retry: 3000\n\n'
    while (true) {
      if (this.#dropped > 0) {
        const dropped = this.#dropped
        this.#dropped = 0
        yield written({ event: 'gap', data: { dropped } })
      }
      const next = this.#queue.shift()
      if (next) yield written(next)
      else if (this.#closed) return
      else if (!(await this.#more())) {
        if (!(await onHeartbeat())) return
        yield ': still here\n\n'
      }
    }
  }

  /** True when there is something to look at, false when the time of a heartbeat has passed. */
  async #more(): Promise<boolean> {
    const woken = await new Promise<boolean>((resolve) => {
      const timer = this.#clock.setTimeout(() => resolve(false), HEARTBEAT_MS)
      this.#wake = () => {
        timer[Symbol.dispose]()
        resolve(true)
      }
    })
    this.#wake = null
    return woken
  }
}

/** JSON has no raw line breaks, so one data line is enough. */
function written({ id, event, data }: StreamEvent): string {
  return `${id === undefined ? '' : `id: ${id}\n`}event: ${event}\ndata: ${JSON.stringify(data)}\n\n`
}
