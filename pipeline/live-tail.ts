import type { AlertEffect, LogReader, LogRecord } from '#contracts'
import { type Logger, toError } from '#platform'

/** What a live listener sees: the log as it grows, the alerts that follow, and what it missed. */
export type LiveItem =
  | { kind: 'record'; record: LogRecord }
  | { kind: 'effect'; effect: AlertEffect }
  /** This listener was too slow: so many items were dropped here. */
  | { kind: 'gap'; dropped: number }

export interface LiveFilter {
  /** Of which brand; a listener never sees another's. */
  brandId: string
  records?: (record: LogRecord) => boolean
  effects?: (effect: AlertEffect) => boolean
}

export interface LiveSubscription extends AsyncIterable<LiveItem> {
  close(): void
}

export interface LiveTail {
  /** From now on; ends when closed, or with the hub. */
  subscribe(filter: LiveFilter): LiveSubscription
  /** Effects are told once they are committed. */
  publish(effects: readonly AlertEffect[]): void
  subscribers(): number
  stop(): Promise<void>
}

/** Ten seconds of a brisk brand's readings; a browser further behind than that wants the present, not the past. */
const QUEUE_ITEMS_MAX = 1_000
/** One slice of the log between two turns of the event loop. */
const READ_RECORDS = 500
/** Open pages of one installation; beyond it each costs every reading's filter. */
export const SUBSCRIBERS_MAX = 500

class Subscription implements LiveSubscription {
  readonly filter: LiveFilter
  readonly #onClose: (subscription: Subscription) => void
  #queue: LiveItem[] = []
  #dropped = 0
  #wake: (() => void) | null = null
  #closed = false

  constructor(filter: LiveFilter, onClose: (subscription: Subscription) => void) {
    this.filter = filter
    this.#onClose = onClose
  }

  push(item: LiveItem): void {
    if (this.#queue.length >= QUEUE_ITEMS_MAX) {
      this.#queue.shift()
      this.#dropped++
    }
    this.#queue.push(item)
    this.#wake?.()
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#onClose(this)
    this.#wake?.()
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<LiveItem> {
    try {
      while (true) {
        if (this.#dropped > 0) {
          const dropped = this.#dropped
          this.#dropped = 0
          yield { kind: 'gap', dropped }
        }
        const item = this.#queue.shift()
        if (item) yield item
        else if (this.#closed) return
        else await this.#more()
      }
    } finally {
      this.close()
    }
  }

  async #more(): Promise<void> {
    await new Promise<void>((resolve) => (this.#wake = resolve))
    this.#wake = null
  }
}

/**
 * Shows the log to people while it grows. Reads only while somebody listens; each listener has
 * a bounded queue that drops its oldest, with a mark where it did, so that a slow page slows
 * neither the others nor the hub.
 */
export function createLiveTail(options: { reader: LogReader; logger: Logger }): LiveTail {
  const { reader, logger } = options
  const stopping = new AbortController()
  const subscriptions = new Set<Subscription>()
  let reading: Promise<void> | null = null

  const follow = async (): Promise<void> => {
    let afterSeq = reader.headSeq()
    while (!stopping.signal.aborted && subscriptions.size > 0) {
      const records = reader.read(afterSeq, { records: READ_RECORDS })
      const last = records.at(-1)
      if (!last) {
        await reader.waitForMore(afterSeq, stopping.signal)
        continue
      }
      afterSeq = last.seq
      for (const record of records) show(record)
      await new Promise<void>((resolve) => setImmediate(resolve))
    }
  }

  const show = (record: LogRecord): void => {
    if (record.kind === 'tick' || record.brandId === null) return
    for (const subscription of subscriptions) {
      const { brandId, records } = subscription.filter
      if (record.brandId === brandId && records?.(record)) subscription.push({ kind: 'record', record })
    }
  }

  const startReading = (): void => {
    reading ??= follow()
      .catch((thrown) => {
        logger.error({ err: toError(thrown) }, 'the live view stopped; listeners are asked to come again')
        for (const subscription of [...subscriptions]) subscription.close()
      })
      .finally(() => {
        reading = null
        if (subscriptions.size > 0 && !stopping.signal.aborted) startReading()
      })
  }

  return {
    subscribe(filter) {
      const subscription = new Subscription(filter, (closed) => subscriptions.delete(closed))
      subscriptions.add(subscription)
      if (stopping.signal.aborted) subscription.close()
      else if (filter.records) startReading()
      return subscription
    },
    publish(effects) {
      for (const effect of effects) {
        const brandId = 'episode' in effect ? effect.episode.brandId : effect.brandId
        for (const subscription of subscriptions)
          if (subscription.filter.brandId === brandId && subscription.filter.effects?.(effect))
            subscription.push({ kind: 'effect', effect })
      }
    },
    subscribers: () => subscriptions.size,
    async stop() {
      stopping.abort()
      for (const subscription of [...subscriptions]) subscription.close()
      await reading
    },
  }
}
