import { Type } from 'typebox'
import { Compile } from 'typebox/compile'
import { HubError, type Problem } from '#platform'
import { NewDevice, surroundingsOf } from '../devices.ts'
import { AUTHOR } from '../http/access.ts'
import { bytesOf, readBytes } from '../http/bodies.ts'
import { commit } from '../http/commit.ts'
import { parseCsv, parseNdjson, type Row } from '../http/lines.ts'
import { Closed, Secret } from '../http/schemas.ts'
import { problemsOf, rawBodyValidator } from '../http/validation.ts'
import { type Registered, registerDevices } from '../register-devices.ts'
import type { Routes } from './routes.ts'

/** A pallet or a market's first delivery; more comes in further calls. One transaction must stay in seconds. */
const ROWS_MAX = 10_000
/** The rows with every field filled. */
const BODY_BYTES_MAX = 8 * 1_048_576

const RowError = Closed({ code: Type.String(), detail: Type.String(), pointer: Type.Optional(Type.String()) })
const RowResult = Closed({
  line: Type.Integer({ description: 'of the body, from 1; a CSV’s header is line 1' }),
  status: Type.Enum(['created', 'refused']),
  serial: Type.Optional(Type.String()),
  id: Type.Optional(Type.String()),
  accessToken: Type.Optional(Secret),
  error: Type.Optional(RowError),
})
const Result = Closed({
  created: Type.Integer(),
  refused: Type.Integer(),
  rows: Type.Array(RowResult),
})

const check = Compile(NewDevice)

/** Many devices at once. A row that cannot be registered is told of in its place and hinders no other. */
export const deviceBulkRoutes: Routes = async (app, services) => {
  readBytes(app, ['application/x-ndjson', 'application/jsonl', 'text/csv'], BODY_BYTES_MAX)

  app.post(
    '/api/devices/bulk',
    {
      bodyLimit: BODY_BYTES_MAX,
      config: { access: AUTHOR },
      schema: {
        summary: 'Register up to 10,000 devices, with a result per row',
        description:
          'NDJSON, one device per line as in `POST /api/devices`, or CSV with a header line naming the same fields ' +
          '(`tags` separated by `|`; no extended warranty). Rows that are refused do not keep the others back.',
        tags: ['devices'],
        consumes: ['application/x-ndjson', 'text/csv'],
        body: Type.Unsafe<Buffer>({ type: 'string', format: 'binary', 'x-rows': 'NewDevice' }),
        response: { 200: Result },
      },
      validatorCompiler: rawBodyValidator,
    },
    (request, reply) => {
      const isCsv = request.headers['content-type']?.startsWith('text/csv') ?? false
      const parsed = isCsv
        ? parseCsv(bytesOf(request.body), ROWS_MAX).map((row) => ({
            ...row,
            value: fromCsv(row.value as Record<string, string>),
          }))
        : parseNdjson(bytesOf(request.body), ROWS_MAX)
      return commit(services, request, reply, async (work) => {
        const valid = parsed.filter(
          (row): row is Row & { value: NewDevice } => row.error === null && check.Check(row.value),
        )
        const known = await surroundingsOf(
          work.tx,
          work.brandId,
          valid.map((row) => row.value),
        )
        const made = await registerDevices(
          work,
          valid.map((row) => row.value),
          known,
        )
        const results = new Map(valid.map((row, i) => [row as Row, made[i]!]))
        const rows = parsed.map((row) => resultOf(row, results.get(row)))
        const created = rows.filter(({ status }) => status === 'created').length
        work.audit('device.bulk_created', work.brandId, { created, refused: rows.length - created })
        return { status: 200, body: { created, refused: rows.length - created, rows } }
      })
    },
  )
}

function fromCsv(cells: Record<string, string>): unknown {
  const { tags, ...rest } = cells
  return tags === undefined ? rest : { ...rest, tags: tags.split('|').filter((tag) => tag !== '') }
}

function resultOf(row: Row, result: Registered | HubError | undefined) {
  const { line, value } = row
  if (result === undefined) {
    const error = row.error ? rowError(row.error) : schemaError(problemsOf(check.Errors(value) as never))
    return { line, status: 'refused', error }
  }
  const { serial } = value as NewDevice
  if (result instanceof HubError) return { line, status: 'refused', serial, error: rowError(result) }
  return { line, status: 'created', serial, id: result.deviceId, accessToken: result.token }
}

function rowError(error: HubError) {
  return { code: error.code, detail: error.message, ...(error.pointer === undefined ? {} : { pointer: error.pointer }) }
}

function schemaError([first]: readonly Problem[]) {
  const { pointer, detail } = first ?? { pointer: '', detail: 'does not fit' }
  return { code: 'VALIDATION_FAILED', detail: `${pointer || 'The row'} ${detail}.`, pointer }
}
