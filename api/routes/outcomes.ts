import { Type } from 'typebox'
import { Compile } from 'typebox/compile'
import { instant } from '#contracts'
import { HubError } from '#platform'
import { AUTHOR, VIEWER } from '../http/access.ts'
import { bytesOf, readBytes } from '../http/bodies.ts'
import { commit } from '../http/commit.ts'
import { parseCsv, parseNdjson } from '../http/lines.ts'
import { listPage, PageOf, PageQuery } from '../http/paging.ts'
import { read } from '../http/read.ts'
import { Closed, Nullable, Time } from '../http/schemas.ts'
import { problemsOf, rawBodyValidator } from '../http/validation.ts'
import { NewOutcome, takeOutcomes } from '../outcomes.ts'
import type { Routes } from './routes.ts'

const ROWS_MAX = 10_000
const BODY_BYTES_MAX = 8 * 1_048_576
const check = Compile(NewOutcome)

const Outcome = Closed({
  id: Type.String(),
  device: Type.String(),
  serial: Type.String(),
  component: Nullable(Type.String()),
  at: Time,
  symptom: Nullable(Type.String()),
  cause: Nullable(Type.String()),
  parts: Type.Array(Type.String()),
  createdAt: Time,
})
const RowResult = Closed({
  line: Type.Integer(),
  status: Type.Enum(['created', 'known', 'refused']),
  id: Type.Optional(Type.String()),
  error: Type.Optional(Closed({ code: Type.String(), detail: Type.String(), pointer: Type.Optional(Type.String()) })),
})
const tags = ['outcomes']

/** Past repairs and failures: what alerts are compared with. */
export const outcomeRoutes: Routes = async (app, services) => {
  app.get(
    '/api/outcomes',
    {
      config: { access: VIEWER },
      schema: {
        summary: 'Past repairs and failures, newest first',
        tags,
        querystring: Closed({ ...PageQuery, device: Type.Optional(Type.String({ minLength: 1, maxLength: 64 })) }),
        response: { 200: PageOf(Outcome) },
      },
    },
    (request) =>
      read(services, request, (tx, brandId) => {
        const { device } = request.query
        const all = tx.selectFrom('outcomes').selectAll().where('brand_id', '=', brandId)
        return listPage(
          device === undefined ? all : all.where('device_id', '=', device),
          request.query,
          { by: ['at_ms', 'outcome_id'], direction: 'desc' },
          (row) => ({
            id: row.outcome_id,
            device: row.device_id,
            serial: row.serial,
            component: row.component,
            at: instant(row.at_ms),
            symptom: row.symptom,
            cause: row.cause,
            parts: row.parts,
            createdAt: instant(row.created_at_ms),
          }),
        )
      }),
  )
}

/** Rows arrive as bytes, so they have a scope of their own. */
export const outcomeBulkRoutes: Routes = async (app, services) => {
  readBytes(app, ['application/x-ndjson', 'application/jsonl', 'text/csv'], BODY_BYTES_MAX)
  app.post(
    '/api/outcomes',
    {
      bodyLimit: BODY_BYTES_MAX,
      config: { access: AUTHOR },
      validatorCompiler: rawBodyValidator,
      schema: {
        summary:
          'Up to 10,000 past repairs and failures, one `{serial, component?, at, symptom?, cause?, parts[]}` a line',
        description:
          'NDJSON, or CSV with a header line (`parts` separated by `|`). The same again changes nothing. Nobody is ' +
          'notified. Rows that are refused do not keep the others back.',
        tags,
        consumes: ['application/x-ndjson', 'text/csv'],
        body: Type.Unsafe<Buffer>({ type: 'string', format: 'binary', 'x-rows': 'NewOutcome' }),
        response: { 200: Closed({ created: Type.Integer(), refused: Type.Integer(), rows: Type.Array(RowResult) }) },
      },
    },
    (request, reply) => {
      const isCsv = request.headers['content-type']?.startsWith('text/csv') ?? false
      const parsed = isCsv
        ? parseCsv(bytesOf(request.body), ROWS_MAX).map((row) => ({
            ...row,
            value: fromCsv(row.value as Record<string, string>),
          }))
        : parseNdjson(bytesOf(request.body), ROWS_MAX)
      return commit(services, request, reply, async ({ tx, brandId, nowMs, audit }) => {
        const good = parsed.filter((row) => row.error === null && check.Check(row.value))
        const taken = await takeOutcomes(
          tx,
          { brandId, nowMs, importId: null },
          good.map((row) => row.value as NewOutcome),
        )
        const byRow = new Map(good.map((row, i) => [row, taken[i]!]))
        const rows = parsed.map((row) => {
          const result = byRow.get(row) ?? row.error ?? schemaError(row.value)
          if (result instanceof HubError) return { line: row.line, status: 'refused' as const, error: rowError(result) }
          return { line: row.line, status: result.known ? ('known' as const) : ('created' as const), id: result.id }
        })
        const created = rows.filter(({ status }) => status === 'created').length
        const refused = rows.filter(({ status }) => status === 'refused').length
        audit('outcome.bulk_created', brandId, { created, refused })
        return { status: 200, body: { created, refused, rows } }
      })
    },
  )
}

export function fromCsv({ parts, ...rest }: Record<string, string>): unknown {
  return parts === undefined ? rest : { ...rest, parts: parts.split('|').filter((part) => part !== '') }
}

function schemaError(value: unknown): HubError {
  const [first] = problemsOf(check.Errors(value) as never)
  const { pointer, detail } = first ?? { pointer: '', detail: 'does not fit' }
  return new HubError('VALIDATION_FAILED', `${pointer || 'The row'} ${detail}.`, { pointer })
}

function rowError(error: HubError) {
  return { code: error.code, detail: error.message, ...(error.pointer === undefined ? {} : { pointer: error.pointer }) }
}
