import type { JobEventBody } from '#contracts'
import type { Answer, Trouble } from './call.ts'

/**
 * What the technician said and the hub may not have yet. It is written down before it is sent,
 * sent again until the hub answers, in the order it was said, and always under the same id, so
 * that the hub counts it once however often it arrives. A reload loses nothing.
 */
export interface Outbox {
  /** Oldest first. */
  waiting(): readonly JobEventBody[]
  say(event: JobEventBody): void
  /** Tries now; does nothing while a try is under way. */
  flush(): Promise<void>
  /** Whether a try is under way. */
  busy(): boolean
}

export interface OutboxOptions<View> {
  storage: () => Storage
  key: string
  post: (event: JobEventBody) => Promise<Answer<View>>
  /** Hub time as well as this page knows it, for what could not be said at once. */
  nowAt: () => string
  /** Something was put in, sent or given up. */
  onChange: () => void
  onSent: (event: JobEventBody, answer: Answer<View> & { ok: true }) => void
  /** The hub does not want it: no use in trying again. */
  onRefused: (event: JobEventBody, answer: Answer<View> & { ok: false }) => void
}

/** More than one visit has statuses. */
const WAITING_MAX = 20
/** Soon at first, as most gaps are short; then often enough for whoever walks out of a cellar. */
const RETRY_MS = [2_000, 5_000, 15_000, 30_000]
const LATER: ReadonlySet<Trouble> = new Set(['offline', 'busy', 'failed'])

export function createOutbox<View>(options: OutboxOptions<View>): Outbox {
  let waiting = load(options)
  let sending = false
  let tries = 0
  let timer: ReturnType<typeof setTimeout> | undefined

  const save = (): void => {
    try {
      if (waiting.length === 0) options.storage().removeItem(options.key)
      else options.storage().setItem(options.key, JSON.stringify(waiting))
    } catch {
      // A private window may refuse: then it waits as long as the page stays open.
    }
  }

  const flush = async (): Promise<void> => {
    clearTimeout(timer)
    if (sending) return
    for (let next = waiting[0]; next; next = waiting[0]) {
      sending = true
      options.onChange()
      const answer = await options.post(next)
      sending = false
      if (!answer.ok && LATER.has(answer.trouble)) {
        timer = setTimeout(() => void flush(), RETRY_MS[Math.min(tries++, RETRY_MS.length - 1)])
        options.onChange()
        return
      }
      tries = 0
      waiting = waiting.slice(1)
      save()
      if (answer.ok) options.onSent(next, answer)
      else options.onRefused(next, answer)
    }
  }

  return {
    waiting: () => waiting,
    busy: () => sending,
    say(event) {
      if (waiting.length >= WAITING_MAX) return
      // The phone's clock is nobody's witness; hub time carried on by the page is, when the line is slow.
      waiting = [...waiting, { ...event, id: newId(), at: options.nowAt() }]
      save()
      options.onChange()
      void flush()
    },
    flush,
  }
}

function load({ storage, key }: Pick<OutboxOptions<unknown>, 'storage' | 'key'>): JobEventBody[] {
  try {
    const kept = JSON.parse(storage().getItem(key) ?? '[]') as unknown
    return Array.isArray(kept) ? (kept as JobEventBody[]) : []
  } catch {
    return []
  }
}

/** `crypto.randomUUID` is missing where the hub is reached without TLS. */
function newId(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('')
}
