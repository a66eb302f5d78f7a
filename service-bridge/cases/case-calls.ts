import { CASE_STATES_OVER } from '#contracts'
import { HubError } from '#platform'
import { page, writeAudit } from '#store'
import type { ServiceBridge } from '../bridge.ts'
import { type Core, inBrand } from '../core.ts'
import { AWAITS_ORDER, waitingTogether } from '../orders/waiting-together.ts'
import { caseEventView, caseView, notFound } from '../queries.ts'
import type { Happen, MoveResult } from './case-driver.ts'
import { type CaseRecord, changeCase, requireCase } from './case-record.ts'
import { CALLED_OFF } from './case-words.ts'

/** What a brand sees of its cases and may do to them. */
export function createCaseCalls(core: Core, happen: Happen): ServiceBridge['cases'] {
  return {
    list: (brandId, filter) =>
      inBrand(core, brandId, async ({ tx }) => {
        let query = tx.selectFrom('cases').selectAll().where('brand_id', '=', brandId)
        if (filter.state !== undefined) query = query.where('state', '=', filter.state)
        if (filter.live !== undefined)
          query = query.where('state', filter.live ? 'not in' : 'in', [...CASE_STATES_OVER])
        if (filter.deviceId !== undefined) query = query.where('device_id', '=', filter.deviceId)
        if (filter.homeId !== undefined) query = query.where('home_id', '=', filter.homeId)
        if (filter.needsReview !== undefined) {
          query = query.where('needs_review', filter.needsReview ? 'is not' : 'is', null)
        }
        const found = await page(query, filter, { by: ['opened_at_ms', 'case_id'], direction: 'desc' })
        return { items: found.items.map(caseView), nextCursor: found.nextCursor }
      }),

    get: (brandId, caseId) =>
      inBrand(core, brandId, async ({ tx }) => {
        const row = await tx
          .selectFrom('cases')
          .selectAll()
          .where('brand_id', '=', brandId)
          .where('case_id', '=', caseId)
          .executeTakeFirst()
        if (!row) throw notFound('case', caseId)
        const events = await tx
          .selectFrom('case_events')
          .selectAll()
          .where('brand_id', '=', brandId)
          .where('case_id', '=', caseId)
          .orderBy('ordinal')
          .execute()
        const episodes = await tx
          .selectFrom('case_episodes')
          .select('episode_id')
          .where('brand_id', '=', brandId)
          .where('case_id', '=', caseId)
          .orderBy('joined_at_ms')
          .orderBy('episode_id')
          .execute()
        return {
          ...caseView(row),
          events: events.map((event) => caseEventView(core, event)),
          episodeIds: episodes.map((episode) => episode.episode_id),
        }
      }),

    cancel: (brandId, caseId, { by, reason }) =>
      inBrand(core, brandId, async (work) => {
        const record = await requireCase(work, caseId)
        if (record.state === 'cancelled') return caseView(record)
        refuseUnlessMoved(
          await happen(work, [record], 'cancelled', { by, why: CALLED_OFF, words: reason }),
          record.state,
        )
        await writeAudit(work.tx, {
          brandId,
          atMs: work.atMs,
          actor: `${by.kind}:${by.id ?? ''}`,
          action: 'case.cancelled',
          subject: caseId,
          // Why stands with the case, where an erasure reaches it: the trail outlives one.
        })
        return caseView(await requireCase(work, caseId))
      }),

    retry: (brandId, caseId, { by, reason }) =>
      inBrand(core, brandId, async (work) => {
        const record = await requireCase(work, caseId)
        const { state } = record
        const actor = `${by.kind}:${by.id ?? ''}`
        // Needs of one visit look for their partner together.
        const cases = AWAITS_ORDER.has(state) ? await waitingTogether(work, record) : [record]
        for (const one of cases) {
          // Whoever retries has looked; what stands in the way now is a reason of its own.
          await changeCase(work, one, { needs_review: null, acknowledged_at_ms: work.atMs, acknowledged_by: actor })
        }
        const result = await happen(work, cases, 'retried', {
          by,
          ...(reason === undefined ? {} : { words: reason }),
        })
        if (result.kind !== 'moved') throw notRetried(result, record)
        await writeAudit(work.tx, { brandId, atMs: work.atMs, actor, action: 'case.retried', subject: caseId })
        return caseView(await requireCase(work, caseId))
      }),

    acknowledge: (brandId, caseId, { by }) =>
      inBrand(core, brandId, async (work) => {
        const record = await requireCase(work, caseId)
        await changeCase(work, record, {
          needs_review: null,
          acknowledged_at_ms: work.atMs,
          acknowledged_by: `${by.kind}:${by.id ?? ''}`,
        })
        return caseView(record)
      }),
  }
}

function notRetried(result: MoveResult, record: CaseRecord): HubError {
  const unmet = new Set(result.kind === 'unmet' ? result.unmet.map(({ guard }) => guard) : [])
  if (unmet.has('endedNotObserved'))
    return new HubError('STATE_FORBIDS', `The case ended ${(record.end_kind ?? record.state).replaceAll('_', ' ')}.`)
  if (unmet.has('componentFree'))
    return new HubError('STATE_FORBIDS', 'Another case of this component is open already.')
  if (unmet.has('homeKnown')) return new HubError('STATE_FORBIDS', 'The device no longer stands in this home.')
  return new HubError('STATE_FORBIDS', `The case is ${record.state.replaceAll('_', ' ')}.`)
}

export function refuseUnlessMoved(result: MoveResult, state: string): void {
  if (result.kind === 'moved') return
  if (result.kind === 'unmet' && result.unmet.some((one) => one.guard === 'notArrived')) {
    throw new HubError('STATE_FORBIDS', 'The technician has arrived; the visit can no longer be called off.')
  }
  throw new HubError('STATE_FORBIDS', `The case is ${state.replace('_', ' ')}.`)
}
