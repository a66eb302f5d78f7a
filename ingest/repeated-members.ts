import { pointerPart } from './json-pointer.ts'

/** Deepest object whose members mean something: `values` inside an array inside a gateway's object. */
const DEPTH_MAX = 4
/** A payload with more than these is no device's mistake; the rest of them goes unnamed. */
const REPEATED_MAX = 1_000

interface Frame {
  /** Member names so far; `null` in an array. */
  names: Set<string> | null
  index: number
  pointer: string
  name: string
}

/**
 * JSON pointers of the members that stand more than once in one object. `JSON.parse` keeps
 * the last in silence, other parsers the first (RFC 8259 section 4 leaves it open): which one
 * the firmware meant, nobody knows. The text must be valid JSON.
 *
 * Without recursion, and blind below the depth that matters, so that nesting costs nothing.
 */
export function repeatedMembers(text: string): ReadonlySet<string> {
  const repeated = new Set<string>()
  const frames: Frame[] = []
  let depth = 0
  for (let at = 0; at < text.length; at++) {
    const char = text[at]
    const frame = depth <= DEPTH_MAX ? frames[depth - 1] : undefined
    if (char === '{' || char === '[') {
      depth++
      if (depth <= DEPTH_MAX) {
        const pointer = frame ? frame.pointer + pointerPart(frame.names ? frame.name : frame.index) : ''
        frames[depth - 1] = { names: char === '{' ? new Set() : null, index: 0, pointer, name: '' }
      }
    } else if (char === '}' || char === ']') {
      depth--
    } else if (char === ',' && frame) {
      frame.index++
    } else if (char === '"') {
      const end = endOfString(text, at)
      if (frame?.names && isName(text, end)) {
        frame.name = JSON.parse(text.slice(at, end + 1)) as string
        if (frame.names.has(frame.name) && repeated.size < REPEATED_MAX) {
          repeated.add(frame.pointer + pointerPart(frame.name))
        }
        frame.names.add(frame.name)
      }
      at = end
    }
  }
  return repeated
}

/** The position of the quote that ends the string beginning at `start`. */
function endOfString(text: string, start: number): number {
  let at = start + 1
  while (text[at] !== '"') at += text[at] === '\\' ? 2 : 1
  return at
}

function isName(text: string, end: number): boolean {
  let at = end + 1
  while (text[at] === ' ' || text[at] === '\n' || text[at] === '\r' || text[at] === '\t') at++
  return text[at] === ':'
}
