import { STATUS_CODES } from 'node:http'
import { Type } from 'typebox'
import { ERRORS, type ErrorCode, HubError, type Problem, toError } from '#platform'

/** The one shape of every error answer (RFC 9457), with a code scripts may branch on. */
export const ProblemDetails = Type.Object(
  {
    type: Type.String(),
    title: Type.String(),
    status: Type.Integer(),
    code: Type.String({ description: 'stable; never renamed, never reused' }),
    detail: Type.String({ description: 'what, where, and what to do' }),
    pointer: Type.Optional(Type.String({ description: 'JSON pointer into the body' })),
    problems: Type.Optional(
      Type.Array(
        Type.Object(
          {
            pointer: Type.String(),
            detail: Type.String(),
            line: Type.Optional(Type.Integer({ description: 'in the text that was sent, from 1' })),
            column: Type.Optional(Type.Integer()),
          },
          { additionalProperties: false },
        ),
      ),
    ),
  },
  { additionalProperties: false, title: 'ProblemDetails' },
)

export interface ProblemBody {
  type: string
  title: string
  status: number
  code: ErrorCode
  detail: string
  pointer?: string
  problems?: readonly Problem[]
}

export const PROBLEM_TYPE = 'application/problem+json; charset=utf-8'

/** What Fastify says while reading a request, in the hub's own codes. */
const FASTIFY_CODES: Record<string, [ErrorCode, string]> = {
  FST_ERR_CTP_INVALID_MEDIA_TYPE: ['UNSUPPORTED_MEDIA_TYPE', 'This call does not read that Content-Type; see /docs.'],
  FST_ERR_CTP_BODY_TOO_LARGE: ['PAYLOAD_TOO_LARGE', 'The body is larger than this call accepts. Send it in parts.'],
  FST_ERR_CTP_EMPTY_JSON_BODY: ['BAD_REQUEST', 'The body is empty; this call needs a JSON document.'],
  FST_ERR_CTP_INVALID_JSON_BODY: ['BAD_REQUEST', 'The body is not JSON.'],
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: ['BAD_REQUEST', 'The body does not have the length its header states.'],
  FST_ERR_BAD_URL: ['BAD_REQUEST', 'The path is not a valid URL.'],
  FST_ERR_MAX_PARAM_LENGTH: ['NOT_FOUND', 'A part of the path is longer than any name here.'],
  FST_ERR_NOT_FOUND: ['NOT_FOUND', 'There is no such path.'],
}

/** PostgreSQL conditions that a request can cause, or that pass by themselves. */
const SQLSTATES: Record<string, [ErrorCode, string]> = {
  '23505': ['CONFLICT', 'Something with this name exists already. Use another name, or change the existing one.'],
  '23503': ['CONFLICT', 'Something still refers to this, or what it refers to does not exist.'],
  '23514': ['VALIDATION_FAILED', 'A value is outside what may be stored.'],
  '22001': ['VALIDATION_FAILED', 'A text is longer than may be stored.'],
  '22003': ['VALIDATION_FAILED', 'A number is larger than may be stored.'],
  '22008': ['VALIDATION_FAILED', 'A time is outside what may be stored.'],
  '22021': ['VALIDATION_FAILED', 'A text holds characters that cannot be stored.'],
  '22P05': ['VALIDATION_FAILED', 'A text holds characters that cannot be stored.'],
  '40001': ['STORE_UNAVAILABLE', 'Two changes met. Nothing was stored; send the request again.'],
  '40P01': ['STORE_UNAVAILABLE', 'Two changes met. Nothing was stored; send the request again.'],
  '53100': ['STORE_UNAVAILABLE', 'The disk of the database is full. Nothing was stored; try again once it has room.'],
  '53200': ['STORE_UNAVAILABLE', 'The database is short of memory. Nothing was stored; try again shortly.'],
  '53300': ['STORE_UNAVAILABLE', 'The database has no connection left. Try again shortly.'],
  '57014': ['STORE_UNAVAILABLE', 'The database took too long. Ask for less, or try again shortly.'],
}
const CONNECTION_LOST = new Set(['ECONNREFUSED', 'ECONNRESET', 'ENOENT', 'EPIPE', '57P01', '57P02', '57P03'])

/**
 * What was asked, not sent: without a body there is nothing to point into. A cursor made up by
 * hand fails where it is decoded, or in the database at its first comparison.
 */
function asQueryProblem(error: HubError, cursor: boolean): HubError {
  if (error.code !== 'VALIDATION_FAILED') return error
  const detail = cursor
    ? 'The cursor is not one this list gave out, or a filter has not the form it needs.'
    : error.message
  return new HubError('BAD_REQUEST', detail, { cause: error })
}

/** The error as the caller of this request gets it. */
export function refusalOf(thrown: unknown, request: { method: string; query: unknown }): HubError {
  const error = hubErrorOf(thrown)
  if (request.method !== 'GET') return error
  return asQueryProblem(error, (request.query as { cursor?: unknown } | undefined)?.cursor !== undefined)
}

/** Anything thrown in a request, as the error the caller gets. What we did not foresee is INTERNAL and says nothing. */
export function hubErrorOf(thrown: unknown): HubError {
  if (thrown instanceof HubError) return thrown
  const error = toError(thrown) as Error & { code?: string; statusCode?: number }
  const code = typeof error.code === 'string' ? error.code : ''
  const known = FASTIFY_CODES[code] ?? SQLSTATES[code]
  if (known) return new HubError(known[0], known[1], { cause: error })
  if (
    CONNECTION_LOST.has(code) ||
    code.startsWith('08') ||
    /connection (terminated|timeout)|timeout exceeded/i.test(error.message)
  ) {
    return new HubError('STORE_UNAVAILABLE', 'The database does not answer. Try again shortly.', { cause: error })
  }
  // Class 22: a value the database cannot read as what its column holds.
  if (/^22[0-9A-Z]{3}$/.test(code)) {
    return new HubError('VALIDATION_FAILED', 'A value has not the form it needs.', { cause: error })
  }
  const status = error.statusCode ?? 500
  if (status >= 400 && status < 500) {
    return new HubError('BAD_REQUEST', STATUS_CODES[status] ?? 'The request cannot be read.', { cause: error })
  }
  return new HubError('INTERNAL', 'The hub failed at this request. Its log has the cause under the request id.', {
    cause: error,
  })
}

export function problemBody(error: HubError): ProblemBody {
  const pointer = error.pointer ?? error.problems[0]?.pointer
  return {
    type: `urn:beforehand:problem:${error.code.toLowerCase().replaceAll('_', '-')}`,
    title: ERRORS[error.code].title,
    status: error.status,
    code: error.code,
    detail: error.message,
    ...(pointer === undefined ? {} : { pointer }),
    ...(error.problems.length > 0 ? { problems: error.problems } : {}),
  }
}
