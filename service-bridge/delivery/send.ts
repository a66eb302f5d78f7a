import { Agent, request } from 'undici'
import { type Clock, isHubError, realClock, toError } from '#platform'
import { type GuardOptions, guardUrl } from './address-guard.ts'
import { signatureHeaders } from './signature.ts'
import type { Answer } from './verdict.ts'

/** Between Standard Webhooks' 15 and 30 s: an honest receiver stores and answers. */
export const ATTEMPT_TIMEOUT_MS = 15_000
/** What is read of an answer, and thrown away: only the status means anything to us. */
const RESPONSE_BYTES_MAX = 65_536

export interface SendOptions extends GuardOptions {
  timeoutMs: number
  /** Real time: receivers check the age of a signature by their own clocks. */
  clock?: Clock
}

export interface OutgoingMessage {
  url: string
  id: string
  body: string
  secrets: readonly string[]
}

/**
 * One attempt: checks the address, connects to the very address that was checked, posts the
 * signed body, reads the status. Follows nothing, never throws.
 */
export async function sendOnce(message: OutgoingMessage, options: SendOptions): Promise<Answer> {
  const clock = options.clock ?? realClock
  const abort = new AbortController()
  const timer = clock.setTimeout(() => abort.abort(), options.timeoutMs)
  let agent: Agent | undefined
  try {
    const { url, address, family } = await guardUrl(message.url, options)
    if (abort.signal.aborted) return { kind: 'failed', reason: 'no answer in time' }
    agent = new Agent({
      connect: {
        // The name is for TLS and the Host header; the connection goes to the checked address.
        lookup: (_host, lookupOptions, done) => {
          if (lookupOptions.all) done(null, [{ address, family }])
          else done(null, address, family)
        },
      },
      pipelining: 0,
    })
    const response = await request(url, {
      dispatcher: agent,
      method: 'POST',
      signal: abort.signal,
      headers: {
        'content-type': 'application/cloudevents+json; charset=utf-8',
        'user-agent': 'beforehand',
        ...signatureHeaders({ id: message.id, atMs: clock.nowMs(), body: message.body, secrets: message.secrets }),
      },
      body: message.body,
    })
    let bytes = 0
    for await (const chunk of response.body) {
      bytes += (chunk as Uint8Array).byteLength
      // The status has come; an endless answer changes nothing about it.
      if (bytes > RESPONSE_BYTES_MAX) break
    }
    const retryAfter = response.headers['retry-after']
    return {
      kind: 'answered',
      status: response.statusCode,
      retryAfter: typeof retryAfter === 'string' ? retryAfter : null,
    }
  } catch (error) {
    if (isHubError(error, 'ADDRESS_FORBIDDEN')) return { kind: 'forbidden', reason: error.message }
    if (abort.signal.aborted) return { kind: 'failed', reason: 'no answer in time' }
    return { kind: 'failed', reason: failureOf(error) }
  } finally {
    timer[Symbol.dispose]()
    await agent?.destroy()
  }
}

/** The code of a network failure; messages could repeat what a receiver sent. */
function failureOf(error: unknown): string {
  const code = (error as { code?: unknown }).code
  return typeof code === 'string' ? `connection failed (${code})` : `connection failed (${toError(error).name})`
}
