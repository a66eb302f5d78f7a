import { once } from 'node:events'
import { createWriteStream, type WriteStream } from 'node:fs'
import { instant } from '#contracts'

/** Alerts are worth most with this share of a component's life left. */
export const SERVICE_WINDOW = { opensAtWear: 0.75, closesAtWear: 0.95 } as const

export type TruthEvent =
  | { kind: 'wear'; wear: number }
  | { kind: 'window.opened' | 'window.closed' | 'failed'; wear: number }
  | {
      kind: 'replaced'
      by: string
      wearBefore: number
      /** A bad part: wears so many times as fast. */
      pace?: number
    }
  /** What a person or partner did beside the straight way, in a word of theirs: `claimsOnly`, `rejects`, `withdraws`. */
  | { kind: 'deed'; by: string; deed: string; workOrder?: string }

export type TruthRecord = { at: string; serial: string; category: string; component: string } & TruthEvent

/** Where the ground truth goes: a file, a test's array, nowhere. */
export interface TruthSink {
  write(record: TruthRecord): void
  close(): Promise<void>
}

export const noTruth: TruthSink = { write: () => {}, close: async () => {} }

/** One JSON document per line, in the order of simulated time per device. */
export function truthFile(path: string): TruthSink {
  const stream: WriteStream = createWriteStream(path)
  const failed = once(stream, 'error').then(([error]) => Promise.reject(error as Error))
  failed.catch(() => {})
  return {
    write: (record) => void stream.write(`${JSON.stringify(record)}\n`),
    close: async () => {
      stream.end()
      await Promise.race([once(stream, 'finish'), failed])
    },
  }
}

type Mark = 'window.opened' | 'window.closed' | 'failed'
const MARKS: readonly (readonly [mark: Mark, atWear: number])[] = [
  ['window.opened', SERVICE_WINDOW.opensAtWear],
  ['window.closed', SERVICE_WINDOW.closesAtWear],
  ['failed', 1],
]

/** Watches the wear of one component and says once when it passes each mark, and once a day where it is. */
export class TruthKeeper {
  readonly #sink: TruthSink
  readonly #who: { serial: string; category: string; component: string }
  #passed = 0
  #day = Number.NaN

  constructor(sink: TruthSink, who: { serial: string; category: string; component: string }) {
    this.#sink = sink
    this.#who = who
  }

  observe(atMs: number, wear: number): void {
    for (let next = MARKS[this.#passed]; next && wear >= next[1]; next = MARKS[this.#passed]) {
      this.#passed++
      this.#write(atMs, { kind: next[0], wear: rounded(wear) })
    }
    const day = Math.floor(atMs / 86_400_000)
    if (day === this.#day) return
    this.#day = day
    this.#write(atMs, { kind: 'wear', wear: rounded(wear) })
  }

  replaced(atMs: number, by: string, { wearBefore, pace = 1 }: { wearBefore: number; pace?: number }): void {
    this.#passed = 0
    this.#write(atMs, {
      kind: 'replaced',
      by,
      wearBefore: rounded(wearBefore),
      ...(pace === 1 ? {} : { pace }),
    })
  }

  #write(atMs: number, event: TruthEvent): void {
    this.#sink.write({ at: instant(atMs), ...this.#who, ...event })
  }
}

function rounded(wear: number): number {
  return Math.round(wear * 10_000) / 10_000
}
