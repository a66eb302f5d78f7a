/** What went wrong, in the few ways a reader can do something about. */
export type Trouble =
  | 'offline'
  | 'not_found'
  | 'expired'
  | 'gone'
  | 'changed'
  | 'conflict'
  | 'refused'
  | 'busy'
  | 'failed'

/** `pointer` is the place in what was sent that the hub would not take, as `/slot`. */
export type Answer<T> = { ok: true; value: T } | { ok: false; trouble: Trouble; detail: string; pointer: string }

/** Longer than the hub takes under load, shorter than people wait. */
const TIMEOUT_MS = 15_000
const TROUBLE_BY_STATUS: Record<number, Trouble> = {
  404: 'not_found',
  409: 'conflict',
  410: 'gone',
  422: 'refused',
  429: 'busy',
  503: 'busy',
}
const TROUBLE_BY_CODE: Record<string, Trouble> = { OFFER_EXPIRED: 'expired', OFFER_CHANGED: 'changed' }

/** The token is the last part of the page's own address, and is sent nowhere but back to the hub. */
export function tokenOf(pathname: string): string {
  return pathname.split('/').filter(Boolean).at(-1) ?? ''
}

export async function call<T>(path: string, body?: unknown): Promise<Answer<T>> {
  const lost: Answer<T> = { ok: false, trouble: 'offline', detail: '', pointer: '' }
  let response: Response
  let answer: unknown
  try {
    response = await fetch(path, {
      ...(body === undefined
        ? {}
        : { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(TIMEOUT_MS),
      cache: 'no-store',
    })
    // A line that breaks in the middle of the answer is a broken line, not a broken hub.
    answer = await response.json().catch((error: unknown) => {
      if (error instanceof SyntaxError) return null
      throw error
    })
  } catch {
    return lost
  }
  if (response.ok && answer !== null) return { ok: true, value: answer as T }
  const {
    code = '',
    detail = '',
    pointer = '',
  } = (answer ?? {}) as { code?: string; detail?: string; pointer?: string }
  const trouble = TROUBLE_BY_CODE[code] ?? TROUBLE_BY_STATUS[response.status] ?? 'failed'
  return { ok: false, trouble, detail, pointer }
}
