import type { Static, TSchema } from 'typebox'
import { Compile } from 'typebox/compile'
import { formatProblem } from '#contracts'
import { HubError } from '#platform'

/**
 * A check of a boundary schema, compiled once. Throws VALIDATION_FAILED with the pointer of
 * the first problem and the others beside it.
 */
export function validator<S extends TSchema>(schema: S): (value: unknown) => Static<S> {
  const compiled = Compile(schema)
  return (value) => {
    if (compiled.Check(value)) return value as Static<S>
    const problems = compiled.Errors(value).map((error) => ({
      pointer: pointerOf(error as { instancePath?: string }),
      detail: detailOf(error as { message?: string; params?: object }),
    }))
    const first = problems[0] ?? { pointer: '', detail: 'does not fit the schema' }
    throw new HubError('VALIDATION_FAILED', `${first.pointer || 'The body'} ${first.detail}.`, {
      pointer: first.pointer,
      problems: problems.slice(0, PROBLEMS_MAX),
    })
  }
}

/** Enough to mend a body in one go. */
const PROBLEMS_MAX = 20

function detailOf({ message, params }: { message?: string; params?: { format?: string } }): string {
  return formatProblem(params?.format ?? '') ?? message ?? 'does not fit'
}

function pointerOf(error: { instancePath?: string }): string {
  return error.instancePath ?? ''
}
