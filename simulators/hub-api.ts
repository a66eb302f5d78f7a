import { Agent } from 'undici'
import { HubError, realClock, realSleep } from '#platform'

/** Longest a step or a bulk call may take on a slow machine, as the morning on which a whole fleet is found worn. */
const TIMEOUT_MS = 600_000
/** A change accepted but not yet in the log, or a hub under load: worth asking again, this often. */
const TRIES_MAX = 20

export interface Problem {
  status: number
  code: string
  detail: string
}

/** The hub said no, and why. */
export class HubApiError extends Error {
  readonly problem: Problem

  constructor(call: string, problem: Problem) {
    super(`${call} was answered ${problem.status} ${problem.code}: ${problem.detail}`)
    this.problem = problem
  }
}

export interface CallOptions {
  /** Made anew for each attempt when given as a function. */
  headers?: Record<string, string> | (() => Record<string, string>)
  /** Raw body with its own content type; else JSON. */
  raw?: { type: string; text: string }
}

/** Between two looks whether a hub that was killed is back. */
const AWAY_MS = 250

export interface HubApiOptions {
  /** Asks again for this long while nobody answers, as people do when a server restarts; 0 gives up at once. */
  patienceMs?: number
  /** Longest one call may take; of a fleet of ten thousand more is due at once than of a home. */
  timeoutMs?: number
}

/** The hub's HTTP API as any outsider uses it: one key, JSON in and out, problems as errors. */
export class HubApi {
  readonly url: string
  readonly #key: string | null
  readonly #options: HubApiOptions
  /** `fetch` by itself gives up after five minutes without an answer. */
  readonly #patient: Agent | null

  constructor(url: string, key: string | null, options: HubApiOptions = {}) {
    this.url = url.replace(/\/+$/, '')
    this.#key = key
    this.#options = options
    const { timeoutMs } = options
    this.#patient = timeoutMs === undefined ? null : new Agent({ headersTimeout: timeoutMs, bodyTimeout: timeoutMs })
  }

  as(key: string | null): HubApi {
    return new HubApi(this.url, key, this.#options)
  }

  get<T>(path: string): Promise<T> {
    return this.#call<T>('GET', path)
  }

  post<T>(path: string, body: unknown, options: CallOptions = {}): Promise<T> {
    return this.#call<T>('POST', path, body, options)
  }

  put<T>(path: string, body: unknown, options: CallOptions = {}): Promise<T> {
    return this.#call<T>('PUT', path, body, options)
  }

  async #call<T>(method: string, path: string, body?: unknown, { headers = {}, raw }: CallOptions = {}): Promise<T> {
    const url = path.startsWith('http') ? path : this.url + path
    const content = raw ? { type: raw.type, text: raw.text } : { type: 'application/json', text: JSON.stringify(body) }
    const patientUntilMs = realClock.nowMs() + (this.#options.patienceMs ?? 0)
    for (let tries = 1; ; tries++) {
      let response: Response
      let text: string
      try {
        response = await fetch(url, {
          method,
          headers: {
            ...(this.#key ? { authorization: `Bearer ${this.#key}` } : {}),
            ...(method === 'GET' ? {} : { 'content-type': content.type }),
            ...(typeof headers === 'function' ? headers() : headers),
          },
          ...(method === 'GET' ? {} : { body: content.text }),
          signal: AbortSignal.timeout(this.#options.timeoutMs ?? TIMEOUT_MS),
          ...(this.#patient ? { dispatcher: this.#patient } : {}),
        } as RequestInit)
        text = await response.text()
      } catch (error) {
        if (realClock.nowMs() < patientUntilMs) {
          await realSleep(AWAY_MS)
          continue
        }
        const detail = `The hub at ${this.url} does not answer: ${reasonOf(error)}.`
        throw new HubError('MISSING_DEPENDENCY', detail, { cause: error })
      }
      if (response.ok) return (text === '' ? null : JSON.parse(text)) as T
      const problem = problemOf(response.status, text)
      // A hub that is stopping or starting says 503 before it says nothing.
      if (response.status === 503 && realClock.nowMs() < patientUntilMs) {
        await realSleep(AWAY_MS)
        continue
      }
      if (response.status !== 429 || tries >= TRIES_MAX) throw new HubApiError(`${method} ${path}`, problem)
      await realSleep(1_000 * Math.min(10, Number(response.headers.get('retry-after') ?? 1)))
    }
  }
}

function problemOf(status: number, text: string): Problem {
  try {
    const { code, detail } = JSON.parse(text) as { code?: string; detail?: string }
    return { status, code: code ?? '', detail: detail ?? '' }
  } catch {
    return { status, code: '', detail: text.slice(0, 200) }
  }
}

function reasonOf(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error
  return cause instanceof Error ? cause.message : String(cause)
}
