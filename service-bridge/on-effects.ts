import { type AlertEffect, CASE_STATES_OVER, type Episode } from '#contracts'
import type { Tx } from '#store'
import { isNew } from './cases/acted-upon.ts'
import type { Happen } from './cases/case-driver.ts'
import { changeCase, lockCase, recordTransition } from './cases/case-record.ts'
import { partFromDevice } from './cases/gone-device.ts'
import { hurry, openOrJoin } from './cases/open-case.ts'
import { isWorse } from './cases/severity.ts'
import { beginWork, type Core, note, THE_HUB, type Work } from './core.ts'
import { tellBrand } from './outgoing.ts'
import { clearTimer } from './timers.ts'

type Opening = Extract<AlertEffect, { kind: 'alert.firing' | 'alert.current' }>
type Episodic = Extract<AlertEffect, { episode: Episode }>

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
  if (effect.kind === 'alert.firing' || effect.kind === 'alert.current') return opened(core, happen, work, effect)
  if (await isHistory(work, effect.episode)) return
  // An escalation that is to be kept quiet counts in the case all the same.
  if (!(effect.kind === 'alert.escalated' && effect.silent)) await tellAlert(core, work, effect)
  if (effect.kind === 'alert.resolved') return resolved(core, happen, work, effect)
  if (effect.kind === 'alert.escalated') return escalated(core, happen, work, effect)
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

async function opened(core: Core, happen: Happen, work: Work, effect: Opening): Promise<void> {
  await tellAlert(core, work, effect)
  // A silent device is told of; there is nothing to repair until it speaks.
  if (effect.episode.subject === 'silence') return
  await openOrJoin(core, work, effect.episode, effect.evidence, happen)
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
  core: Core,
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
      await partFromDevice(core, happen, work, record)
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

/** A live need grows with its alert; one that was left in peace, or is over, opens again (C1). */
async function escalated(
  core: Core,
  happen: Happen,
  work: Work,
  effect: Extract<AlertEffect, { kind: 'alert.escalated' }>,
): Promise<void> {
  let live = false
  for (const caseId of await casesOfEpisode(work, effect.episode.episodeId)) {
    const record = await lockCase(work, caseId)
    if (!record || CASE_STATES_OVER.has(record.state)) continue
    live = true
    if (!isWorse(effect.episode.severity, record.severity)) continue
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
    await hurry(core, work, record)
  }
  if (live || effect.silent || effect.episode.subject === 'silence') return
  await openOrJoin(core, work, effect.episode, effect.evidence, happen)
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
