import type { TLocalizedValidationError } from 'typebox/error'
import { Duration, formatProblem, KEY_PATTERN, RegionCode, Sku } from '#contracts'
import type { Problem } from '#platform'
import { didYouMean } from './did-you-mean.ts'

const patternOf = (schema: object): string => String((schema as { pattern?: unknown }).pattern)

/** Patterns in words; the expressions themselves are for machines. */
const PATTERNS: ReadonlyMap<string, string> = new Map([
  [KEY_PATTERN, 'a name of letters, digits, _ . - that starts with a letter'],
  [patternOf(Duration), 'a duration such as 10m, 6h, 14d or ISO 8601 without months and years'],
  [patternOf(Sku), 'a part number of letters, digits, . _ -'],
  [patternOf(RegionCode), 'a region code of 2 to 9 digits'],
])

/** What a schema found, one sentence per place: alternatives of a union are told together. */
export function schemaProblems(
  errors: readonly TLocalizedValidationError[],
  known: readonly string[],
  base = '',
): Problem[] {
  const byPlace = new Map<string, Set<string>>()
  const choices = new Map<string, Set<string>>()
  const say = (pointer: string, detail: string): void => {
    byPlace.set(pointer, (byPlace.get(pointer) ?? new Set()).add(detail))
  }
  for (const error of errors) {
    const pointer = base + error.instancePath
    switch (error.keyword) {
      case 'const':
        choices.set(pointer, (choices.get(pointer) ?? new Set()).add(String(error.params.allowedValue)))
        break
      case 'required':
        for (const name of error.params.requiredProperties) say(`${pointer}/${name}`, 'This is needed and missing.')
        break
      case 'boolean': {
        const name = pointer.slice(pointer.lastIndexOf('/') + 1)
        say(pointer, `There is no ${name} here.${didYouMean(name, known)}`)
        break
      }
      case 'pattern':
        say(
          pointer,
          `The value must be ${PATTERNS.get(String(error.params.pattern)) ?? `of the form ${error.params.pattern}`}.`,
        )
        break
      case 'format':
        say(pointer, `The value ${formatProblem(error.params.format) ?? error.message}.`)
        break
      case 'anyOf':
      case 'additionalProperties':
        break // told by its alternatives, and by the members themselves
      default:
        say(pointer, `The value ${error.message}.`)
    }
  }
  for (const [pointer, allowed] of choices) {
    byPlace.delete(pointer)
    say(pointer, `The value must be one of ${[...allowed].join(', ')}.`)
  }
  return [...byPlace].map(([pointer, details]) => ({ pointer, detail: [...details].join(' ') }))
}
