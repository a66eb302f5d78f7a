import { KEY_PATTERN, type QuarantineCode, type QuarantineProblem, RESERVED_KEYS } from '#contracts'
import { PROBLEMS_PER_MESSAGE_MAX } from './decode-telemetry.ts'
import { pointerPart } from './json-pointer.ts'
import { parsePayload } from './payload-json.ts'
import { repeatedMembers } from './repeated-members.ts'
import { shown } from './shown.ts'

/** Facts about a device: firmware, model, network. More than these is a document. */
const ATTRIBUTES_MAX = 100
const STRING_LENGTH_MAX = 1_024
const USABLE_KEY = new RegExp(KEY_PATTERN)

export type AttributeValues = Record<string, number | string | boolean>

export interface DecodedAttributes {
  values: AttributeValues
  problems: QuarantineProblem[]
  problemsTotal: number
}

/** The attributes of `{"firmware": "1.4.2", …}`: good members are kept beside bad ones. Never throws. */
export function decodeAttributes(payload: Uint8Array): DecodedAttributes {
  const json = parsePayload(payload)
  if ('problem' in json) return { values: {}, problems: [json.problem], problemsTotal: 1 }
  return decodeAttributeObject(json.value, repeatedMembers(json.text))
}

export function decodeAttributeObject(value: unknown, repeated: ReadonlySet<string>, prefix = ''): DecodedAttributes {
  const decoded: DecodedAttributes = { values: {}, problems: [], problemsTotal: 0 }
  const report = (code: QuarantineCode, pointer: string, detail: string): void => {
    decoded.problemsTotal++
    if (decoded.problems.length < PROBLEMS_PER_MESSAGE_MAX) decoded.problems.push({ code, pointer, detail })
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    report('WRONG_TYPE', prefix, `${shown(value)} where an object of attributes is needed.`)
    return decoded
  }
  let taken = 0
  for (const [key, attribute] of Object.entries(value)) {
    const pointer = prefix + pointerPart(key)
    const problem = repeated.has(pointer)
      ? repeatedName()
      : taken === ATTRIBUTES_MAX
        ? tooMany()
        : (keyProblem(key) ?? valueProblem(key, attribute))
    if (problem) {
      report(problem.code, pointer, problem.detail)
      continue
    }
    decoded.values[key] = typeof attribute === 'number' ? attribute + 0 : (attribute as string | boolean)
    taken++
  }
  return decoded
}

type Problem = Omit<QuarantineProblem, 'pointer'> | null

function repeatedName(): Problem {
  return {
    code: 'PAYLOAD_NOT_JSON',
    detail: 'This name stands more than once in its object; no value of it is taken.',
  }
}

function tooMany(): Problem {
  return { code: 'PAYLOAD_TOO_LARGE', detail: `At most ${ATTRIBUTES_MAX} attributes are taken at a time.` }
}

function keyProblem(key: string): Problem {
  if (USABLE_KEY.test(key) && !RESERVED_KEYS.has(key)) return null
  const detail = `${shown(key)} cannot be a name: up to 64 letters, digits, _ . - beginning with a letter.`
  return { code: 'UNKNOWN_METRIC', detail }
}

function valueProblem(key: string, value: unknown): Problem {
  if (typeof value === 'boolean') return null
  if (typeof value === 'number') {
    return Number.isFinite(value) ? null : { code: 'NOT_FINITE', detail: `${key} is larger than a number can be.` }
  }
  if (typeof value !== 'string') {
    return { code: 'WRONG_TYPE', detail: `${key} is ${shown(value)}; a number, text or truth value is needed.` }
  }
  if (value.length > STRING_LENGTH_MAX) {
    const detail = `${key} has ${value.length} characters, at most ${STRING_LENGTH_MAX} are taken.`
    return { code: 'OUT_OF_RANGE', detail }
  }
  if (value.includes('\0') || !value.isWellFormed()) {
    return { code: 'WRONG_TYPE', detail: `${key} holds a character that is not text.` }
  }
  return null
}
