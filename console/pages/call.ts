/** What went wrong, in the few ways a reader can do something about. */
export type Trouble = 'offline' | 'not_found' | 'expired' | 'gone' | 'conflict' | 'refused' | 'busy' | 'failed'

export type Answer<T> = { ok: true; value: T } | { ok: false; trouble: Trouble; detail: string }

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

/** The token is the last part of the page's own address, and is sent nowhere but back to the hub. */
export function tokenOf(pathname: string): string {
  return pathname.split('/').filter(Boolean).at(-1) ?? ''
}

export async function call<T>(path: string, body?: unknown): Promise<Answer<T>> {
  let response: Response
  try {
    response = await fetch(path, {
      ...(body === undefined
        ? {}
        : { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(TIMEOUT_MS),
      cache: 'no-store',
    })
  } catch {
    return { ok: false, trouble: 'offline', detail: '' }
  }
  const answer = await response.json().catch(() => null)
  if (response.ok && answer !== null) return { ok: true, value: answer as T }
  const problem = (answer ?? {}) as { code?: string; detail?: string }
  const trouble = problem.code === 'OFFER_EXPIRED' ? 'expired' : (TROUBLE_BY_STATUS[response.status] ?? 'failed')
  return { ok: false, trouble, detail: problem.detail ?? '' }
}
