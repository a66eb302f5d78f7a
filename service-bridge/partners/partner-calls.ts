import type { Selectable } from 'kysely'
import { instant } from '#contracts'
import { HubError, newId } from '#platform'
import { type PartnersTable, page, type Tx, writeAudit } from '#store'
import type { ServiceBridge } from '../bridge.ts'
import type { Core } from '../core.ts'
import { type GuardOptions, guardUrl } from '../delivery/address-guard.ts'
import type { Send } from '../delivery/delivery-engine.ts'
import { newWebhookSecret } from '../delivery/signature.ts'
import { type Answer, verdictOf } from '../delivery/verdict.ts'
import { cloudEvent } from '../outgoing.ts'
import { notFound } from '../queries.ts'
import { wakeForPartner } from '../timers.ts'
import type { Actor, PartnerView } from '../views.ts'
import {
  openSecrets,
  partnerPlace,
  rotated,
  SECRET_OVERLAP_MS,
  sealSecrets,
  secretsInForce,
} from './partner-secrets.ts'

type PartnerRow = Selectable<PartnersTable>

/** Partners are the operator's objects: one endpoint and one secret for all brands they work for. */
export function createPartnerCalls(
  core: Core,
  send: Send,
  guard: GuardOptions,
  realNowMs: () => number,
): ServiceBridge['partners'] {
  const audit = (
    tx: Tx,
    by: Actor,
    action: string,
    subject: string,
    detail: Record<string, unknown> = {},
  ): Promise<void> =>
    writeAudit(tx, {
      brandId: null,
      atMs: core.clock.nowMs(),
      actor: `${by.kind}:${by.id ?? ''}`,
      action,
      subject,
      detail,
    })

  const inScope = <T>(within: Tx | undefined, body: (tx: Tx) => Promise<T>): Promise<T> =>
    within ? body(within) : core.db.asHub(body)

  return {
    async create({ key, name, url, by, within }) {
      if (url !== null && !within) await guardUrl(url, guard)
      const atMs = core.clock.nowMs()
      const partnerId = newId('ptn')
      const secret = newWebhookSecret()
      const sealed = sealSecrets(core.box, [{ secret, untilMs: null }], partnerPlace(partnerId))
      const row = await inScope(within, async (tx) => {
        const made = await tx
          .insertInto('partners')
          .values({
            partner_id: partnerId,
            key,
            name,
            url,
            secrets_sealed: sealed,
            created_at_ms: atMs,
            updated_at_ms: atMs,
          })
          .onConflict((conflict) => conflict.column('key').doNothing())
          .returningAll()
          .executeTakeFirst()
        if (!made) throw new HubError('CONFLICT', `There is already a partner "${key}".`, { pointer: '/key' })
        await audit(tx, by, 'partner.created', partnerId, { key })
        return made
      })
      return { partner: partnerView(row), secret }
    },

    list: (filter) =>
      core.db.asHub(async (tx) => {
        const found = await page(tx.selectFrom('partners').selectAll(), filter, { by: ['key'] })
        return { items: found.items.map(partnerView), nextCursor: found.nextCursor }
      }),

    get: (key) => core.db.asHub(async (tx) => partnerView(await requirePartner(tx, key))),

    async update(key, { by, ...change }) {
      if (typeof change.url === 'string') await guardUrl(change.url, guard)
      return core.db.asHub(async (tx) => {
        const before = await requirePartner(tx, key)
        const atMs = core.clock.nowMs()
        // A new address, or being set active, ends what a 410 or an outage did to the old one.
        const revived =
          change.url !== undefined || change.state === 'active'
            ? {
                disabled_at_ms: null,
                disabled_reason: null,
                consecutive_failures: 0,
                breaker_opened_at_ms: null,
                breaker_probe_at_ms: null,
              }
            : {}
        const row = await tx
          .updateTable('partners')
          .set({ ...change, ...revived, updated_at_ms: atMs })
          .where('key', '=', key)
          .returningAll()
          .executeTakeFirstOrThrow()
        await tx
          .updateTable('agreements')
          .set({
            partner_name: row.name,
            partner_state: row.state === 'active' && row.disabled_at_ms === null ? 'active' : 'suspended',
            // Back again, or reachable elsewhere: what it gave back before may be asked of it anew.
            ...(Object.keys(revived).length > 0 ? { updated_at_ms: atMs } : {}),
          })
          .where('partner_key', '=', key)
          .execute()
        await wakeForPartner(tx, key, atMs)
        await audit(tx, by, 'partner.changed', before.partner_id, { key, changed: Object.keys(change) })
        return partnerView(row)
      })
    },

    rotateSecret: (key, { overlapMs = SECRET_OVERLAP_MS, by, within }) =>
      inScope(within, async (tx) => {
        const row = await requirePartner(tx, key)
        const secret = newWebhookSecret()
        const kept = openSecrets(core.box, row.secrets_sealed, partnerPlace(row.partner_id))
        const next = rotated(kept, secret, core.clock.nowMs(), overlapMs)
        await tx
          .updateTable('partners')
          .set({
            secrets_sealed: sealSecrets(core.box, next, partnerPlace(row.partner_id)),
            updated_at_ms: core.clock.nowMs(),
          })
          .where('key', '=', key)
          .execute()
        await audit(tx, by, 'partner.secret_rotated', row.partner_id, { key, overlapMs })
        return { secret }
      }),

    async test(key, { by }) {
      const row = await core.db.asHub(async (tx) => {
        const partner = await requirePartner(tx, key)
        await audit(tx, by, 'partner.tested', partner.partner_id, { key })
        return partner
      })
      if (row.url === null) throw new HubError('STATE_FORBIDS', `Partner "${key}" has no URL; it polls.`)
      const atMs = core.clock.nowMs()
      const webhookId = newId('msg')
      const event = cloudEvent({
        id: webhookId,
        brandId: 'hub',
        type: 'partner.test',
        subject: row.partner_id,
        sequence: 1,
        atMs,
        data: { partner: key, sentAt: instant(atMs) },
      })
      const secrets = secretsInForce(openSecrets(core.box, row.secrets_sealed, partnerPlace(row.partner_id)), atMs)
      const answer = await send({ url: row.url, id: webhookId, body: JSON.stringify(event), secrets })
      const verdict = verdictOf(answer, realNowMs())
      return {
        ok: verdict.outcome === 'sent',
        status: answer.kind === 'answered' ? answer.status : null,
        detail: verdict.outcome === 'sent' ? 'the endpoint took it' : readable(verdict.reason, answer),
        webhookId,
      }
    },
  }
}

/** What the operator can do about a test event that was not taken. */
function readable(reason: string, answer: Answer): string {
  const hint = answer.kind === 'answered' ? HINTS[answer.status] : undefined
  return hint === undefined ? reason : `${reason}: ${hint}`
}

const HINTS: Readonly<Record<number, string>> = {
  301: 'redirects are not followed, give the address it leads to',
  302: 'redirects are not followed, give the address it leads to',
  307: 'redirects are not followed, give the address it leads to',
  308: 'redirects are not followed, give the address it leads to',
  401: 'it did not accept the signature; do both sides have the same secret?',
  403: 'it did not accept the signature; do both sides have the same secret?',
  404: 'nothing answers at this path',
  405: 'it takes no POST at this path',
  410: 'it says that it is gone; a real event would switch it off',
}

async function requirePartner(tx: Tx, key: string): Promise<PartnerRow> {
  const row = await tx.selectFrom('partners').selectAll().where('key', '=', key).forUpdate().executeTakeFirst()
  if (!row) throw notFound('partner', key)
  return row
}

function partnerView(row: PartnerRow): PartnerView {
  return {
    id: row.partner_id,
    key: row.key,
    name: row.name,
    url: row.url,
    endpointId: row.url === null ? null : row.key,
    state: row.state,
    disabledReason: row.disabled_reason,
    breaker: row.breaker_opened_at_ms === null ? 'closed' : 'open',
    createdAt: instant(row.created_at_ms),
  }
}
