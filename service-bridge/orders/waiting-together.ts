import type { CaseRecord } from '../cases/case-record.ts'
import type { Work } from '../core.ts'
import { casesOfOffer } from '../offers/offer-record.ts'

/** States in which a need has leave for a visit and no order. */
export const AWAITS_ORDER: ReadonlySet<CaseRecord['state']> = new Set(['accepted', 'rerouting'])

/**
 * The needs that wait for an order together with this one, locked: those accepted in one offer; those of the order that
 * was given back; those of a home whose standing consent leaves nothing to ask.
 */
export async function waitingTogether(work: Work, record: CaseRecord): Promise<CaseRecord[]> {
  const ofOffer = record.offer_id === null ? [] : await casesOfOffer(work, record.offer_id)
  // A need that was opened again has left the offer it was first accepted in.
  if (ofOffer.some((one) => one.case_id === record.case_id)) return ofOffer.filter((one) => one.state === record.state)
  if (record.home_id === null) return [record]
  let others = work.tx
    .selectFrom('cases as c')
    .selectAll('c')
    .where('c.brand_id', '=', work.brandId)
    .where('c.home_id', '=', record.home_id)
    .where('c.state', '=', record.state)
    .where((eb) =>
      eb.not(
        eb.exists(
          eb
            .selectFrom('offer_items as i')
            .select('i.case_id')
            .whereRef('i.brand_id', '=', 'c.brand_id')
            .whereRef('i.case_id', '=', 'c.case_id')
            .where('i.live', '=', true),
        ),
      ),
    )
  if (record.state === 'rerouting') others = others.where('c.work_order_id', '=', record.work_order_id)
  return others.orderBy('c.case_id').forUpdate().execute()
}
