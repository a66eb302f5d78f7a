import { CASE_STATES_OVER, type Episode, type Evidence, type SafetyKind, type Severity } from '#contracts'
import { derivedId } from '#platform'
import { dispatchOf } from '#rules'
import type { Dispatch } from '#store'
import { type Core, THE_HUB, type Work } from '../core.ts'
import { homeFacts, ruleDocument } from '../facts.ts'
import { warnAtOnce } from '../notices/safety-warning.ts'
import { reviseOffer } from '../offers/offer-bundle.ts'
import { stopInForce } from '../offers/offer-stops.ts'
import { tellBrand } from '../outgoing.ts'
import { clearTimer, setTimer } from '../timers.ts'
import type { Actor } from '../views.ts'
import type { Happen } from './case-driver.ts'
import { type CaseRecord, changeCase, lockCase, recordTransition } from './case-record.ts'
import { coolDownUntil } from './cool-down.ts'
import { holdInStorm } from './fleet-holds.ts'
import { beginSettling } from './settling.ts'
import { isWorse } from './severity.ts'

const DISPATCH_RANK: Readonly<Record<Dispatch, number>> = { notify: 0, offer: 1, auto: 2 }

/** C1: joins the live case of the component, or opens one unless it was just dealt with. */
export async function openOrJoin(
  core: Core,
  work: Work,
  episode: Episode,
  evidence: readonly Evidence[],
  happen: Happen,
): Promise<void> {
  const device = await work.tx
    .selectFrom('devices')
    .select(['home_id', 'region', 'product_key', 'attributes'])
    .where('brand_id', '=', work.brandId)
    .where('device_id', '=', episode.deviceId)
    .executeTakeFirst()
  if (!device) {
    core.logger.warn({ episode: episode.episodeId }, 'an episode of a device that is not registered opens no case')
    return
  }
  if (episode.safety !== null) await warnAtOnce(core, work, episode, device.home_id)

  const rule = await ruleDocument(work, episode.ruleKey, episode.ruleVersion)
  const dispatch = rule ? dispatchOf(rule) : 'notify'
  const last = await lastCase(work, episode)
  if (last && !(CASE_STATES_OVER.has(last.state) && last.state !== 'self_serviced')) {
    return join(core, work, last, episode, dispatch, evidence)
  }
  // Peace was promised to a home; whoever has the appliance now was never asked.
  const quietUntilMs = last && last.home_id === device.home_id ? await coolDownUntil(core, work, last, episode) : null
  if (quietUntilMs !== null && quietUntilMs > work.atMs) {
    return setTimer(work, 'cool_down', episode.episodeId, quietUntilMs)
  }
  await clearTimer(work, 'cool_down', episode.episodeId)
  const caseId = derivedId('case', episode.episodeId, await casesBegunBy(work, episode.episodeId))
  const record = await insertCase(work, {
    caseId,
    deviceId: episode.deviceId,
    component: episode.component,
    device,
    source: 'alert',
    severity: episode.severity,
    safety: episode.safety,
    dispatch,
    rule: { key: episode.ruleKey, version: episode.ruleVersion },
    beganWith: episode.episodeId,
    evidence,
  })
  await addEpisode(work, record, episode)
  await tellOpened(core, work, record, { row: 'C1', by: THE_HUB, why: `rule ${episode.ruleKey}`, evidence })
  if (record.safety === null && (await stopInForce(work, record))) {
    await happen(work, [record], 'stopped', { why: 'the home asked for no more offers of this kind' })
    return
  }
  await beginSettling(core, work, record)
  await holdInStorm(core, work, record, happen)
}

export interface NewCase {
  caseId: string
  deviceId: string
  component: string
  device: {
    home_id: string | null
    region: string | null
    product_key: string
    attributes: Record<string, unknown>
  }
  source: CaseRecord['source']
  severity: Severity
  safety: SafetyKind | null
  dispatch: Dispatch
  /** `null` for a need that a person reported and no rule has seen. */
  rule: { key: string; version: number } | null
  /** The episode or report it began with: what its ids derive from. */
  beganWith: string
  evidence: readonly Evidence[]
  cause?: CaseRecord['cause']
}

/** The row of a new need, and the lock on it. */
export async function insertCase(work: Work, made: NewCase): Promise<CaseRecord> {
  const { device } = made
  const home = await homeFacts(work, device.home_id)
  const { firmware } = device.attributes
  await work.tx
    .insertInto('cases')
    .values({
      brand_id: work.brandId,
      case_id: made.caseId,
      device_id: made.deviceId,
      component: made.component,
      product_key: device.product_key,
      home_id: device.home_id,
      region: device.region ?? home?.region ?? null,
      state: 'open',
      source: made.source,
      severity: made.severity,
      safety: made.safety,
      dispatch: made.dispatch,
      rule_key: made.rule?.key ?? null,
      rule_version: made.rule?.version ?? null,
      first_episode_id: made.beganWith,
      evidence: JSON.stringify(made.evidence),
      cause: made.cause ? JSON.stringify(made.cause) : null,
      firmware: firmware === undefined ? null : String(firmware),
      wanted: made.source === 'reported',
      opened_at_ms: work.atMs,
      updated_at_ms: work.atMs,
    })
    .execute()
  return (await lockCase(work, made.caseId))!
}

/** Writes down that a need began, and tells the brand. */
export async function tellOpened(
  core: Core,
  work: Work,
  record: CaseRecord,
  how: { row: 'C1' | 'C2'; by: Actor; why: string; evidence: unknown },
): Promise<void> {
  await recordTransition(work, record, { event: 'opened', from: null, to: 'open', ...how })
  await tellBrand(core, work, {
    type: 'case.open',
    subject: record.case_id,
    cause: [record.events],
    data: {
      caseId: record.case_id,
      deviceId: record.device_id,
      component: record.component,
      from: null,
      to: 'open',
      event: 'opened',
      row: how.row,
    },
  })
}

async function lastCase(work: Work, episode: Episode): Promise<CaseRecord | null> {
  const row = await work.tx
    .selectFrom('cases')
    .selectAll()
    .where('brand_id', '=', work.brandId)
    .where('device_id', '=', episode.deviceId)
    .where('component', '=', episode.component)
    // One that was opened again goes before a later one that is over.
    .orderBy((eb) => eb('state', 'not in', [...CASE_STATES_OVER]), 'desc')
    .orderBy('opened_at_ms', 'desc')
    .orderBy('case_id', 'desc')
    .limit(1)
    .forUpdate()
    .executeTakeFirst()
  return row ?? null
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

export async function addEpisode(
  work: Work,
  record: CaseRecord,
  episode: Pick<Episode, 'episodeId' | 'ruleKey'>,
): Promise<boolean> {
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
    // What a person noticed, a rule now measures too.
    ...(record.rule_key === null ? { rule_key: episode.ruleKey, rule_version: episode.ruleVersion } : {}),
  })
  if (record.evidence.length === 0 && evidence.length > 0) await giveEvidence(work, record, evidence)
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
  if (record.state === 'open' && onlyTold) await beginSettling(core, work, record)
  if (raised) await hurry(core, work, record)
}

/** A need whose offer sleeps or waits has grown worse: what is shown says so, and a snooze is over. */
export async function hurry(core: Core, work: Work, record: CaseRecord): Promise<void> {
  if (record.offer_id === null || (record.state !== 'offered' && record.state !== 'snoozed')) return
  await reviseOffer(core, work, record.offer_id)
  if (record.state === 'snoozed') await setTimer(work, 'snooze', record.offer_id, work.atMs)
}

async function giveEvidence(work: Work, record: CaseRecord, evidence: readonly Evidence[]): Promise<void> {
  Object.assign(record, { evidence })
  await work.tx
    .updateTable('cases')
    .set({ evidence: JSON.stringify(evidence) })
    .where('brand_id', '=', work.brandId)
    .where('case_id', '=', record.case_id)
    .execute()
}
