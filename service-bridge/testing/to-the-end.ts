import { CASE_STATES_OVER, type CaseState } from '#contracts'
import { isHubError } from '#platform'
import { BRAND_USER, DAY, type World } from './world.ts'

/** Longer than any chain of waits the hub sets for itself: a snooze of 30 days, an offer of 14, a self-service window of 14 with its second offer. */
const ALONE_MS = 75 * DAY
const STRIDE_MS = 15 * DAY
/** Rounds in which people do what is theirs; each can lead to one more order at most. */
const ROUNDS_MAX = 12

/** States in which a case may wait for ever when nobody does anything, and for whom. */
const WAITS_FOR: Partial<Record<CaseState, string>> = {
  open: 'the home, which has not agreed to be asked; or the brand, whose gate or rule holds it',
  held: 'the brand, to release or drop',
  accepted: 'a person, to find a partner that may come',
  rerouting: 'a person, to find a partner that may come',
  scheduled: 'the partner, who took the order',
  in_progress: 'the partner, who is at the door',
  awaiting_parts: 'the partner, who waits for a part',
}

interface LiveCase {
  id: string
  state: CaseState
  needsReview: string | null
}

async function liveCases(world: World): Promise<LiveCase[]> {
  return (await world.bridge.cases.list(world.brandId, { live: true, limit: 200 })).items
}

/**
 * Nobody does anything any more: every case comes to an end by itself, or to one of the states that wait for a person
 * and say for whom. Sentences about those that do neither.
 */
export async function endsAlone(world: World): Promise<string[]> {
  for (let passed = 0; passed < ALONE_MS; passed += STRIDE_MS) await world.pass(STRIDE_MS)
  const wrongs: string[] = []
  for (const { id, state } of await liveCases(world)) {
    if (WAITS_FOR[state] === undefined) wrongs.push(`case ${id} is ${state} for ever`)
    if (state !== 'accepted' && state !== 'rerouting') continue
    const { needsReview } = await world.bridge.cases.get(world.brandId, id)
    if (needsReview === null) wrongs.push(`case ${id} is ${state} and nobody was told`)
  }
  return wrongs
}

/** Then each does what is theirs: partners report, the brand decides and calls off. Nothing is left that cannot end. */
export async function endsWithPeople(world: World, complete: (orderId: string) => Promise<unknown>): Promise<string[]> {
  const { bridge, brandId } = world
  const lawful = (work: Promise<unknown>): Promise<unknown> =>
    work.catch((error: unknown) => {
      if (!isHubError(error)) throw error
    })
  for (let round = 0; round < ROUNDS_MAX && (await liveCases(world)).length > 0; round++) {
    for (const order of (await bridge.orders.list(brandId, { limit: 200 })).items)
      if (order.closedAt === null) await complete(order.id)
    for (const { id, state } of await liveCases(world)) {
      if (state === 'verifying' || CASE_STATES_OVER.has(state)) continue
      await lawful(bridge.cases.cancel(brandId, id, { by: BRAND_USER, reason: 'the trial is over' }))
    }
    await world.pass(STRIDE_MS)
  }
  return (await liveCases(world)).map(({ id, state }) => `case ${id} is ${state}, whatever people do`)
}
