import type { Selectable } from 'kysely'
import { instant } from '#contracts'
import { newId } from '#platform'
import { type SiteResolversTable, type Tx, writeAudit } from '#store'
import type { ServiceBridge } from '../bridge.ts'
import { type Core, inBrand } from '../core.ts'
import { newWebhookSecret } from '../delivery/signature.ts'
import { openSecrets, rotated, SECRET_OVERLAP_MS, sealSecrets } from '../partners/partner-secrets.ts'
import { notFound } from '../queries.ts'
import type { Actor, SiteResolverView } from '../views.ts'
import { resolverOf, resolverPlace, resolveSite } from './site-resolver.ts'

/** Where a brand that keeps the addresses itself is asked for one. */
export function createSiteResolverCalls(core: Core): ServiceBridge['siteResolver'] {
  const audit = (tx: Tx, brandId: string, by: Actor, action: string): Promise<void> =>
    writeAudit(tx, {
      brandId,
      atMs: core.clock.nowMs(),
      actor: `${by.kind}:${by.id ?? ''}`,
      action,
      subject: brandId,
    })

  return {
    get: (brandId) => core.db.asBrand(brandId, async (tx) => resolverView(await requireResolver(tx, brandId))),

    async put(tx, brandId, { url, by }) {
      const atMs = core.clock.nowMs()
      const before = await find(tx, brandId)
      const secret = newWebhookSecret()
      const row = await tx
        .insertInto('site_resolvers')
        .values({
          brand_id: brandId,
          url,
          secrets_sealed: sealSecrets(core.box, [{ secret, untilMs: null }], resolverPlace(brandId)),
          created_at_ms: atMs,
          updated_at_ms: atMs,
        })
        .onConflict((conflict) => conflict.column('brand_id').doUpdateSet({ url, updated_at_ms: atMs }))
        .returningAll()
        .executeTakeFirstOrThrow()
      await audit(tx, brandId, by, before ? 'site_resolver.changed' : 'site_resolver.created')
      // Somebody else may have been first just now: then theirs is in force, and they were told.
      const kept = openSecrets(core.box, row.secrets_sealed, resolverPlace(brandId))
      return { resolver: resolverView(row), secret: kept[0]?.secret === secret ? secret : null }
    },

    async rotateSecret(tx, brandId, { overlapMs = SECRET_OVERLAP_MS, by }) {
      const row = await requireResolver(tx, brandId)
      const secret = newWebhookSecret()
      const kept = openSecrets(core.box, row.secrets_sealed, resolverPlace(brandId))
      const next = rotated(kept, secret, core.clock.nowMs(), overlapMs)
      await tx
        .updateTable('site_resolvers')
        .set({
          secrets_sealed: sealSecrets(core.box, next, resolverPlace(brandId)),
          updated_at_ms: core.clock.nowMs(),
        })
        .where('brand_id', '=', brandId)
        .execute()
      await audit(tx, brandId, by, 'site_resolver.secret_rotated')
      return { secret }
    },

    async remove(tx, brandId, { by }) {
      await requireResolver(tx, brandId)
      await tx.deleteFrom('site_resolvers').where('brand_id', '=', brandId).execute()
      await audit(tx, brandId, by, 'site_resolver.removed')
    },

    async test(brandId, { siteRef, by }) {
      const resolver = await inBrand(core, brandId, async (work) => {
        await requireResolver(work.tx, brandId)
        await audit(work.tx, brandId, by, 'site_resolver.tested')
        return (await resolverOf(core.box, work))!
      })
      const id = newId('wo')
      const resolution = await resolveSite(core, resolver, {
        siteRef,
        workOrder: { id, number: 'TEST' },
        partner: { key: 'test', name: 'test' },
        consent: { id: newId('cons'), recipient: 'test', grantedAt: instant(core.clock.nowMs()) },
      })
      if (resolution.outcome === 'resolved') return { ok: true, detail: 'the answer is an address' }
      if (resolution.outcome === 'unknown') return { ok: false, detail: 'it answered that it knows no such place' }
      return { ok: false, detail: resolution.reason }
    },
  }
}

function find(tx: Tx, brandId: string) {
  return tx.selectFrom('site_resolvers').selectAll().where('brand_id', '=', brandId).forUpdate().executeTakeFirst()
}

async function requireResolver(tx: Tx, brandId: string): Promise<Selectable<SiteResolversTable>> {
  const row = await find(tx, brandId)
  if (!row) throw notFound('site resolver of', 'this brand')
  return row
}

function resolverView(row: Selectable<SiteResolversTable>): SiteResolverView {
  return { url: row.url, createdAt: instant(row.created_at_ms), updatedAt: instant(row.updated_at_ms) }
}
