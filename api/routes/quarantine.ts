import type { Selectable } from 'kysely'
import { Type } from 'typebox'
import { instant, QUARANTINE_CODES, type QuarantinedRecord } from '#contracts'
import { HubError } from '#platform'
import { type QuarantineTable, type Tx, writeAudit } from '#store'
import { AUTHOR, brandOf, VIEWER } from '../http/access.ts'
import { listPage, PageOf, PageQuery } from '../http/paging.ts'
import { read } from '../http/read.ts'
import { Closed, Nullable, PathName, Time } from '../http/schemas.ts'
import { QuarantineProblem } from './device-http.ts'
import type { Routes } from './routes.ts'

const Code = Type.Enum([...QUARANTINE_CODES])
const Entry = Closed({
  id: Type.String(),
  device: Type.String(),
  code: Code,
  pointer: Type.String(),
  detail: Type.String(),
  problems: Type.Array(QuarantineProblem, {
    description: 'what was wrong, up to twenty; the first is the one named above',
  }),
  via: Type.String({ description: 'topic or path it came by' }),
  bytes: Type.Integer(),
  truncated: Type.Boolean(),
  receivedAt: Time,
  reimportedAt: Nullable(Time),
})
const params = Closed({ entry: PathName })
const tags = ['quarantine']
const COLUMNS = [
  'quarantine_id',
  'seq',
  'device_id',
  'code',
  'pointer',
  'detail',
  'problems',
  'via',
  'truncated',
  'received_at_ms',
  'reimported_at_ms',
] as const
type EntryRow = Pick<Selectable<QuarantineTable>, (typeof COLUMNS)[number]> & { bytes: number }

function entryOfRow(row: EntryRow) {
  return {
    id: row.quarantine_id,
    device: row.device_id,
    code: row.code,
    pointer: row.pointer,
    detail: row.detail,
    problems: row.problems ?? [{ code: row.code, pointer: row.pointer, detail: row.detail }],
    via: row.via,
    bytes: row.bytes,
    truncated: row.truncated,
    receivedAt: instant(row.received_at_ms),
    reimportedAt: row.reimported_at_ms === null ? null : instant(row.reimported_at_ms),
  }
}

/** Payloads that could not be accepted, with the reason: to be looked at, and taken in once the reason is gone. */
export const quarantineRoutes: Routes = async (app, services) => {
  const { ingest, directory, clock, db } = services

  app.get(
    '/api/quarantine',
    {
      config: { access: VIEWER },
      schema: {
        summary: 'Quarantined payloads, newest first',
        tags,
        querystring: Closed({
          ...PageQuery,
          device: Type.Optional(Type.String({ maxLength: 64 })),
          code: Type.Optional(Code),
        }),
        response: { 200: PageOf(Entry) },
      },
    },
    (request) =>
      read(services, request, (tx, brandId) => {
        const { device, code } = request.query
        let query = rows(tx, brandId)
        if (device !== undefined) query = query.where('device_id', '=', device)
        if (code !== undefined) query = query.where('code', '=', code)
        return listPage(
          query,
          request.query,
          { by: ['received_at_ms', 'quarantine_id'], direction: 'desc' },
          entryOfRow,
        )
      }),
  )

  app.get(
    '/api/quarantine/:entry',
    {
      config: { access: VIEWER },
      schema: {
        summary: 'One payload, as it was received',
        tags,
        params,
        response: {
          200: Closed({
            ...Entry.properties,
            payloadBase64: Type.String(),
            payloadText: Nullable(Type.String({ description: 'when it is UTF-8' })),
          }),
        },
      },
    },
    (request) =>
      read(services, request, async (tx, brandId) => {
        const row = await requireEntry(tx, brandId, request.params.entry)
        return {
          ...entryOfRow({ ...row, bytes: row.payload.length }),
          payloadBase64: row.payload.toString('base64'),
          payloadText: textOf(row.payload),
        }
      }),
  )

  app.post(
    '/api/quarantine/:entry/reimport',
    {
      config: { access: AUTHOR },
      schema: {
        summary: 'Read a payload again under today’s product; what is accepted never notifies anybody',
        tags,
        params,
        body: Closed({
          dating: Type.Optional(
            Type.Enum(['device', 'received'], {
              description: 'whose time the readings get: the device’s own, or that of arrival when its clock was wrong',
            }),
          ),
        }),
        response: { 200: Closed({ accepted: Type.Integer(), problems: Type.Array(QuarantineProblem) }) },
      },
    },
    async (request) => {
      const brandId = brandOf(request)
      const row = await read(services, request, (tx) => requireEntry(tx, brandId, request.params.entry))
      await ingest.whenRoom()
      const { accepted, problems } = await ingest.reimport(recordOf(row), {
        deviceOf: (serial) => directory.index.bySerial(brandId, serial),
        ...(request.body.dating === undefined ? {} : { dating: request.body.dating }),
      })
      if (accepted > 0) {
        const nowMs = clock.nowMs()
        await db.asBrand(brandId, async (tx) => {
          await tx
            .updateTable('quarantine')
            .set({ reimported_at_ms: nowMs })
            .where('brand_id', '=', brandId)
            .where('quarantine_id', '=', row.quarantine_id)
            .execute()
          const actor = request.principal!.keyId
          await writeAudit(tx, {
            brandId,
            atMs: nowMs,
            actor,
            action: 'quarantine.reimported',
            subject: row.quarantine_id,
          })
        })
      }
      return { accepted, problems }
    },
  )
}

function rows(tx: Tx, brandId: string) {
  return tx
    .selectFrom('quarantine')
    .select(COLUMNS)
    .select((eb) => eb.fn<number>('octet_length', ['payload']).as('bytes'))
    .where('brand_id', '=', brandId)
}

async function requireEntry(tx: Tx, brandId: string, id: string): Promise<Selectable<QuarantineTable>> {
  const row = await tx
    .selectFrom('quarantine')
    .selectAll()
    .where('brand_id', '=', brandId)
    .where('quarantine_id', '=', id)
    .executeTakeFirst()
  if (!row) throw new HubError('NOT_FOUND', 'There is no such quarantined payload.')
  return row
}

function recordOf(row: Selectable<QuarantineTable>): QuarantinedRecord {
  return {
    kind: 'quarantined',
    seq: row.seq,
    receivedAtMs: row.received_at_ms,
    brandId: row.brand_id,
    deviceId: row.device_id,
    code: row.code,
    pointer: row.pointer,
    detail: row.detail,
    ...(row.problems === null ? {} : { problems: row.problems }),
    payload: row.payload,
    truncated: row.truncated,
    via: row.via,
  }
}

function textOf(payload: Buffer): string | null {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(payload)
  } catch {
    return null
  }
}
