import type { FastifySchemaCompiler } from 'fastify'
import type { TSchema } from 'typebox'
import { Compile } from 'typebox/compile'
import { Value } from 'typebox/value'
import { formatProblem } from '#contracts'
import { HubError, type Problem } from '#platform'
import { pointerSegment } from './json-body.ts'

/** Beyond these a caller should mend the first ones anyway. */
const PROBLEMS_MAX = 20

interface SchemaError {
  keyword: string
  instancePath: string
  params: object
  message: string
}

/**
 * Strict bodies: checked as they came, never converted, never stripped. Query and path are
 * text by nature, so there numbers and booleans are read from it.
 */
export const strictValidator: FastifySchemaCompiler<TSchema> = ({ schema, httpPart }) => {
  const check = Compile(schema)
  return (value) => {
    const seen = httpPart === 'body' ? value : Value.Convert(schema, Value.Clone(value))
    if (check.Check(seen)) return { value: seen }
    return { error: refusal(httpPart ?? 'body', check.Errors(seen) as SchemaError[]) }
  }
}

/** For bodies judged further in (signed bytes, lines, the rule language): path and query are checked, the body is not. */
export const rawBodyValidator: FastifySchemaCompiler<TSchema> = (route) =>
  route.httpPart === 'body' ? (value) => ({ value }) : strictValidator(route)

function refusal(part: string, errors: SchemaError[]): HubError {
  const problems = problemsOf(errors)
  const first = problems[0] ?? { pointer: '', detail: 'does not fit' }
  if (part === 'params') return new HubError('NOT_FOUND', 'No name or id here has this form.')
  if (part === 'body') {
    return new HubError('VALIDATION_FAILED', sentence('The body', first), { pointer: first.pointer, problems })
  }
  const where = part === 'querystring' ? 'The query' : 'A header'
  return new HubError('BAD_REQUEST', sentence(where, first), { problems })
}

function sentence(where: string, { pointer, detail }: Problem): string {
  return `${where}${pointer ? ` at ${pointer}` : ''}: ${detail}.`
}

/**
 * One line per place. A failed union reports every branch; what is said about the same place
 * is joined, and the echo "schema is false" gives way to the field's own sentence.
 */
export function problemsOf(errors: readonly SchemaError[]): Problem[] {
  const byPointer = new Map<string, Set<string>>()
  const note = (pointer: string, detail: string): void => {
    const known = byPointer.get(pointer) ?? new Set()
    byPointer.set(pointer, known.add(detail))
  }
  for (const { keyword, instancePath, params, message } of errors) {
    const names = params as { additionalProperties?: string[]; requiredProperties?: string[]; allowedValue?: unknown }
    if (keyword === 'additionalProperties' && names.additionalProperties) {
      for (const name of names.additionalProperties)
        note(`${instancePath}/${pointerSegment(name)}`, 'is not a known field')
    } else if (keyword === 'required' && names.requiredProperties) {
      for (const name of names.requiredProperties) note(`${instancePath}/${pointerSegment(name)}`, 'is missing')
    } else if (keyword === 'const') {
      note(instancePath, `is not ${JSON.stringify(names.allowedValue)}`)
    } else if (keyword === 'format') {
      note(instancePath, formatProblem((params as { format: string }).format) ?? message)
    } else if (keyword !== 'boolean' && keyword !== 'anyOf') {
      note(instancePath, message)
    } else if (errors.length === 1) {
      note(instancePath, 'does not fit')
    }
  }
  return [...byPointer].slice(0, PROBLEMS_MAX).map(([pointer, details]) => ({
    pointer,
    detail: [...details].slice(0, 4).join(', or '),
  }))
}
