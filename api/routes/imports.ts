import type { Selectable } from 'kysely'
import { Type } from 'typebox'
import { Compile } from 'typebox/compile'
import { Instant, instant } from '#contracts'
import { derivedId, HubError } from '#platform'
import type { ImportProblem, ImportsTable, Tx } from '#store'
import { NewDevice, surroundingsOf } from '../devices.ts'
import { AUTHOR, brandOf, VIEWER } from '../http/access.ts'
import { bytesOf, readBytes } from '../http/bodies.ts'
import { commit, type Work } from '../http/commit.ts'
import { parseNdjson, type Row } from '../http/lines.ts'
import { listPage, PageOf, PageQuery } from '../http/paging.ts'
import { read } from '../http/read.ts'
import { Closed, Nullable, PathName, Time } from '../http/schemas.ts'
import { msOf } from '../http/times.ts'
import { problemsOf, rawBodyValidator } from '../http/validation.ts'
import { NewOutcome, noteKnownSpan, takeOutcomes } from '../outcomes.ts'
import { registerDevices } from '../register-devices.ts'
import type { Routes } from './routes.ts'

/** Lines of one call: a second's work, and the most that a broken connection repeats. */
const LINES_MAX = 10_000
const BODY_BYTES_MAX = 8 * 1_048_576
/** Problems kept with an import: the first tell what is wrong with a file, a million more do not. */
const PROBLEMS_MAX = 100

const Problem = Closed({ line: Type.Integer(), code: Type.String(), detail: Type.String() })
const Import = Closed({
  id: Type.String(),
  kind: Type.Enum(['devices', 'telemetry', 'outcomes']),
  source: Type.String(),
  lines: Type.Integer({ description: 'dealt with so far: go on after these' }),
  accepted: Type.Integer(),
  rejected: Type.Integer(),
  problems: Type.Array(Problem),
  doneAt: Nullable(Time),
  createdAt: Time,
})
const params = Closed({ import: PathName })
const tags = ['imports']
const checkDevice = Compile(NewDevice)
const checkOutcome = Compile(NewOutcome)

/** A brand's past, file by file: lines of NDJSON in order, and where to go on after a break. */
export const importRoutes: Routes = async (app, services) => {
  app.post(
    '/api/imports',
    {
      config: { access: AUTHOR },
      schema: {
        summary: 'Begin an import, or find the one of the same source again',
        description:
          '`source` names the file for good, as its SHA-256 does: asked for again, the import answers how far it came.',
        tags,
        body: Closed({
          kind: Type.Enum(['devices', 'telemetry', 'outcomes']),
          source: Type.String({ minLength: 1, maxLength: 128 }),
        }),
        response: { 201: Import },
      },
    },
    (request, reply) =>
      commit(services, request, reply, async ({ tx, brandId, nowMs, audit }) => {
        const { kind, source } = request.body
        const importId = derivedId('imp', brandId, kind, source)
        const made = await tx
          .insertInto('imports')
          .values({ brand_id: brandId, import_id: importId, kind, source, created_at_ms: nowMs, updated_at_ms: nowMs })
          .onConflict((conflict) => conflict.doNothing())
          .returning('import_id')
          .executeTakeFirst()
        if (made) audit('import.begun', importId, { kind })
        return { status: 201, body: shown(await requireImport(tx, brandId, importId)) }
      }),
  )

  app.get(
    '/api/imports',
    {
      config: { access: VIEWER },
      schema: { summary: 'Imports', tags, querystring: Closed(PageQuery), response: { 200: PageOf(Import) } },
    },
    (request) =>
      read(services, request, (tx, brandId) =>
        listPage(
          tx.selectFrom('imports').selectAll().where('brand_id', '=', brandId),
          request.query,
          { by: ['import_id'] },
          shown,
        ),
      ),
  )

  app.get(
    '/api/imports/:import',
    { config: { access: VIEWER }, schema: { summary: 'One import', tags, params, response: { 200: Import } } },
    (request) =>
      read(services, request, async (tx, brandId) => shown(await requireImport(tx, brandId, request.params.import))),
  )

  app.post(
    '/api/imports/:import/done',
    {
      config: { access: AUTHOR },
      schema: {
        summary: 'Say that every line was sent',
        description:
          'With `completeFrom` and `completeTo`, imported outcomes are taken to be all repairs of that time: an alert ' +
          'that none followed was for nothing.',
        tags,
        params,
        body: Closed({ completeFrom: Type.Optional(Instant), completeTo: Type.Optional(Instant) }),
        response: { 200: Import },
      },
    },
    (request, reply) =>
      commit(services, request, reply, async ({ tx, brandId, nowMs, audit }) => {
        const row = await requireImport(tx, brandId, request.params.import)
        const { completeFrom, completeTo } = request.body
        if (completeFrom !== undefined && completeTo !== undefined)
          await noteKnownSpan(tx, {
            brandId,
            spanId: row.import_id,
            fromMs: msOf(completeFrom, '/completeFrom'),
            toMs: msOf(completeTo, '/completeTo'),
          })
        if (row.done_at_ms === null) {
          await tx
            .updateTable('imports')
            .set({ done_at_ms: nowMs, updated_at_ms: nowMs })
            .where('brand_id', '=', brandId)
            .where('import_id', '=', row.import_id)
            .execute()
          audit('import.done', row.import_id, { accepted: row.accepted, rejected: row.rejected })
        }
        return { status: 200, body: shown(await requireImport(tx, brandId, row.import_id)) }
      }),
  )
}

/** Lines arrive as bytes, so they have a scope of their own. */
export const importLineRoutes: Routes = async (app, services) => {
  readBytes(app, ['application/x-ndjson', 'application/jsonl'], BODY_BYTES_MAX)
  app.post(
    '/api/imports/:import/lines',
    {
      bodyLimit: BODY_BYTES_MAX,
      config: { access: AUTHOR },
      validatorCompiler: rawBodyValidator,
      schema: {
        summary: 'The next lines of the file, up to 10,000',
        description:
          'Devices as in `POST /api/devices/bulk` (one that is registered already is accepted as it is), readings ' +
          '`{serial, ts, values}` of any age, outcomes as in `POST /api/outcomes`. `after` is how many lines came before; ' +
          'another number than the import’s is 409. Sending the same lines twice does no harm. Nobody is notified.',
        tags,
        params,
        querystring: Closed({ after: Type.Integer({ minimum: 0 }) }),
        consumes: ['application/x-ndjson'],
        body: Type.Unsafe<Buffer>({ type: 'string', format: 'binary' }),
        response: { 200: Import },
      },
    },
    async (request, reply) => {
      const brandId = brandOf(request)
      const { after } = request.query
      const body = bytesOf(request.body)
      const before = await read(services, request, (tx) => requireImport(tx, brandId, request.params.import))
      if (before.lines !== after) throw outOfStep(before.lines, after)
      // Readings go to the log, outside any transaction: repeated ones are known there.
      const readings = before.kind === 'telemetry' ? await takeReadings(services, brandId, body) : null
      return commit(services, request, reply, async (work) => {
        const { tx, nowMs } = work
        const row = await requireImport(tx, brandId, request.params.import, true)
        if (row.lines !== after) throw outOfStep(row.lines, after)
        const taken = readings ?? (await takeRows(work, row, parseNdjson(body, LINES_MAX)))
        const problems = [
          ...row.problems,
          ...taken.problems.map((problem) => ({ ...problem, line: problem.line + row.lines })),
        ].slice(0, PROBLEMS_MAX)
        const update = {
          lines: row.lines + taken.lines,
          accepted: row.accepted + taken.accepted,
          rejected: row.rejected + taken.lines - taken.accepted,
          problems: JSON.stringify(problems),
          updated_at_ms: nowMs,
        }
        await tx
          .updateTable('imports')
          .set(update)
          .where('brand_id', '=', brandId)
          .where('import_id', '=', row.import_id)
          .execute()
        return { status: 200, body: shown({ ...row, ...update, problems }) }
      })
    },
  )
}

interface Taken {
  lines: number
  accepted: number
  problems: ImportProblem[]
}

async function takeReadings(
  { ingest, directory }: Parameters<Routes>[1],
  brandId: string,
  body: Buffer,
): Promise<Taken> {
  await ingest.whenRoom()
  const { lines, accepted } = await ingest.importPast(body, (serial) => directory.index.bySerial(brandId, serial))
  const problems = lines
    .filter(({ accepted: taken }) => !taken)
    .slice(0, PROBLEMS_MAX)
    .map(({ line, problems: [first] }) => ({
      line,
      code: first?.code ?? 'VALIDATION_FAILED',
      detail: first ? `${first.pointer} ${first.detail}` : 'The line holds no reading.',
    }))
  return { lines: lines.length, accepted, problems }
}

async function takeRows(work: Work, row: Selectable<ImportsTable>, rows: readonly Row[]): Promise<Taken> {
  const check = row.kind === 'devices' ? checkDevice : checkOutcome
  const good = rows.filter(({ error, value }) => error === null && check.Check(value))
  const values = good.map(({ value }) => value)
  const results =
    row.kind === 'devices'
      ? await takeDevices(work, values as NewDevice[])
      : await takeOutcomes(
          work.tx,
          { brandId: work.brandId, nowMs: work.nowMs, importId: row.import_id },
          values as NewOutcome[],
        )
  const byRow = new Map(good.map((one, i) => [one, results[i]!]))
  const problems = rows.flatMap((one): ImportProblem[] => {
    const result = byRow.get(one) ?? one.error
    if (result instanceof HubError) return [{ line: one.line, code: result.code, detail: result.message }]
    if (result) return []
    const [first] = problemsOf(check.Errors(one.value) as never)
    return [
      {
        line: one.line,
        code: 'VALIDATION_FAILED',
        detail: `${first?.pointer || 'The row'} ${first?.detail ?? 'does not fit'}.`,
      },
    ]
  })
  return { lines: rows.length, accepted: rows.length - problems.length, problems: problems.slice(0, PROBLEMS_MAX) }
}

/** A device that is there already is what was wanted. */
async function takeDevices(work: Work, devices: readonly NewDevice[]) {
  const known = await surroundingsOf(work.tx, work.brandId, devices)
  const made = await registerDevices(work, devices, known)
  return made.map((result) => (result instanceof HubError && result.code === 'CONFLICT' ? { known: true } : result))
}

async function requireImport(
  tx: Tx,
  brandId: string,
  importId: string,
  lock = false,
): Promise<Selectable<ImportsTable>> {
  const row = await tx
    .selectFrom('imports')
    .selectAll()
    .where('brand_id', '=', brandId)
    .where('import_id', '=', importId)
    .$if(lock, (query) => query.forUpdate())
    .executeTakeFirst()
  if (!row) throw new HubError('NOT_FOUND', `There is no import ${importId}.`)
  return row
}

function outOfStep(lines: number, after: number): HubError {
  return new HubError('CONFLICT', `This import has ${lines} lines, not ${after}. Go on after line ${lines}.`)
}

function shown(row: Selectable<ImportsTable>) {
  return {
    id: row.import_id,
    kind: row.kind,
    source: row.source,
    lines: row.lines,
    accepted: row.accepted,
    rejected: row.rejected,
    problems: [...row.problems],
    doneAt: row.done_at_ms === null ? null : instant(row.done_at_ms),
    createdAt: instant(row.created_at_ms),
  }
}
