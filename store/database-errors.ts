import { HubError, toError } from '#platform'

const codeOf = (error: unknown): string => String((error as { code?: unknown } | null)?.code ?? '')

/** Two transactions got in each other's way; the same work may simply be done again. */
export function isTransient(error: unknown): boolean {
  return codeOf(error) === '40001' || codeOf(error) === '40P01'
}

/** A session keeps the plan of a statement whose columns were changed since, as by the next release of another node. */
export function isStalePlan(error: unknown): boolean {
  return codeOf(error) === '0A000' && toError(error).message.includes('cached plan must not change result type')
}

/** @param constraint name of the constraint or unique index; any when left out. */
export function isUniqueViolation(error: unknown, constraint?: string): boolean {
  return codeOf(error) === '23505' && (constraint === undefined || constraintOf(error) === constraint)
}

/** @param constraint name of the constraint; any when left out. */
export function isForeignKeyViolation(error: unknown, constraint?: string): boolean {
  return codeOf(error) === '23503' && (constraint === undefined || constraintOf(error) === constraint)
}

const constraintOf = (error: unknown): unknown => (error as { constraint?: unknown }).constraint

/** Socket errors, and the SQLSTATE classes of a server that goes away, is full or not there yet. */
const CONNECTION_CODES = /^(08...|57P0[1-5]|53300|ECONN.*|ENOENT|EPIPE|ETIMEDOUT|ENOTFOUND|EHOSTUNREACH|EAI_AGAIN)$/

/** The driver gave up waiting: whether the statement was carried out, nobody knows. */
export function isUnanswered(error: unknown): boolean {
  return toError(error).message === 'Query read timeout'
}

function isConnectionFailure(error: unknown): boolean {
  const message = toError(error).message
  return (
    isUnanswered(error) ||
    CONNECTION_CODES.test(codeOf(error)) ||
    message.startsWith('Connection terminated') ||
    message.includes('timeout exceeded when trying to connect') ||
    message.includes('Client has encountered a connection error')
  )
}

/** A value the database will not take, however often it is asked: of the wrong form, forbidden, or too large for an index. */
export function isRefusedForGood(error: unknown): boolean {
  return /^(22|23|54)...$/.test(codeOf(error))
}

/** The store as its callers see it: what they cannot help becomes `STORE_UNAVAILABLE`; the rest stays. */
export function asStoreError(error: unknown): Error {
  if (!isConnectionFailure(error)) return toError(error)
  return new HubError('STORE_UNAVAILABLE', `The database does not answer: ${toError(error).message}`, { cause: error })
}
