import { Agent, request } from 'undici'
import { type Clock, isHubError, realClock, toError } from '#platform'
import { type GuardOptions, guardUrl } from './address-guard.ts'
import { signatureHeaders } from './signature.ts'
import type { Answer } from './verdict.ts'

/** Between Standard Webhooks' 15 and 30 s: an honest receiver stores and answers. */
export const ATTEMPT_TIMEOUT_MS = 15_000
/** What is read of an answer: of a delivery only the status means anything to us, and an address is far smaller. */
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
  /** What the body is; an event when not said. */
  contentType?: string
}

/** An answer with its body; `null` when it was larger than what is read. */
export type Exchange = { answer: Answer; body: Buffer | null }

/** One attempt: posts the signed body and reads the status. Follows nothing, never throws. */
export async function sendOnce(message: OutgoingMessage, options: SendOptions): Promise<Answer> {
  return (await exchange(message, options)).answer
}

/**
 * Checks the address, connects to the very address that was checked, posts the signed body, reads what comes back up
 * to a limit. Follows nothing, never throws.
 */
export async function exchange(message: OutgoingMessage, options: SendOptions): Promise<Exchange> {
  const clock = options.clock ?? realClock
  const abort = new AbortController()
  const timer = clock.setTimeout(() => abort.abort(), options.timeoutMs)
  const failed = (reason: string): Exchange => ({ answer: { kind: 'failed', reason }, body: null })
  let agent: Agent | undefined
  try {
    const { url, address, family } = await guardUrl(message.url, options)
    if (abort.signal.aborted) return failed('no answer in time')
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
        'content-type': message.contentType ?? 'application/cloudevents+json; charset=utf-8',
        'user-agent': 'beforehand',
        ...signatureHeaders({ id: message.id, atMs: clock.nowMs(), body: message.body, secrets: message.secrets }),
      },
      body: message.body,
    })
    const chunks: Uint8Array[] = []
    let bytes = 0
    for await (const chunk of response.body) {
      bytes += (chunk as Uint8Array).byteLength
      // The status has come; an endless answer changes nothing about it.
      if (bytes > RESPONSE_BYTES_MAX) break
      chunks.push(chunk as Uint8Array)
    }
    const retryAfter = response.headers['retry-after']
    return {
      answer: {
        kind: 'answered',
        status: response.statusCode,
        retryAfter: typeof retryAfter === 'string' ? retryAfter : null,
      },
      body: bytes > RESPONSE_BYTES_MAX ? null : Buffer.concat(chunks),
    }
  } catch (error) {
    if (isHubError(error, 'ADDRESS_FORBIDDEN'))
      return { answer: { kind: 'forbidden', reason: error.message }, body: null }
    if (abort.signal.aborted) return failed('no answer in time')
    return failed(failureOf(error))
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
