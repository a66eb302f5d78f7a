import type { Selectable } from 'kysely'
import { Type } from 'typebox'
import { Instant, instant, Key, RegionCode } from '#contracts'
import { HubError, newId, newSecret, realClock, subscriberOf, tokenHash } from '#platform'
import type { ProvisioningKeysTable } from '#store'
import { Serial, surroundingsOf } from '../devices.ts'
import { AUTHOR, PUBLIC } from '../http/access.ts'
import { commit } from '../http/commit.ts'
import { listPage, PageOf, PageQuery } from '../http/paging.ts'
import { createRateLimiter } from '../http/rate-limit.ts'
import { read } from '../http/read.ts'
import { Closed, Nullable, PathName, Secret, Time } from '../http/schemas.ts'
import { msOrNull } from '../http/times.ts'
import { createProvision } from '../provisioning.ts'
import type { Routes } from './routes.ts'

/** Long enough to walk from the shop's screen to the appliance. */
const CLAIM_MS = 600_000
/** First contacts of one address: an assembly line behind one router, but no guessing. */
const PROVISION_RATE = { perSecond: 2, burst: 20 }

const ProvisioningKey = Closed({
  id: Type.String(),
  product: Key,
  publicKey: Type.String(),
  region: Nullable(Type.String()),
  tags: Type.Array(Type.String()),
  usesLeft: Nullable(Type.Integer()),
  createdAt: Time,
  expiresAt: Nullable(Time),
  revokedAt: Nullable(Time),
})
const tags = ['provisioning']
const COLUMNS = [
  'provisioning_id',
  'product_key',
  'public_key',
  'region',
  'tags',
  'uses_left',
  'created_at_ms',
  'expires_at_ms',
  'revoked_at_ms',
] as const

function keyOfRow(row: Pick<Selectable<ProvisioningKeysTable>, (typeof COLUMNS)[number]>) {
  return {
    id: row.provisioning_id,
    product: row.product_key,
    publicKey: row.public_key,
    region: row.region,
    tags: row.tags,
    usesLeft: row.uses_left,
    createdAt: instant(row.created_at_ms),
    expiresAt: row.expires_at_ms === null ? null : instant(row.expires_at_ms),
    revokedAt: row.revoked_at_ms === null ? null : instant(row.revoked_at_ms),
  }
}

/** How devices come in that nobody registered one by one. */
export const provisioningRoutes: Routes = async (app, services) => {
  const provision = createProvision(services)
  const perAddress = createRateLimiter(realClock, PROVISION_RATE)

  app.post(
    '/api/provisioning-keys',
    {
      config: { access: AUTHOR },
      schema: {
        summary: 'Create a provisioning key for devices of one product; its secret is shown once',
        tags,
        body: Closed({
          product: Key,
          region: Type.Optional(RegionCode),
          tags: Type.Optional(Type.Array(Key, { maxItems: 16 })),
          uses: Type.Optional(
            Type.Integer({ minimum: 1, maximum: 10_000_000, description: 'unlimited when left out' }),
          ),
          expiresAt: Type.Optional(Instant),
        }),
        response: { 201: Closed({ provisioningKey: ProvisioningKey, secret: Secret }) },
      },
    },
    (request, reply) =>
      commit(services, request, reply, async ({ tx, brandId, nowMs, audit }) => {
        const { body } = request
        await requireProduct(await surroundingsOf(tx, brandId, [{ product: body.product }]), body.product)
        const secret = newSecret()
        const row = await tx
          .insertInto('provisioning_keys')
          .values({
            brand_id: brandId,
            provisioning_id: newId('cred'),
            product_key: body.product,
            public_key: newId('cred').slice('cred_'.length),
            secret_hash: tokenHash(secret),
            region: body.region ?? null,
            tags: body.tags ?? [],
            uses_left: body.uses ?? null,
            created_at_ms: nowMs,
            expires_at_ms: msOrNull(body.expiresAt, '/expiresAt'),
          })
          .returning(COLUMNS)
          .executeTakeFirstOrThrow()
        audit('provisioning_key.created', row.provisioning_id, { product: body.product })
        return { status: 201, body: { provisioningKey: keyOfRow(row), secret } }
      }),
  )

  app.get(
    '/api/provisioning-keys',
    {
      config: { access: AUTHOR },
      schema: {
        summary: 'Provisioning keys; never their secrets',
        tags,
        querystring: Closed(PageQuery),
        response: { 200: PageOf(ProvisioningKey) },
      },
    },
    (request) =>
      read(services, request, (tx, brandId) =>
        listPage(
          tx.selectFrom('provisioning_keys').select(COLUMNS).where('brand_id', '=', brandId),
          request.query,
          { by: ['created_at_ms', 'provisioning_id'], direction: 'desc' },
          keyOfRow,
        ),
      ),
  )

  app.delete(
    '/api/provisioning-keys/:provisioningKey',
    {
      config: { access: AUTHOR },
      schema: {
        summary: 'Revoke a provisioning key; devices it let in stay',
        tags,
        params: Closed({ provisioningKey: PathName }),
        response: { 200: ProvisioningKey },
      },
    },
    (request, reply) =>
      commit(services, request, reply, async ({ tx, brandId, nowMs, audit }) => {
        const row = await tx
          .updateTable('provisioning_keys')
          .set((eb) => ({ revoked_at_ms: eb.fn.coalesce('revoked_at_ms', eb.val(nowMs)) }))
          .where('brand_id', '=', brandId)
          .where('provisioning_id', '=', request.params.provisioningKey)
          .returning(COLUMNS)
          .executeTakeFirst()
        if (!row) throw new HubError('NOT_FOUND', 'There is no such provisioning key.')
        audit('provisioning_key.revoked', row.provisioning_id)
        return { status: 200, body: keyOfRow(row) }
      }),
  )

  app.post(
    '/api/claim-tokens',
    {
      config: { access: AUTHOR },
      schema: {
        summary: 'A token by which the appliance with one serial claims its home: once, within ten minutes',
        tags,
        body: Closed({
          serial: Serial,
          product: Key,
          home: Type.Optional(Type.String({ minLength: 1, maxLength: 64 })),
        }),
        response: { 201: Closed({ token: Secret, serial: Type.String(), expiresAt: Time }) },
      },
    },
    (request, reply) =>
      commit(services, request, reply, async ({ tx, brandId, nowMs, audit }) => {
        const { serial, product, home } = request.body
        const known = await surroundingsOf(tx, brandId, [{ product, ...(home === undefined ? {} : { home }) }])
        await requireProduct(known, product)
        if (home !== undefined && !known.homes.has(home)) {
          throw new HubError('VALIDATION_FAILED', `There is no home “${home}”.`, { pointer: '/home' })
        }
        const token = newSecret()
        await tx
          .insertInto('claim_tokens')
          .values({
            brand_id: brandId,
            token_hash: tokenHash(token),
            serial,
            product_key: product,
            home_id: home ?? null,
            created_at_ms: nowMs,
            expires_at_ms: nowMs + CLAIM_MS,
          })
          .execute()
        audit('claim_token.created', serial, { product })
        return { status: 201, body: { token, serial, expiresAt: instant(nowMs + CLAIM_MS) } }
      }),
  )

  app.post(
    '/api/v1/provision',
    {
      config: { access: PUBLIC },
      schema: {
        summary: 'A device’s first contact: its access token for a provisioning key, or for `claim` and a claim token',
        tags: ['device'],
        body: Closed({
          deviceName: Type.String({ minLength: 1, maxLength: 64 }),
          provisionDeviceKey: Type.String({ minLength: 1, maxLength: 64 }),
          provisionDeviceSecret: Type.String({ minLength: 1, maxLength: 256 }),
        }),
        response: {
          200: Type.Union([
            Closed({
              status: Type.Literal('SUCCESS'),
              credentialsType: Type.Literal('ACCESS_TOKEN'),
              credentialsValue: Secret,
            }),
            Closed({ status: Type.Literal('FAILURE'), errorMsg: Type.String() }),
          ]),
        },
      },
    },
    async (request) => {
      const waitMs = perAddress.take(subscriberOf(request.ip))
      if (waitMs > 0)
        throw new HubError(
          'RATE_LIMITED',
          `Too many first contacts from this address. Wait ${Math.ceil(waitMs / 1_000)} s.`,
        )
      return provision(request.body)
    },
  )
}

async function requireProduct(known: { products: ReadonlySet<string> }, product: string): Promise<void> {
  if (known.products.has(product)) return
  throw new HubError('VALIDATION_FAILED', `There is no product “${product}”.`, { pointer: '/product' })
}
