import { CASE_STATES_OVER, type Episode, type Evidence, type RuleDocument } from '#contracts'
import { derivedId } from '#platform'
import type { Dispatch } from '#store'
import { type CaseRecord, changeCase, lockCase, recordTransition } from './case-record.ts'
import { type Core, THE_HUB, type Work } from './core.ts'
import { homeFacts, ruleDocument } from './facts.ts'
import { tellBrand } from './outgoing.ts'
import { warnAtOnce } from './safety-warning.ts'
import { beginSettling } from './settling.ts'
import { isWorse } from './severity.ts'
import { setTimer } from './timers.ts'

const DISPATCH_RANK: Readonly<Record<Dispatch, number>> = { notify: 0, offer: 1, auto: 2 }

/** C1: joins the live case of the component, or opens one unless it was just dealt with. */
export async function openOrJoin(
  core: Core,
  work: Work,
  episode: Episode,
  evidence: readonly Evidence[],
): Promise<void> {
  const device = await work.tx
    .selectFrom('devices')
    .select(['home_id', 'region', 'product_key'])
    .where('brand_id', '=', work.brandId)
    .where('device_id', '=', episode.deviceId)
    .executeTakeFirst()
  if (!device) {
    core.logger.warn({ episode: episode.episodeId }, 'an episode of a device that is not registered opens no case')
    return
  }
  if (episode.safety !== null) await warnAtOnce(core, work, episode, device.home_id)

  const rule = await ruleDocument(work, episode.ruleKey, episode.ruleVersion)
  const dispatch = dispatchOf(rule)
  const last = await lastCase(work, episode)
  if (last && !(CASE_STATES_OVER.has(last.state) && last.state !== 'self_serviced')) {
    return join(core, work, last, episode, dispatch, evidence)
  }
  // Peace was promised to a home; whoever has the appliance now was never asked.
  const quietUntilMs = last && last.home_id === device.home_id ? coolDownUntil(core, last, episode) : null
  if (quietUntilMs !== null && quietUntilMs > work.atMs) {
    return setTimer(work, 'cool_down', episode.episodeId, quietUntilMs)
  }
  const home = await homeFacts(work, device.home_id)
  const caseId = derivedId('case', episode.episodeId, await casesBegunBy(work, episode.episodeId))
  await work.tx
    .insertInto('cases')
    .values({
      brand_id: work.brandId,
      case_id: caseId,
      device_id: episode.deviceId,
      component: episode.component,
      product_key: device.product_key,
      home_id: device.home_id,
      region: device.region ?? home?.region ?? null,
      state: 'open',
      source: 'alert',
      severity: episode.severity,
      safety: episode.safety,
      dispatch,
      rule_key: episode.ruleKey,
      rule_version: episode.ruleVersion,
      first_episode_id: episode.episodeId,
      evidence: JSON.stringify(evidence),
      opened_at_ms: work.atMs,
      updated_at_ms: work.atMs,
    })
    .execute()
  const record = (await lockCase(work, caseId))!
  await addEpisode(work, record, episode)
  await recordTransition(work, record, {
    event: 'opened',
    row: 'C1',
    from: null,
    to: 'open',
    by: THE_HUB,
    why: `rule ${episode.ruleKey}`,
    evidence,
  })
  await beginSettling(core, work, { caseId, ruleKey: episode.ruleKey })
  await tellBrand(core, work, {
    type: 'case.open',
    subject: caseId,
    cause: [record.events],
    data: {
      caseId,
      deviceId: record.device_id,
      component: record.component,
      from: null,
      to: 'open',
      event: 'opened',
      row: 'C1',
    },
  })
}

/** A rule that names no way of dispatch and describes a service offers it; one that describes none only tells. */
function dispatchOf(rule: RuleDocument | null): Dispatch {
  return rule?.dispatch ?? (rule?.service ? 'offer' : 'notify')
}

async function lastCase(work: Work, episode: Episode): Promise<CaseRecord | null> {
  const row = await work.tx
    .selectFrom('cases')
    .selectAll()
    .where('brand_id', '=', work.brandId)
    .where('device_id', '=', episode.deviceId)
    .where('component', '=', episode.component)
    .orderBy('opened_at_ms', 'desc')
    .orderBy('case_id', 'desc')
    .limit(1)
    .forUpdate()
    .executeTakeFirst()
  return row ?? null
}

/** Until when the component is left in peace; `null` when it is not. Danger and a repair that did not show have no peace. */
function coolDownUntil(core: Core, last: CaseRecord, episode: Episode): number | null {
  if (episode.safety !== null || last.end_kind === 'not_observed') return null
  if (isWorse(episode.severity, last.severity)) return null
  return (last.closed_at_ms ?? last.updated_at_ms) + core.policy.coolDownMs
}

async function casesBegunBy(work: Work, episodeId: string): Promise<number> {
  const row = await work.tx
    .selectFrom('cases')
    .select((eb) => eb.fn.countAll<number>().as('count'))
    .where('brand_id', '=', work.brandId)
    .where('first_episode_id', '=', episodeId)
    .executeTakeFirstOrThrow()
  return Number(row.count) + 1
}

async function addEpisode(work: Work, record: CaseRecord, episode: Episode): Promise<boolean> {
  const added = await work.tx
    .insertInto('case_episodes')
    .values({
      brand_id: work.brandId,
      episode_id: episode.episodeId,
      case_id: record.case_id,
      rule_key: episode.ruleKey,
      joined_at_ms: work.atMs,
    })
    .onConflict((conflict) => conflict.doNothing())
    .returning('case_id')
    .executeTakeFirst()
  return added !== undefined
}

async function join(
  core: Core,
  work: Work,
  record: CaseRecord,
  episode: Episode,
  dispatch: Dispatch,
  evidence: readonly Evidence[],
): Promise<void> {
  if (!(await addEpisode(work, record, episode))) return
  const raised = isWorse(episode.severity, record.severity)
  const onlyTold = record.dispatch === 'notify' && dispatch !== 'notify'
  await changeCase(work, record, {
    ...(raised ? { severity: episode.severity } : {}),
    ...(DISPATCH_RANK[dispatch] > DISPATCH_RANK[record.dispatch] ? { dispatch } : {}),
    ...(record.safety === null && episode.safety !== null ? { safety: episode.safety } : {}),
  })
  await recordTransition(work, record, {
    event: 'joined',
    row: 'C1',
    from: record.state,
    to: record.state,
    by: THE_HUB,
    why: `rule ${episode.ruleKey}`,
    evidence,
  })
  // What was only told so far is now worth an offer.
  if (record.state === 'open' && onlyTold)
    await beginSettling(core, work, { caseId: record.case_id, ruleKey: episode.ruleKey })
}
