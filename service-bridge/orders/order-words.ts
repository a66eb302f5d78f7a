import { sealedAs } from '#contracts'
import type { SecretBox } from '#platform'

/**
 * What partners and technicians write in their own words may name somebody or describe a home, and a technician is
 * a person too. Such texts are sealed where they stand, inside the JSON they came in, so that nothing but a
 * ciphertext reaches a table or its files; everything that decides (statuses, verdicts, parts, sums) stays readable.
 */
const WORDS: ReadonlySet<string> = new Set([
  'technician.ref',
  'technician.name',
  'technician.contact',
  'quote.reason',
  'objection.text',
  'outcome.items.report.found',
  'outcome.items.report.done',
  'outcome.items.report.advice',
  'outcome.photos',
])

/** Begins every sealed text, so that one from before sealing is known. */
const MARK = 'sealed:v1:'

/** A partner event, or the part of one that `path` names, with its words sealed to the order. */
export function sealWords<T>(box: SecretBox, workOrderId: string, value: T, path = ''): T {
  return walk(value, path, (text, at) => {
    if (!WORDS.has(at)) return text
    return MARK + box.seal(text, sealedAs.orderWords(workOrderId)).toString('base64')
  })
}

/** The same with its words readable again. A text that was never sealed, as from an earlier release, stays as it is. */
export function openWords<T>(box: SecretBox, workOrderId: string, value: T, path = ''): T {
  return walk(value, path, (text, at) => {
    if (!WORDS.has(at) || !text.startsWith(MARK)) return text
    return box.open(Buffer.from(text.slice(MARK.length), 'base64'), sealedAs.orderWords(workOrderId))
  })
}

/** The same without any words, sealed or not: what stays when the home was erased. */
export function dropWords<T>(value: T, path = ''): T {
  return walk(value, path, (text, at) => (WORDS.has(at) ? '' : text))
}

function walk<T>(value: T, path: string, change: (text: string, path: string) => string): T {
  if (typeof value === 'string') return change(value, path) as T
  if (Array.isArray(value)) return value.map((one) => walk(one, path, change)) as T
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).map(([key, member]) => [
    key,
    walk(member, path === '' ? key : `${path}.${key}`, change),
  ])
  return Object.fromEntries(entries) as T
}
