import type { RuleDocument } from '#contracts'
import { sameSemantics } from './canonical-rule.ts'
import { pointerOf } from './plain-input.ts'

/** One place at which two versions of a rule differ. */
export interface RuleChange {
  pointer: string
  /** Absent where there was, or is, nothing. */
  from?: unknown
  to?: unknown
  /** Whether it is of the part that decides; words and the service called for are not (T18). */
  decides: boolean
  /** The same for a person: `for: 10m → 15m`. */
  text: string
}

/** Members of a rule that never decide anything. */
const WORDS: ReadonlySet<string> = new Set(['name', 'cause', 'service', 'notes'])
/** A rule has a few hundred places; beyond this it is another rule, and saying so is enough. */
const CHANGES_MAX = 200

/** What of a rule is different, place by place in order of its members. Nothing decides when both behave alike. */
export function ruleDiff(before: RuleDocument, after: RuleDocument): RuleChange[] {
  const alike = sameSemantics(before, after)
  const found: RuleChange[] = []
  compare(before, after, [])
  return found.slice(0, CHANGES_MAX)

  function compare(a: unknown, b: unknown, path: readonly string[]): void {
    if (Object.is(a, b)) return
    if (isBranch(a) && isBranch(b) && Array.isArray(a) === Array.isArray(b)) {
      const keys = new Set([...Object.keys(a), ...Object.keys(b)])
      for (const key of keys) compare(member(a, key), member(b, key), [...path, key])
      return
    }
    found.push({
      pointer: pointerOf(path),
      ...(a === undefined ? {} : { from: a }),
      ...(b === undefined ? {} : { to: b }),
      decides: !alike && !WORDS.has(path[0] ?? ''),
      text: `${path.join('.')}: ${shown(a)} → ${shown(b)}`,
    })
  }
}

function isBranch(value: unknown): value is object {
  return typeof value === 'object' && value !== null
}

function member(of: object, key: string): unknown {
  return Object.hasOwn(of, key) ? (of as Record<string, unknown>)[key] : undefined
}

const SHOWN_MAX = 120

function shown(value: unknown): string {
  if (value === undefined) return 'nothing'
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  return text.length > SHOWN_MAX ? `${text.slice(0, SHOWN_MAX)}…` : text
}
