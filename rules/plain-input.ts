import { LineCounter, parseDocument } from 'yaml'
import { HubError } from '#platform'

/** A rule a person wrote has a few kilobytes; the largest condition allowed, a dozen more. */
export const TEXT_LENGTH_MAX = 32_768
/** Conditions may be 8 deep, which is 17 levels of JSON; the rest of a rule is flatter. */
const INPUT_DEPTH_MAX = 32
/** A condition of 200 nodes has about 1,000 values. */
const INPUT_VALUES_MAX = 4_000
/** Where a problem of all of it stands; with a place, nobody looks for one. */
const WHOLE_TEXT = { line: 1, col: 1 }
/** Anchors are a convenience; hundreds of references are an attack. */
const ALIASES_MAX = 50

/**
 * Turns text (YAML, and so JSON) or an object into plain data of bounded size: no cycles, no
 * getters, no surprises from prototypes. Nothing hostile gets past this line, and nothing crashes on it.
 *
 * @throws {HubError} `RULE_INVALID`, pointing at what was too much
 */
export function plainInput(input: unknown): unknown {
  return copy(typeof input === 'string' ? parseText(input) : input, { values: 0 }, [])
}

function parseText(text: string): unknown {
  if (text.length > TEXT_LENGTH_MAX)
    throw invalid('', `The rule has ${text.length} characters; ${TEXT_LENGTH_MAX} are allowed.`)
  // The parser compares every name with all before it.
  if (countOf(':', text) > INPUT_VALUES_MAX)
    throw invalid('', `The rule has more than ${INPUT_VALUES_MAX} values.`, WHOLE_TEXT)
  try {
    const lines = new LineCounter()
    // Its own pretty messages are written for every error, and each looks through the text; one place is enough.
    const document = parseDocument(text, {
      uniqueKeys: true,
      stringKeys: true,
      prettyErrors: false,
      lineCounter: lines,
    })
    const error = document.errors[0]
    if (error?.message.includes('call stack')) throw new RangeError(error.message)
    if (error) {
      const said = error.message.split('\n')[0] ?? ''
      throw invalid('', `The text is neither YAML nor JSON: ${said}.`, lines.linePos(error.pos[0]))
    }
    return document.toJS({ maxAliasCount: ALIASES_MAX })
  } catch (error) {
    if (error instanceof HubError) throw error
    // Nesting beyond the stack, or more aliases than allowed.
    const detail = 'The text is nested too deeply or repeats itself too often to be a rule.'
    throw invalid('', detail, WHOLE_TEXT)
  }
}

function countOf(character: string, text: string): number {
  let count = 0
  for (let at = text.indexOf(character); at >= 0; at = text.indexOf(character, at + 1)) count++
  return count
}

function copy(value: unknown, seen: { values: number }, path: readonly string[]): unknown {
  if (++seen.values > INPUT_VALUES_MAX)
    throw invalid(pointerOf(path), `The rule has more than ${INPUT_VALUES_MAX} values.`)
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return value
  if (typeof value === 'number') {
    if (Number.isFinite(value)) return value
    throw invalid(pointerOf(path), 'A number must be finite.')
  }
  if (typeof value !== 'object') throw invalid(pointerOf(path), `A rule holds no ${typeof value}.`)
  if (path.length >= INPUT_DEPTH_MAX)
    throw invalid(pointerOf(path), `The rule is nested deeper than ${INPUT_DEPTH_MAX} levels.`)
  if (Array.isArray(value)) {
    const items: unknown[] = []
    for (let i = 0; i < value.length; i++) items.push(copy(value[i], seen, [...path, String(i)]))
    return items
  }
  const members: Record<string, unknown> = {}
  for (const key of Object.keys(value)) {
    const member = copy((value as Record<string, unknown>)[key], seen, [...path, key])
    // Defined, not assigned: `__proto__` must become a member that the schema can refuse.
    if (member !== undefined)
      Object.defineProperty(members, key, { value: member, enumerable: true, writable: true, configurable: true })
  }
  return members
}

/** RFC 6901. A hostile path is cut: a pointer of a thousand steps helps nobody. */
export function pointerOf(path: readonly string[]): string {
  return path.map((step) => `/${step.replaceAll('~', '~0').replaceAll('/', '~1')}`).join('')
}

function invalid(pointer: string, detail: string, at?: { line: number; col: number }): HubError {
  const place = at ? { line: at.line, column: at.col } : {}
  const where = at ? `Line ${at.line}, column ${at.col}: ` : ''
  return new HubError('RULE_INVALID', where + detail, { pointer, problems: [{ pointer, detail, ...place }] })
}
