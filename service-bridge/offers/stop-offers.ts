import { instant, type StopBody } from '#contracts'
import { HubError } from '#platform'
import { writeAudit } from '#store'
import type { ServiceBridge } from '../bridge.ts'
import type { Happen } from '../cases/case-driver.ts'
import { changeOffer } from '../cases/case-effects/offer-changes.ts'
import { type CaseRecord, lockCases } from '../cases/case-record.ts'
import { type Core, inBrand, THE_HOME, type Work } from '../core.ts'
import { notFound } from '../queries.ts'
import { setTimer } from '../timers.ts'
import type { Actor, OfferStopView } from '../views.ts'
import { meantNeeds } from './offer-answer.ts'
import type { OfferRecord } from './offer-record.ts'
import { recordStop, type StopKind, type StopRecord, stopKindOf } from './offer-stops.ts'

/** Needs of a home that a `stop` ends: nobody is on the way for them yet. */
const STOPPABLE = ['open', 'held', 'offered', 'snoozed'] as const

/** C7: no more offers of these kinds for this home. What it is asked of them now, anywhere, is taken as a no. */
export async function stopOffers(
  happen: Happen,
  work: Work,
  offer: OfferRecord,
  cases: readonly CaseRecord[],
  body: StopBody,
): Promise<void> {
  const meant = meantNeeds(cases, body.needs).filter((record) => record.safety === null)
  if (meant.length === 0) throw new HubError('STATE_FORBIDS', 'A danger is told of whatever else is wished.')
  const kinds = await Promise.all(meant.map((record) => stopKindOf(work, record)))
  for (const kind of kinds) await recordStop(work, { homeId: offer.home_id, kind, offerId: offer.offer_id })
  const rows = await work.tx
    .selectFrom('cases')
    .select('case_id')
    .where('brand_id', '=', work.brandId)
    .where('home_id', '=', offer.home_id)
    .where('state', 'in', [...STOPPABLE])
    .where('safety', 'is', null)
    .execute()
  const live = await lockCases(
    work,
    rows.map((row) => row.case_id),
  )
  const ofThese = []
  for (const record of live) {
    const kind = await stopKindOf(work, record)
    // What the home itself reported is no offer out of the blue, unless it is this one.
    const wanted = record.source === 'reported' && record.offer_id !== offer.offer_id
    if (!wanted && kinds.some((one) => same(one, kind))) ofThese.push(record)
  }
  for (const record of ofThese)
    await happen(work, [record], 'stopped', { by: THE_HOME, why: 'no more offers of this kind' })
  const own = ofThese.some((record) => record.offer_id === offer.offer_id)
  const left = await work.tx
    .selectFrom('offer_items')
    .select('case_id')
    .where('brand_id', '=', work.brandId)
    .where('offer_id', '=', offer.offer_id)
    .where('live', '=', true)
    .execute()
  if (own && left.length === 0)
    await changeOffer(work, offer.offer_id, { answered_at_ms: work.atMs, answer: JSON.stringify({ stopped: true }) })
}

function same(one: StopKind, other: StopKind): boolean {
  return one.category === other.category && one.componentKind === other.componentKind
}

/** Takes back what the home asked to stop about these needs; whatever is still wrong may be asked about again. */
export async function resumeOffers(work: Work, offer: OfferRecord, cases: readonly CaseRecord[]): Promise<void> {
  const kinds = await Promise.all(cases.map((record) => stopKindOf(work, record)))
  const stops = (await stopsOf(work, offer.home_id)).filter((stop) =>
    kinds.some((kind) => same(kind, { category: stop.category, componentKind: stop.component_kind })),
  )
  if (stops.length === 0) throw new HubError('STATE_FORBIDS', 'No offers of this kind were stopped.')
  for (const stop of stops) await lift(work, stop, THE_HOME)
}

/** Those in force. */
export async function stopsOf(work: Work, homeId: string): Promise<StopRecord[]> {
  return work.tx
    .selectFrom('offer_stops')
    .selectAll()
    .where('brand_id', '=', work.brandId)
    .where('home_id', '=', homeId)
    .where('lifted_at_ms', 'is', null)
    .orderBy('stopped_at_ms')
    .orderBy('stop_id')
    .execute()
}

async function lift(work: Work, stop: StopRecord, by: Actor): Promise<void> {
  await work.tx
    .updateTable('offer_stops')
    .set({ lifted_at_ms: work.atMs, lifted_by: `${by.kind}:${by.id ?? ''}` })
    .where('brand_id', '=', work.brandId)
    .where('stop_id', '=', stop.stop_id)
    .execute()
  // What is still wrong was left in peace for the home's sake, and is looked at again.
  const alerts = await work.tx
    .selectFrom('alerts')
    .innerJoin('devices', (join) =>
      join.onRef('devices.brand_id', '=', 'alerts.brand_id').onRef('devices.device_id', '=', 'alerts.device_id'),
    )
    .select('alerts.episode_id')
    .where('alerts.brand_id', '=', work.brandId)
    .where('devices.home_id', '=', stop.home_id)
    .where('alerts.state', '<>', 'resolved')
    .where('alerts.mode', '=', 'active')
    .orderBy('alerts.opened_at_ms')
    .execute()
  for (const alert of alerts) await setTimer(work, 'cool_down', alert.episode_id, work.atMs)
}

/** What a brand sees of such wishes, and takes back when the home tells it so. */
export function createStopCalls(core: Core): Pick<ServiceBridge['homes'], 'stops' | 'liftStop'> {
  return {
    stops: (brandId, homeId) => inBrand(core, brandId, async (work) => (await stopsOf(work, homeId)).map(stopView)),
    liftStop: (brandId, homeId, stopId, { by }) =>
      inBrand(core, brandId, async (work) => {
        const stop = (await stopsOf(work, homeId)).find((one) => one.stop_id === stopId)
        if (!stop) throw notFound('stopped kind of offer', stopId)
        await lift(work, stop, by)
        await writeAudit(work.tx, {
          brandId,
          atMs: work.atMs,
          actor: `${by.kind}:${by.id ?? ''}`,
          action: 'offer_stop.lifted',
          subject: homeId,
          detail: { category: stop.category, componentKind: stop.component_kind },
        })
      }),
  }
}

function stopView(stop: StopRecord): OfferStopView {
  return {
    id: stop.stop_id,
    category: stop.category,
    componentKind: stop.component_kind,
    stoppedAt: instant(stop.stopped_at_ms),
    offerId: stop.offer_id,
  }
}
