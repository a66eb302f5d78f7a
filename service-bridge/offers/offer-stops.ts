import type { Selectable } from 'kysely'
import { derivedId } from '#platform'
import type { OfferStopsTable } from '#store'
import type { CaseRecord } from '../cases/case-record.ts'
import type { Work } from '../core.ts'
import { productDocument } from '../facts.ts'

export type StopRecord = Selectable<OfferStopsTable>

/** What a home may ask not to hear of again: a kind of part in a kind of appliance, whichever rule speaks of it. */
export interface StopKind {
  category: string
  componentKind: string
}

export async function stopKindOf(work: Work, record: CaseRecord): Promise<StopKind> {
  const product = await productDocument(work, record.product_key)
  const component = product?.components?.find((one) => one.key === record.component)
  return { category: product?.category ?? record.product_key, componentKind: component?.kind ?? record.component }
}

/** The home's wish not to be asked about needs like this one; `null` when there is none. */
export async function stopInForce(work: Work, record: CaseRecord): Promise<StopRecord | null> {
  if (record.home_id === null) return null
  const kind = await stopKindOf(work, record)
  const row = await work.tx
    .selectFrom('offer_stops')
    .selectAll()
    .where('brand_id', '=', work.brandId)
    .where('home_id', '=', record.home_id)
    .where('category', '=', kind.category)
    .where('component_kind', '=', kind.componentKind)
    .where('lifted_at_ms', 'is', null)
    .executeTakeFirst()
  return row ?? null
}

/** Writes the wish down; asked again, it stays the one it was. */
export async function recordStop(work: Work, wish: { homeId: string; kind: StopKind; offerId: string }): Promise<void> {
  await work.tx
    .insertInto('offer_stops')
    .values({
      brand_id: work.brandId,
      stop_id: derivedId('stop', work.brandId, wish.homeId, wish.kind.category, wish.kind.componentKind, work.atMs),
      home_id: wish.homeId,
      category: wish.kind.category,
      component_kind: wish.kind.componentKind,
      offer_id: wish.offerId,
      stopped_at_ms: work.atMs,
    })
    .onConflict((conflict) => conflict.doNothing())
    .execute()
}
