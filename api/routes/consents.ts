import type { Selectable } from 'kysely'
import { Type } from 'typebox'
import { Instant, instant, Key } from '#contracts'
import { HubError, newId } from '#platform'
import type { ConsentsTable } from '#store'
import { requireHome } from '../homes.ts'
import { ADMIN } from '../http/access.ts'
import { actorOf } from '../http/actor.ts'
import { commit } from '../http/commit.ts'
import { listPage, PageOf, PageQuery } from '../http/paging.ts'
import { read } from '../http/read.ts'
import { Closed, Nullable, PathName, Time } from '../http/schemas.ts'
import { msOf, msOrNull } from '../http/times.ts'
import { PersonRole } from './people.ts'
import type { Routes } from './routes.ts'

/** A word given later than this is a wrong clock, not a consent. */
const AHEAD_MS_MAX = 600_000

const Purpose = Type.Enum(['monitoring', 'contact', 'promotion', 'share'])
const Recipient = Closed({
  partnerKey: Key,
  name: Type.String({ minLength: 1, maxLength: 200 }),
  contact: Type.String({
    minLength: 1,
    maxLength: 200,
    description: 'where the recipient can be asked about the data',
  }),
})
const ConsentFields = {
  purpose: Purpose,
  granted: Type.Boolean({ description: 'false withdraws what was granted before' }),
  at: Instant,
  by: PersonRole,
  method: Type.String({ minLength: 1, maxLength: 64, description: 'page, app, paper, call, …' }),
  textVersion: Type.String({ minLength: 1, maxLength: 64 }),
  textSha256: Type.String({ pattern: '^[0-9a-f]{64}$', description: 'of the text that was agreed to' }),
  dataKinds: Type.Array(Key, { maxItems: 32 }),
}
const Consent = Closed({
  id: Type.String(),
  ...ConsentFields,
  at: Time,
  recipient: Nullable(
    Closed({ partnerKey: Type.String(), name: Nullable(Type.String()), contact: Nullable(Type.String()) }),
  ),
  subject: Nullable(Type.String({ description: 'the one order it was given for; null for a standing consent' })),
  until: Nullable(Time),
  withdrawnAt: Nullable(Time),
  createdAt: Time,
})
const params = Closed({ home: PathName })
const tags = ['homes']

export function consentOfRow(row: Selectable<ConsentsTable>) {
  return {
    id: row.consent_id,
    purpose: row.purpose,
    granted: row.granted,
    at: instant(row.at_ms),
    by: row.given_by,
    method: row.method,
    textVersion: row.text_version,
    textSha256: row.text_sha256,
    dataKinds: row.data_kinds,
    recipient:
      row.recipient_key === null
        ? null
        : { partnerKey: row.recipient_key, name: row.recipient_name, contact: row.recipient_contact },
    subject: row.subject,
    until: row.until_ms === null ? null : instant(row.until_ms),
    withdrawnAt: row.withdrawn_at_ms === null ? null : instant(row.withdrawn_at_ms),
    createdAt: instant(row.created_at_ms),
  }
}

/**
 * What a home agreed to, word by word. Records are never rewritten: a withdrawal is a record
 * of its own and closes the ones before it, and access to an address ends with it at once.
 */
export const consentRoutes: Routes = async (app, services) => {
  app.post(
    '/api/homes/:home/consents',
    {
      config: { access: ADMIN },
      schema: {
        summary: 'Record a consent or its withdrawal; `share` makes one record per recipient',
        tags,
        params,
        body: Closed({
          ...ConsentFields,
          recipients: Type.Optional(Type.Array(Recipient, { minItems: 1, maxItems: 20 })),
          until: Type.Optional(Instant),
        }),
        response: { 201: Closed({ items: Type.Array(Consent) }) },
      },
    },
    (request, reply) => {
      const { body } = request
      const atMs = msOf(body.at, '/at')
      const untilMs = msOrNull(body.until, '/until')
      if ((body.purpose === 'share') !== (body.recipients !== undefined)) {
        throw new HubError('VALIDATION_FAILED', 'Purpose share names its recipients, no other purpose does.', {
          pointer: '/recipients',
        })
      }
      if (untilMs !== null && untilMs <= atMs) {
        throw new HubError('VALIDATION_FAILED', 'The consent would end before it begins.', { pointer: '/until' })
      }
      return commit(services, request, reply, async ({ tx, brandId, nowMs, change, audit }) => {
        if (atMs > nowMs + AHEAD_MS_MAX) {
          throw new HubError('VALIDATION_FAILED', 'Nobody has agreed yet: the time lies ahead.', { pointer: '/at' })
        }
        const { home_id: homeId } = await requireHome(tx, brandId, request.params.home, { lock: true })
        const rows: Selectable<ConsentsTable>[] = []
        for (const recipient of body.recipients ?? [null]) {
          if (!body.granted) {
            const open = tx
              .updateTable('consents')
              .set({ withdrawn_at_ms: nowMs })
              .where('brand_id', '=', brandId)
              .where('home_id', '=', homeId)
              .where('purpose', '=', body.purpose)
              .where('granted', '=', true)
              .where('withdrawn_at_ms', 'is', null)
            await (recipient ? open.where('recipient_key', '=', recipient.partnerKey) : open).execute()
          }
          rows.push(
            await tx
              .insertInto('consents')
              .values({
                brand_id: brandId,
                consent_id: newId('cons'),
                home_id: homeId,
                purpose: body.purpose,
                granted: body.granted,
                at_ms: atMs,
                given_by: body.by,
                method: body.method,
                text_version: body.textVersion,
                text_sha256: body.textSha256,
                recipient_key: recipient?.partnerKey ?? null,
                recipient_name: recipient?.name ?? null,
                recipient_contact: recipient?.contact ?? null,
                data_kinds: body.dataKinds,
                until_ms: untilMs,
                created_at_ms: nowMs,
              })
              .returningAll()
              .executeTakeFirstOrThrow(),
          )
        }
        // Whether a home is watched at all is a decision of the rules, so it goes through the log.
        if (body.purpose === 'monitoring') await change({ type: 'consent.monitoring', homeId, granted: body.granted })
        await services.bridge.homes.consentChanged(tx, brandId, homeId, { by: actorOf(request) })
        audit(body.granted ? 'consent.granted' : 'consent.withdrawn', homeId, {
          purpose: body.purpose,
          consents: rows.map((row) => row.consent_id),
        })
        return { status: 201, body: { items: rows.map(consentOfRow) } }
      })
    },
  )

  app.get(
    '/api/homes/:home/consents',
    {
      config: { access: ADMIN },
      schema: {
        summary: 'Every record, newest word first',
        tags,
        params,
        querystring: Closed({ ...PageQuery, purpose: Type.Optional(Purpose) }),
        response: { 200: PageOf(Consent) },
      },
    },
    (request) =>
      read(services, request, async (tx, brandId) => {
        const { home_id } = await requireHome(tx, brandId, request.params.home)
        const { purpose } = request.query
        const all = tx.selectFrom('consents').selectAll().where('brand_id', '=', brandId).where('home_id', '=', home_id)
        const query = purpose === undefined ? all : all.where('purpose', '=', purpose)
        return listPage(query, request.query, { by: ['at_ms', 'consent_id'], direction: 'desc' }, consentOfRow)
      }),
  )
}
