import {
  type AlertEffect,
  CASE_STATES_OVER,
  type Episode,
  type Evidence,
  type RuleDocument,
  type Severity,
} from '#contracts'
import { derivedId } from '#platform'
import type { Dispatch, Tx } from '#store'
import { isNew } from './acted-upon.ts'
import type { Happen } from './case-driver.ts'
import { type CaseRecord, changeCase, lockCase, recordTransition } from './case-record.ts'
import { beginWork, type Core, note, THE_HUB, type Work } from './core.ts'
import { homeFacts, ruleDocument } from './facts.ts'
import { gateInTheWay } from './gate.ts'
import { requestNotice } from './notices.ts'
import { tellBrand } from './outgoing.ts'
import { anyInForce } from './rule-force.ts'
import { SAFETY_TEXTS } from './safety-texts.ts'
import { beginSettling } from './settling.ts'
import { clearTimer, setTimer } from './timers.ts'

type Opening = Extract<AlertEffect, { kind: 'alert.firing' | 'alert.current' }>
type Episodic = Extract<AlertEffect, { episode: Episode }>

const SEVERITY_RANK: Readonly<Record<Severity, number>> = { info: 0, warning: 1, critical: 2 }
const DISPATCH_RANK: Readonly<Record<Dispatch, number>> = { notify: 0, offer: 1, auto: 2 }
/** A warning is worth sending this long; after that the episode's own state says more. */
const SAFETY_NOTICE_MS = 6 * 3_600_000

/**
 * Turns what the rules say into service needs, inside the runner's transaction. Returns the
 * work done, whose listeners are told once the runner has committed.
 */
export async function applyEffects(
  core: Core,
  happen: Happen,
  tx: Tx,
  effects: readonly AlertEffect[],
): Promise<Work[]> {
  const works: Work[] = []
  for (const effect of effects) {
    const work = beginWork(tx, brandOf(effect) ?? '', effect.atMs)
    if (effect.kind === 'operator.event') {
      if (effect.brandId !== null) note(work, `operator.${effect.code}`, effect.subject)
    } else if (await isNew(work, effect)) {
      await applyOne(core, happen, work, effect)
    }
    works.push(work)
  }
  return works
}

function brandOf(effect: AlertEffect): string | null {
  return 'episode' in effect ? effect.episode.brandId : effect.brandId
}

async function applyOne(
  core: Core,
  happen: Happen,
  work: Work,
  effect: Exclude<AlertEffect, { kind: 'operator.event' }>,
): Promise<void> {
  if (effect.kind === 'verification.ended') return verificationEnded(happen, work, effect)
  // Shadow rules are scored and touch nobody.
  if (effect.episode.mode === 'shadow') return
  if (effect.kind === 'alert.firing' && effect.silent) return
  if (effect.kind === 'alert.firing' || effect.kind === 'alert.current') return opened(core, work, effect)
  if (await isHistory(work, effect.episode)) return
  await tellAlert(core, work, effect)
  if (effect.kind === 'alert.resolved') return resolved(happen, work, effect)
  if (effect.kind === 'alert.escalated') return escalated(work, effect)
}

/** Opened while its device was catching up and never current: nobody heard of it, so nobody hears of its end. */
async function isHistory(work: Work, episode: Episode): Promise<boolean> {
  const row = await work.tx
    .selectFrom('alerts')
    .select('silent')
    .where('brand_id', '=', work.brandId)
    .where('episode_id', '=', episode.episodeId)
    .executeTakeFirst()
  return row?.silent === true && (await casesOfEpisode(work, episode.episodeId)).length === 0
}

async function tellAlert(core: Core, work: Work, effect: Episodic): Promise<void> {
  const { episode } = effect
  const type = effect.kind === 'alert.current' ? 'alert.firing' : effect.kind
  await tellBrand(core, work, {
    type,
    subject: episode.episodeId,
    cause: [effect.seq, effect.ordinal],
    data: {
      alertId: episode.episodeId,
      rule: episode.ruleKey,
      ruleVersion: episode.ruleVersion,
      deviceId: episode.deviceId,
      component: episode.component,
      severity: episode.severity,
      safety: episode.safety,
      startedAt: new Date(episode.startedAtMs).toISOString(),
      ...('reason' in effect ? { reason: effect.reason } : {}),
      ...('from' in effect ? { from: effect.from } : {}),
      ...('evidence' in effect ? { evidence: effect.evidence } : {}),
    },
  })
}

async function opened(core: Core, work: Work, effect: Opening): Promise<void> {
  await tellAlert(core, work, effect)
  // A silent device is told of; there is nothing to repair until it speaks.
  if (effect.episode.subject === 'silence') return
  await openOrJoin(core, work, effect.episode, effect.evidence)
}

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
  const quietUntilMs = last ? coolDownUntil(core, last, episode) : null
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
  if (SEVERITY_RANK[episode.severity] > SEVERITY_RANK[last.severity]) return null
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
  const raised = SEVERITY_RANK[episode.severity] > SEVERITY_RANK[record.severity]
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

/** Fixed instructions at once, whatever the hour; only dispatch may be held. */
async function warnAtOnce(core: Core, work: Work, episode: Episode, homeId: string | null): Promise<void> {
  const home = await homeFacts(work, homeId)
  if (!home || episode.safety === null) return
  const closed = await gateInTheWay(work.tx, { brandId: work.brandId, ruleKeys: [episode.ruleKey], safety: true })
  if (closed || !(await anyInForce(work, [episode.ruleKey]))) return
  await requestNotice(core, work, {
    home,
    kind: 'safety',
    reasonCode: 'safety',
    text: SAFETY_TEXTS[episode.safety],
    sendAfterMs: work.atMs,
    expiresAtMs: work.atMs + SAFETY_NOTICE_MS,
    cause: [episode.episodeId],
  })
}

async function casesOfEpisode(work: Work, episodeId: string): Promise<string[]> {
  const rows = await work.tx
    .selectFrom('case_episodes')
    .select('case_id')
    .where('brand_id', '=', work.brandId)
    .where('episode_id', '=', episodeId)
    .orderBy('case_id')
    .execute()
  return rows.map((row) => row.case_id)
}

async function resolved(
  happen: Happen,
  work: Work,
  effect: Extract<AlertEffect, { kind: 'alert.resolved' }>,
): Promise<void> {
  const { episode, reason } = effect
  await clearTimer(work, 'cool_down', episode.episodeId)
  for (const caseId of await casesOfEpisode(work, episode.episodeId)) {
    const record = await lockCase(work, caseId)
    await work.tx
      .updateTable('case_episodes')
      .set({ resolved_at_ms: work.atMs })
      .where('brand_id', '=', work.brandId)
      .where('case_id', '=', caseId)
      .where('episode_id', '=', episode.episodeId)
      .where('resolved_at_ms', 'is', null)
      .execute()
    if (!record) continue
    if (reason === 'device_removed') {
      await happen(work, [record], 'cancelled', { why: 'the device was removed' })
      continue
    }
    const open = await work.tx
      .selectFrom('case_episodes')
      .select('episode_id')
      .where('brand_id', '=', work.brandId)
      .where('case_id', '=', caseId)
      .where('resolved_at_ms', 'is', null)
      .executeTakeFirst()
    if (!open) await happen(work, [record], 'alerts_resolved', { why: reason })
  }
}

async function escalated(work: Work, effect: Extract<AlertEffect, { kind: 'alert.escalated' }>): Promise<void> {
  for (const caseId of await casesOfEpisode(work, effect.episode.episodeId)) {
    const record = await lockCase(work, caseId)
    if (!record || CASE_STATES_OVER.has(record.state)) continue
    if (SEVERITY_RANK[effect.episode.severity] <= SEVERITY_RANK[record.severity]) continue
    await changeCase(work, record, { severity: effect.episode.severity })
    await recordTransition(work, record, {
      event: 'escalated',
      row: 'T7',
      from: record.state,
      to: record.state,
      by: THE_HUB,
      why: `from ${effect.from} to ${effect.episode.severity}`,
      evidence: effect.evidence,
    })
  }
}

/** C17, C18, C20 and, for a home that did it itself, C7. An answer to an earlier attempt is no answer. */
async function verificationEnded(
  happen: Happen,
  work: Work,
  effect: Extract<AlertEffect, { kind: 'verification.ended' }>,
): Promise<void> {
  const record = await lockCase(work, effect.caseId)
  if (!record) return
  await happen(work, [record], effect.end, {
    why: `${effect.readings} readings`,
    evidence: effect.evidence,
    data: { end: effect.end, attempt: effect.attempt },
  })
}
