import { instant, type OfferView, type RateBody, sealedAs } from '#contracts'
import { HubError } from '#platform'
import { flagOrderReview } from '../cases/review.ts'
import type { Core, Work } from '../core.ts'
import type { OfferRecord } from '../offers/offer-record.ts'
import { tellBrand } from '../outgoing.ts'
import { RATING_CHANGE_MS, RATING_MS, RATINGS_COUNT_MS } from '../policy.ts'
import type { PartnerRatings } from '../views.ts'
import type { OrderRecord } from './order-record.ts'

type RatingView = NonNullable<NonNullable<OfferView['progress']>['rating']>

/** The stars the home gave this order; `null` while it has given none. */
export async function ratingOf(work: Work, workOrderId: string): Promise<RatingView | null> {
  const row = await work.tx
    .selectFrom('ratings')
    .selectAll()
    .where('brand_id', '=', work.brandId)
    .where('work_order_id', '=', workOrderId)
    .executeTakeFirst()
  if (!row) return null
  return {
    attitude: row.attitude,
    quality: row.quality,
    speed: row.speed,
    solved: row.solved,
    at: instant(row.rated_at_ms),
    changeableUntil: instant(row.rated_at_ms + RATING_CHANGE_MS),
  }
}

/** Whether the home may give stars now, or others than it gave. */
export function mayRate(
  order: Pick<OrderRecord, 'state' | 'closed_at_ms'>,
  rating: RatingView | null,
  atMs: number,
): boolean {
  if (order.state !== 'completed' || order.closed_at_ms === null) return false
  return rating ? atMs < Date.parse(rating.changeableUntil) : atMs < order.closed_at_ms + RATING_MS
}

/** Once per visit, changeable for a week. A visit said not to have solved it is put before a person. */
export async function rate(
  core: Core,
  work: Work,
  offer: OfferRecord,
  order: OrderRecord | null,
  body: RateBody,
): Promise<void> {
  const given = order && (await ratingOf(work, order.work_order_id))
  if (!order || !mayRate(order, given, work.atMs)) {
    throw new HubError(
      'STATE_FORBIDS',
      given ? `These stars could be changed until ${given.changeableUntil}.` : 'There is no finished visit to rate.',
    )
  }
  const stars = { attitude: body.attitude, quality: body.quality, speed: body.speed, solved: body.solved }
  const words = body.text ? core.box.seal(body.text, sealedAs.ratingText(order.work_order_id)) : null
  await work.tx
    .insertInto('ratings')
    .values({
      brand_id: work.brandId,
      work_order_id: order.work_order_id,
      home_id: offer.home_id,
      partner_key: order.partner_key,
      agreement_id: order.agreement_id,
      ...stars,
      text_sealed: words,
      rated_at_ms: work.atMs,
      changed_at_ms: work.atMs,
    })
    .onConflict((conflict) =>
      conflict
        .columns(['brand_id', 'work_order_id'])
        .doUpdateSet({ ...stars, text_sealed: words, changed_at_ms: work.atMs }),
    )
    .execute()
  await tellBrand(core, work, {
    type: 'work_order.rated',
    subject: order.work_order_id,
    cause: [work.atMs, JSON.stringify(stars)],
    data: { workOrderId: order.work_order_id, number: order.number, partner: order.partner_key, ...stars },
  })
  if (!body.solved) await flagOrderReview(core, work, order.work_order_id, 'the home says it is not solved')
}

/** Stars of an agreement's visits over the last half year; `null` without any. */
export async function ratingsOfAgreements(
  work: Pick<Work, 'tx' | 'brandId' | 'atMs'>,
  agreementIds: readonly string[],
): Promise<ReadonlyMap<string, PartnerRatings>> {
  if (agreementIds.length === 0) return new Map()
  const rows = await work.tx
    .selectFrom('ratings')
    .select((eb) => [
      'agreement_id',
      eb.fn.countAll<number>().as('count'),
      eb.fn.avg<string>('attitude').as('attitude'),
      eb.fn.avg<string>('quality').as('quality'),
      eb.fn.avg<string>('speed').as('speed'),
      eb.fn.countAll<number>().filterWhere('solved', '=', true).as('solved'),
    ])
    .where('brand_id', '=', work.brandId)
    .where('agreement_id', 'in', agreementIds)
    .where('rated_at_ms', '>', work.atMs - RATINGS_COUNT_MS)
    .groupBy('agreement_id')
    .execute()
  const two = (value: number): number => Math.round(value * 100) / 100
  return new Map(
    rows.map((row) => [
      row.agreement_id,
      {
        count: row.count,
        attitude: two(Number(row.attitude)),
        quality: two(Number(row.quality)),
        speed: two(Number(row.speed)),
        solvedShare: two(row.solved / row.count),
      },
    ]),
  )
}
