import { HubError } from '#platform'

/**
 * Deeper than any document of the contract by far, and shallow enough that no validator
 * further in, recursive ones included, comes near the end of its stack.
 */
const BODY_DEPTH_MAX = 64

/** Names that would reach the prototype of whatever object they are copied into. */
const POISON = new Set(['__proto__', 'constructor', 'prototype'])

/** Escapes one segment of a JSON pointer (RFC 6901). */
export function pointerSegment(key: string | number): string {
  return String(key).replaceAll('~', '~0').replaceAll('/', '~1')
}

/**
 * A JSON body, refused when it is too deep, would touch a prototype, or holds text that
 * cannot be stored (NUL, half of a surrogate pair). Iterative: depth costs no stack.
 */
export function parseJsonBody(text: string): unknown {
  let value: unknown
  try {
    value = JSON.parse(text.charCodeAt(0) === 0xfeff ? text.slice(1) : text)
  } catch (error) {
    throw new HubError('BAD_REQUEST', `The body is not JSON: ${(error as Error).message}.`, { cause: error })
  }
  refuseUnsafe(value)
  if (typeof value === 'object' && value !== null && text.length <= TEXT_KEPT_MAX) texts.set(value, text)
  return value
}

/** Documents a person writes are below this; their problems are told with line and column. */
const TEXT_KEPT_MAX = 32_768
const texts = new WeakMap<object, string>()

/** The text a parsed body came as, while the body lives; `null` when it was large or no text. */
export function textOfBody(body: unknown): string | null {
  if (typeof body === 'string') return body
  return typeof body === 'object' && body !== null ? (texts.get(body) ?? null) : null
}

function refuseUnsafe(root: unknown): void {
  const open: { value: unknown; pointer: string; depth: number }[] = [{ value: root, pointer: '', depth: 0 }]
  for (let item = open.pop(); item; item = open.pop()) {
    const { value, pointer, depth } = item
    if (typeof value === 'string') refuseText(value, pointer)
    if (typeof value !== 'object' || value === null) continue
    if (depth >= BODY_DEPTH_MAX) {
      throw new HubError('VALIDATION_FAILED', `The body is nested deeper than ${BODY_DEPTH_MAX} levels.`, { pointer })
    }
    for (const [key, member] of Object.entries(value)) {
      const at = `${pointer}/${pointerSegment(key)}`
      if (!Array.isArray(value)) {
        refuseText(key, at)
        if (POISON.has(key))
          throw new HubError('VALIDATION_FAILED', `“${key}” is not allowed as a name.`, { pointer: at })
      }
      open.push({ value: member, pointer: at, depth: depth + 1 })
    }
  }
}

/** True when PostgreSQL can hold the text, also inside JSON. */
export function isStorableText(text: string): boolean {
  return !text.includes('\u0000') && text.isWellFormed()
}

function refuseText(text: string, pointer: string): void {
  if (isStorableText(text)) return
  throw new HubError('VALIDATION_FAILED', 'A text holds a NUL character or half of a surrogate pair.', { pointer })
}
