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
  /** What a phone that refuses to store holds; `null` while it does store. */
  let memory: JobEventBody[] | null = null
  /** Said in this page and not tried yet. */
  const fresh = new Set<string>()
  let sending = false
  let tries = 0
  let timer: ReturnType<typeof setTimeout> | undefined

  // The storage is asked each time: the same job may stand open in a second tab.
  const waiting = (): JobEventBody[] => memory ?? load(options)
  const keep = (events: JobEventBody[]): void => {
    if (memory) memory = events
    else
      try {
        if (events.length === 0) options.storage().removeItem(options.key)
        else options.storage().setItem(options.key, JSON.stringify(events))
      } catch {
        // A private window may refuse: then it waits as long as the page stays open.
        memory = events
      }
  }

  const flush = async (): Promise<void> => {
    clearTimeout(timer)
    if (sending) return
    for (let next = waiting()[0]; next; next = waiting()[0]) {
      const { id } = next
      const { at: _at, ...now } = next
      // What is said at once has the hub's own time; what had to wait, the time at which it was said.
      const event = fresh.delete(id ?? '') ? now : next
      sending = true
      options.onChange()
      const answer = await options.post(event)
      sending = false
      if (!answer.ok && LATER.has(answer.trouble)) {
        timer = setTimeout(() => void flush(), RETRY_MS[Math.min(tries++, RETRY_MS.length - 1)])
        options.onChange()
        return
      }
      tries = 0
      keep(waiting().filter((it) => it.id !== id))
      if (answer.ok) options.onSent(next, answer)
      else options.onRefused(next, answer)
    }
  }

  return {
    waiting,
    busy: () => sending,
    say(event) {
      const before = waiting()
      if (before.length >= WAITING_MAX) return
      const id = newId()
      if (before.length === 0) fresh.add(id)
      keep([...before, { ...event, id, at: options.nowAt() }])
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
