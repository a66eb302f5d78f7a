import type { Selectable } from 'kysely'
import { AgreementDocument, instant } from '#contracts'
import { HubError, newId } from '#platform'
import { type AgreementsTable, page, type Tx, writeAudit } from '#store'
import type { ServiceBridge } from '../bridge.ts'
import { beginWork, type Core, inHub, type Work } from '../core.ts'
import { ratingsOfAgreements } from '../orders/rating.ts'
import { notFound } from '../queries.ts'
import { wakeTimers } from '../timers.ts'
import { validator } from '../validate.ts'
import type { Actor, AgreementView } from '../views.ts'

const checkAgreement = validator(AgreementDocument)

/** What partners do for a brand, where and for how much. */
export function createAgreementCalls(core: Core): ServiceBridge['agreements'] {
  /** The partner is the operator's, so it is looked up in hub scope. */
  const partnerOf = (tx: Tx, key: string) =>
    tx.selectFrom('partners').select(['name', 'state', 'disabled_at_ms']).where('key', '=', key).executeTakeFirst()

  const audit = (tx: Tx, brandId: string, by: Actor, action: string, subject: string): Promise<void> =>
    writeAudit(tx, { brandId, atMs: core.clock.nowMs(), actor: `${by.kind}:${by.id ?? ''}`, action, subject })

  async function copies(
    tx: Tx,
    partnerKey: string,
  ): Promise<{ partner_name: string; partner_state: 'active' | 'suspended' }> {
    const partner = await partnerOf(tx, partnerKey)
    if (!partner) throw new HubError('NOT_FOUND', `There is no partner "${partnerKey}"; the operator creates it.`)
    const works = partner.state === 'active' && partner.disabled_at_ms === null
    return { partner_name: partner.name, partner_state: works ? 'active' : 'suspended' }
  }

  const inScope = <T>(brandId: string, within: Tx | undefined, body: (work: Work) => Promise<T>): Promise<T> =>
    within ? body(beginWork(within, brandId, core.clock.nowMs())) : inHub(core, brandId, body)

  return {
    create: (brandId, agreement, { by, within }) =>
      inScope(brandId, within, async (work) => {
        const { tx, atMs } = work
        const document = checkAgreement(agreement)
        const row = await tx
          .insertInto('agreements')
          .values({
            brand_id: brandId,
            agreement_id: newId('agr'),
            partner_key: document.partnerKey,
            ...(await copies(tx, document.partnerKey)),
            document: JSON.stringify(document),
            created_at_ms: atMs,
            updated_at_ms: atMs,
          })
          .returningAll()
          .executeTakeFirstOrThrow()
        await audit(tx, brandId, by, 'agreement.created', row.agreement_id)
        await wakeTimers(work, 'partner')
        return agreementView(row)
      }),

    list: (brandId, filter) =>
      core.db.asBrand(brandId, async (tx) => {
        let query = tx.selectFrom('agreements').selectAll().where('brand_id', '=', brandId)
        if (filter.partnerKey !== undefined) query = query.where('partner_key', '=', filter.partnerKey)
        const found = await page(query, filter, { by: ['created_at_ms', 'agreement_id'] })
        return { items: found.items.map(agreementView), nextCursor: found.nextCursor }
      }),

    get: (brandId, agreementId) =>
      core.db.asBrand(brandId, async (tx) => agreementView(await requireAgreement(tx, brandId, agreementId))),

    ratings: (brandId, agreementId) =>
      core.db.asBrand(brandId, async (tx) => {
        await requireAgreement(tx, brandId, agreementId)
        const given = await ratingsOfAgreements({ tx, brandId, atMs: core.clock.nowMs() }, [agreementId])
        return given.get(agreementId) ?? { count: 0, attitude: null, quality: null, speed: null, solvedShare: null }
      }),

    update: (brandId, agreementId, { agreement, active, by }) =>
      inHub(core, brandId, async (work) => {
        const { tx } = work
        await requireAgreement(tx, brandId, agreementId)
        const document = agreement === undefined ? null : checkAgreement(agreement)
        const row = await tx
          .updateTable('agreements')
          .set({
            ...(document
              ? {
                  document: JSON.stringify(document),
                  partner_key: document.partnerKey,
                  ...(await copies(tx, document.partnerKey)),
                }
              : {}),
            ...(active === undefined ? {} : { active }),
            updated_at_ms: core.clock.nowMs(),
          })
          .where('brand_id', '=', brandId)
          .where('agreement_id', '=', agreementId)
          .returningAll()
          .executeTakeFirstOrThrow()
        await audit(tx, brandId, by, 'agreement.changed', agreementId)
        await wakeTimers(work, 'partner')
        return agreementView(row)
      }),
  }
}

async function requireAgreement(tx: Tx, brandId: string, agreementId: string): Promise<Selectable<AgreementsTable>> {
  const row = await tx
    .selectFrom('agreements')
    .selectAll()
    .where('brand_id', '=', brandId)
    .where('agreement_id', '=', agreementId)
    .executeTakeFirst()
  if (!row) throw notFound('agreement', agreementId)
  return row
}

function agreementView(row: Selectable<AgreementsTable>): AgreementView {
  return {
    id: row.agreement_id,
    agreement: row.document,
    active: row.active,
    createdAt: instant(row.created_at_ms),
  }
}
