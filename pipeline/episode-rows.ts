import type { Insertable, Updateable } from 'kysely'
import type { AlertEffect, Episode } from '#contracts'
import type { Tables, Tx } from '#store'

type AlertRow = Insertable<Tables['alerts']>
type AlertPatch = Updateable<Tables['alerts']>
type TransitionRow = Insertable<Tables['alert_transitions']>
export type EpisodeEffect = Extract<AlertEffect, { episode: Episode }>

/** What a batch of effects does to the episodes: new rows as they end up, changes of known ones, every step. */
export interface EpisodeChanges {
  opened: AlertRow[]
  changed: { brandId: string; episodeId: string; patch: AlertPatch; reopened: number }[]
  transitions: TransitionRow[]
}

/** Rows per statement: Postgres takes 65,535 parameters. */
const ROWS_PER_INSERT = 1_000

/** The columns an effect sets, whatever the row held before. */
function patchOf(effect: EpisodeEffect): AlertPatch {
  const { episode, atMs, seq } = effect
  switch (effect.kind) {
    case 'alert.firing':
      return { state: 'firing' }
    case 'alert.current':
      return { silent: false, evidence: JSON.stringify(effect.evidence) }
    case 'alert.escalated':
      return { severity: episode.severity, evidence: JSON.stringify(effect.evidence) }
    case 'alert.deescalated':
      return { severity: episode.severity }
    case 'alert.cleared':
      return { state: 'cleared-latched' }
    case 'alert.reopened':
      return { state: 'firing' }
    case 'alert.resolved':
      return { state: 'resolved', resolved_at_ms: atMs, resolved_seq: seq, reason: effect.reason, peak: effect.peak }
    case 'alert.revised':
      return { revised: true, started_at_ms: episode.startedAtMs }
    case 'alert.flapping':
      return {}
  }
}

/** What a reader of the timeline wants to know beside the kind. */
function detailOf(effect: EpisodeEffect): Record<string, unknown> {
  switch (effect.kind) {
    case 'alert.firing':
      return {
        silent: effect.silent,
        hush: effect.hush ?? null,
        severity: effect.episode.severity,
        startedAtMs: effect.episode.startedAtMs,
      }
    case 'alert.escalated':
    case 'alert.deescalated':
      return { from: effect.from, to: effect.episode.severity }
    case 'alert.resolved':
      return { reason: effect.reason, peak: effect.peak }
    case 'alert.revised':
      return { startedAtMs: effect.episode.startedAtMs }
    case 'alert.flapping':
      return { episodesIn24h: effect.episodesIn24h }
    default:
      return {}
  }
}

/** Folds a batch into one change per episode. Pure. */
function episodeChanges(effects: readonly AlertEffect[]): EpisodeChanges {
  const opened = new Map<string, AlertRow>()
  const changed = new Map<string, EpisodeChanges['changed'][number]>()
  const transitions: TransitionRow[] = []
  for (const effect of effects) {
    if (!('episode' in effect)) continue
    const { episode, seq, ordinal, atMs } = effect
    const { brandId, episodeId } = episode
    transitions.push({
      brand_id: brandId,
      episode_id: episodeId,
      seq,
      ordinal,
      kind: effect.kind,
      at_ms: atMs,
      detail: JSON.stringify(detailOf(effect)),
    })
    const row = opened.get(episodeId)
    if (effect.kind === 'alert.firing') opened.set(episodeId, openedRow(effect))
    else if (row) {
      Object.assign(row, patchOf(effect), { updated_at_ms: atMs })
      if (effect.kind === 'alert.reopened') row.reopened = (row.reopened ?? 0) + 1
    } else {
      const change = changed.get(episodeId) ?? { brandId, episodeId, patch: {}, reopened: 0 }
      Object.assign(change.patch, patchOf(effect), { updated_at_ms: atMs })
      if (effect.kind === 'alert.reopened') change.reopened++
      changed.set(episodeId, change)
    }
  }
  return { opened: [...opened.values()], changed: [...changed.values()], transitions }
}

function openedRow(effect: Extract<AlertEffect, { kind: 'alert.firing' }>): AlertRow {
  const { episode } = effect
  return {
    brand_id: episode.brandId,
    episode_id: episode.episodeId,
    rule_key: episode.ruleKey,
    rule_version: episode.ruleVersion,
    device_id: episode.deviceId,
    component: episode.component,
    activation: episode.activation,
    mode: episode.mode,
    severity: episode.severity,
    safety: episode.safety,
    state: 'firing',
    started_at_ms: episode.startedAtMs,
    opened_at_ms: effect.atMs,
    opened_seq: effect.seq,
    opened_ordinal: effect.ordinal,
    silent: effect.silent,
    evidence: JSON.stringify(effect.evidence),
    updated_at_ms: effect.atMs,
  }
}

/** Writes the episodes of a batch of effects; what is there already stays as it is. */
export async function writeEpisodes(tx: Tx, effects: readonly AlertEffect[]): Promise<void> {
  const { opened, changed, transitions } = episodeChanges(effects)
  for (const rows of chunks(opened))
    await tx
      .insertInto('alerts')
      .values(rows)
      .onConflict((conflict) => conflict.doNothing())
      .execute()
  for (const { brandId, episodeId, patch, reopened } of changed)
    await tx
      .updateTable('alerts')
      .set(patch)
      .$if(reopened > 0, (query) => query.set((eb) => ({ reopened: eb('reopened', '+', reopened) })))
      .where('brand_id', '=', brandId)
      .where('episode_id', '=', episodeId)
      .execute()
  for (const rows of chunks(transitions))
    await tx
      .insertInto('alert_transitions')
      .values(rows)
      .onConflict((conflict) => conflict.doNothing())
      .execute()
}

function* chunks<T>(items: T[]): Generator<T[]> {
  for (let i = 0; i < items.length; i += ROWS_PER_INSERT) yield items.slice(i, i + ROWS_PER_INSERT)
}
