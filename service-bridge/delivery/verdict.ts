import { retryAfterMs } from './retry-schedule.ts'

/** What came back from one HTTP attempt; `failed` covers everything without a status. */
export type Answer =
  | { kind: 'answered'; status: number; retryAfter: string | null }
  | { kind: 'failed'; reason: string }
  /** The address guard said no: nothing was sent. */
  | { kind: 'forbidden'; reason: string }

export type Verdict =
  | { outcome: 'sent' }
  | { outcome: 'retry'; reason: string; afterMs: number | null }
  /** The endpoint says it is gone for good: nothing more is sent there until someone re-enables it. */
  | { outcome: 'disable'; reason: string }

/** Statuses by which a receiver asks for patience, whose `Retry-After` counts. */
const ASKS_FOR_TIME: ReadonlySet<number> = new Set([429, 502, 503, 504])

/** Standard Webhooks' etiquette as one table of cases. */
export function verdictOf(answer: Answer, atMs: number): Verdict {
  if (answer.kind === 'forbidden') return { outcome: 'retry', reason: answer.reason, afterMs: null }
  if (answer.kind === 'failed') return { outcome: 'retry', reason: answer.reason, afterMs: null }
  const { status } = answer
  if (status >= 200 && status < 300) return { outcome: 'sent' }
  if (status === 410) return { outcome: 'disable', reason: 'the endpoint answered 410 Gone' }
  if (status >= 300 && status < 400) {
    return { outcome: 'retry', reason: `the endpoint answered ${status}; redirects are not followed`, afterMs: null }
  }
  const afterMs = ASKS_FOR_TIME.has(status) ? retryAfterMs(answer.retryAfter, atMs) : null
  return { outcome: 'retry', reason: `the endpoint answered ${status}`, afterMs }
}
