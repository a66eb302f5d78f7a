import type { Selectable } from 'kysely'
import { instant } from '#contracts'
import { newId } from '#platform'
import { type EndpointsTable, page, type Tx, writeAudit } from '#store'
import type { ServiceBridge } from '../bridge.ts'
import type { Core } from '../core.ts'
import { type GuardOptions, guardUrl } from '../delivery/address-guard.ts'
import { newWebhookSecret } from '../delivery/signature.ts'
import { notFound } from '../queries.ts'
import type { Actor, EndpointView } from '../views.ts'
import { endpointPlace, openSecrets, rotated, SECRET_OVERLAP_MS, sealSecrets } from './partner-secrets.ts'

type EndpointRow = Selectable<EndpointsTable>

/** Where a brand receives its own events. */
export function createEndpointCalls(core: Core, guard: GuardOptions): ServiceBridge['endpoints'] {
  const audit = (tx: Tx, brandId: string, by: Actor, action: string, subject: string): Promise<void> =>
    writeAudit(tx, { brandId, atMs: core.clock.nowMs(), actor: `${by.kind}:${by.id ?? ''}`, action, subject })

  const inScope = <T>(brandId: string, within: Tx | undefined, body: (tx: Tx) => Promise<T>): Promise<T> =>
    within ? body(within) : core.db.asBrand(brandId, body)

  return {
    async create(brandId, { url, types, by, within }) {
      if (!within) await guardUrl(url, guard)
      const atMs = core.clock.nowMs()
      const endpointId = newId('ep')
      const secret = newWebhookSecret()
      const row = await inScope(brandId, within, async (tx) => {
        const made = await tx
          .insertInto('endpoints')
          .values({
            brand_id: brandId,
            endpoint_id: endpointId,
            url,
            secrets_sealed: sealSecrets(core.box, [{ secret, untilMs: null }], endpointPlace(endpointId)),
            types: types ?? [],
            created_at_ms: atMs,
            updated_at_ms: atMs,
          })
          .returningAll()
          .executeTakeFirstOrThrow()
        await audit(tx, brandId, by, 'endpoint.created', endpointId)
        return made
      })
      return { endpoint: endpointView(row), secret }
    },

    list: (brandId, filter) =>
      core.db.asBrand(brandId, async (tx) => {
        const query = tx.selectFrom('endpoints').selectAll().where('brand_id', '=', brandId)
        const found = await page(query, filter, { by: ['created_at_ms', 'endpoint_id'] })
        return { items: found.items.map(endpointView), nextCursor: found.nextCursor }
      }),

    get: (brandId, endpointId) =>
      core.db.asBrand(brandId, async (tx) => endpointView(await requireEndpoint(tx, brandId, endpointId))),

    async update(brandId, endpointId, { by, url, types, state }) {
      if (url !== undefined) await guardUrl(url, guard)
      return core.db.asBrand(brandId, async (tx) => {
        await requireEndpoint(tx, brandId, endpointId)
        const atMs = core.clock.nowMs()
        const revived =
          url !== undefined || state === 'active'
            ? {
                disabled_at_ms: null,
                disabled_reason: null,
                consecutive_failures: 0,
                breaker_opened_at_ms: null,
                breaker_probe_at_ms: null,
              }
            : {}
        const row = await tx
          .updateTable('endpoints')
          .set({
            ...revived,
            ...(url === undefined ? {} : { url }),
            ...(types === undefined ? {} : { types }),
            ...(state === 'disabled' ? { disabled_at_ms: atMs, disabled_reason: 'disabled by the brand' } : {}),
            updated_at_ms: atMs,
          })
          .where('brand_id', '=', brandId)
          .where('endpoint_id', '=', endpointId)
          .returningAll()
          .executeTakeFirstOrThrow()
        await audit(tx, brandId, by, 'endpoint.changed', endpointId)
        return endpointView(row)
      })
    },

    rotateSecret: (brandId, endpointId, { overlapMs = SECRET_OVERLAP_MS, by, within }) =>
      inScope(brandId, within, async (tx) => {
        const row = await requireEndpoint(tx, brandId, endpointId)
        const secret = newWebhookSecret()
        const kept = openSecrets(core.box, row.secrets_sealed, endpointPlace(endpointId))
        const next = rotated(kept, secret, core.clock.nowMs(), overlapMs)
        await tx
          .updateTable('endpoints')
          .set({
            secrets_sealed: sealSecrets(core.box, next, endpointPlace(endpointId)),
            updated_at_ms: core.clock.nowMs(),
          })
          .where('brand_id', '=', brandId)
          .where('endpoint_id', '=', endpointId)
          .execute()
        await audit(tx, brandId, by, 'endpoint.secret_rotated', endpointId)
        return { secret }
      }),
  }
}

async function requireEndpoint(tx: Tx, brandId: string, endpointId: string): Promise<EndpointRow> {
  const row = await tx
    .selectFrom('endpoints')
    .selectAll()
    .where('brand_id', '=', brandId)
    .where('endpoint_id', '=', endpointId)
    .forUpdate()
    .executeTakeFirst()
  if (!row) throw notFound('endpoint', endpointId)
  return row
}

function endpointView(row: EndpointRow): EndpointView {
  return {
    id: row.endpoint_id,
    url: row.url,
    types: row.types,
    state: row.disabled_at_ms === null ? 'active' : 'disabled',
    disabledReason: row.disabled_reason,
    breaker: row.breaker_opened_at_ms === null ? 'closed' : 'open',
    createdAt: instant(row.created_at_ms),
  }
}
