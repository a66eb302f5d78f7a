import type { Selectable } from 'kysely'
import { type Static, Type } from 'typebox'
import { CHANNELS, Instant, instant, sealedAs } from '#contracts'
import { HubError, newId, type SecretBox } from '#platform'
import type { PeopleTable, Tx } from '#store'
import { type Contact, openContact, requireHome, sealContact } from '../homes.ts'
import { ADMIN } from '../http/access.ts'
import { commit } from '../http/commit.ts'
import { read } from '../http/read.ts'
import { Closed, Nullable, PathName, Time } from '../http/schemas.ts'
import type { Routes } from './routes.ts'

export const PersonRole = Type.Enum(['owner', 'resident', 'delegate'])
const ContactNumber = Closed({
  number: Type.String({ minLength: 1, maxLength: 32 }),
  kind: Type.Enum(['privacy', 'direct']),
  extension: Type.Optional(Type.String({ maxLength: 16 })),
  expiresAt: Type.Optional(Instant),
})

/** Somebody of the home: how to reach them, and whether they decide and pay. */
export const NewPerson = Closed({
  role: PersonRole,
  name: Type.Optional(Type.String({ minLength: 1, maxLength: 200 })),
  contact: Type.Optional(ContactNumber),
  channel: Type.Enum([...CHANNELS], { description: 'what they prefer to be reached by' }),
  channels: Type.Optional(
    Type.Array(Type.Enum([...CHANNELS]), {
      maxItems: CHANNELS.length,
      uniqueItems: true,
      description: 'then these, in this order, when a notice fails',
    }),
  ),
  locale: Type.Optional(Type.Enum(['zh-CN', 'en'], { description: 'zh-CN when left out' })),
  decides: Type.Optional(Type.Boolean({ description: 'may accept an offer; an owner does when left out' })),
  pays: Type.Optional(Type.Boolean({ description: 'an owner does when left out' })),
})
export type NewPerson = Static<typeof NewPerson>

const Person = Closed({
  id: Type.String(),
  role: PersonRole,
  name: Nullable(Type.String()),
  contact: Nullable(ContactNumber),
  channel: Type.String(),
  channels: Type.Array(Type.String()),
  locale: Type.String(),
  decides: Type.Boolean(),
  pays: Type.Boolean(),
  createdAt: Time,
})
const tags = ['homes']
const params = Closed({ home: PathName })

export async function insertPerson(
  tx: Tx,
  {
    brandId,
    homeId,
    person,
    box,
    nowMs,
  }: { brandId: string; homeId: string; person: NewPerson; box: SecretBox; nowMs: number },
) {
  const personId = newId('per')
  return tx
    .insertInto('people')
    .values({
      brand_id: brandId,
      person_id: personId,
      home_id: homeId,
      role: person.role,
      name_sealed: person.name === undefined ? null : box.seal(person.name, sealedAs.personName(personId)),
      contact_sealed: person.contact === undefined ? null : sealContact(box, personId, person.contact as Contact),
      channel: person.channel,
      channels: person.channels === undefined ? [] : [...new Set([person.channel, ...person.channels])],
      locale: person.locale ?? 'zh-CN',
      decides: person.decides ?? person.role === 'owner',
      pays: person.pays ?? person.role === 'owner',
      created_at_ms: nowMs,
    })
    .returningAll()
    .executeTakeFirstOrThrow()
}

export function personOfRow(box: SecretBox, row: Selectable<PeopleTable>) {
  return {
    id: row.person_id,
    role: row.role,
    name: row.name_sealed && box.open(row.name_sealed, sealedAs.personName(row.person_id)),
    contact: row.contact_sealed && openContact(box, row.person_id, row.contact_sealed),
    channel: row.channel,
    channels: row.channels.length > 0 ? row.channels : [row.channel],
    locale: row.locale,
    decides: row.decides,
    pays: row.pays,
    createdAt: instant(row.created_at_ms),
  }
}

export function peopleOf(tx: Tx, brandId: string, homeId: string): Promise<Selectable<PeopleTable>[]> {
  return tx
    .selectFrom('people')
    .selectAll()
    .where('brand_id', '=', brandId)
    .where('home_id', '=', homeId)
    .where('erased_at_ms', 'is', null)
    .orderBy('created_at_ms')
    .orderBy('person_id')
    .execute()
}

/** The people of a home. Only an administrator reads or changes them. */
export const peopleRoutes: Routes = async (app, services) => {
  const { box } = services

  app.post(
    '/api/homes/:home/people',
    {
      config: { access: ADMIN },
      schema: { summary: 'Add somebody', tags, params, body: NewPerson, response: { 201: Person } },
    },
    (request, reply) =>
      commit(services, request, reply, async ({ tx, brandId, nowMs, audit }) => {
        const { home_id } = await requireHome(tx, brandId, request.params.home)
        const row = await insertPerson(tx, { brandId, homeId: home_id, person: request.body, box, nowMs })
        audit('person.added', row.person_id, { home: home_id })
        return { status: 201, body: personOfRow(box, row) }
      }),
  )

  app.get(
    '/api/homes/:home/people',
    {
      config: { access: ADMIN },
      schema: {
        summary: 'Everybody of a home',
        tags,
        params,
        response: { 200: Closed({ items: Type.Array(Person), nextCursor: Type.Null() }) },
      },
    },
    (request) =>
      read(services, request, async (tx, brandId) => {
        const { home_id } = await requireHome(tx, brandId, request.params.home)
        const rows = await peopleOf(tx, brandId, home_id)
        return { items: rows.map((row) => personOfRow(box, row)), nextCursor: null }
      }),
  )

  app.delete(
    '/api/homes/:home/people/:person',
    {
      config: { access: ADMIN },
      schema: {
        summary: 'Remove somebody: name and number are erased at once',
        tags,
        params: Closed({ home: PathName, person: PathName }),
        response: { 204: Type.Null() },
      },
    },
    (request, reply) =>
      commit(services, request, reply, async ({ tx, brandId, nowMs, audit }) => {
        const { home_id } = await requireHome(tx, brandId, request.params.home)
        const { numUpdatedRows } = await tx
          .updateTable('people')
          .set({ name_sealed: null, contact_sealed: null, erased_at_ms: nowMs })
          .where('brand_id', '=', brandId)
          .where('home_id', '=', home_id)
          .where('person_id', '=', request.params.person)
          .where('erased_at_ms', 'is', null)
          .executeTakeFirst()
        if (numUpdatedRows === 0n) throw new HubError('NOT_FOUND', 'There is no such person in this home.')
        audit('person.removed', request.params.person, { home: home_id })
        return { status: 204, body: null }
      }),
  )
}
