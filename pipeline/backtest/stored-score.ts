import type { Tx } from '#store'
import { OutcomeScore } from './against-outcomes.ts'
import type { AgainstOutcomes, Quantiles } from './backtest-result.ts'
import type { NotedEpisode } from './episode-notes.ts'
import { groupBy, knownSpan, readOutcomes } from './fleet.ts'

/** Alerts judged: the newest of a version; more say no more. */
const ALERTS_MAX = 20_000

export interface StoredScore {
  alerts: number
  againstOutcomes: AgainstOutcomes
  leadTimeDays: Quantiles | null
}

/**
 * The alerts a version of a rule really raised, in force or in shadow, against what became of the components: what
 * a rule that touches nobody is scored by.
 */
export async function scoreStored(
  tx: Tx,
  {
    brandId,
    ruleKey,
    version,
    component,
    nowMs,
  }: { brandId: string; ruleKey: string; version: number; component: string; nowMs: number },
): Promise<StoredScore> {
  const rows = await tx
    .selectFrom('alerts')
    .selectAll()
    .where('brand_id', '=', brandId)
    .where('rule_key', '=', ruleKey)
    .where('rule_version', '=', version)
    .where('component', '=', component)
    .orderBy('opened_at_ms', 'desc')
    .limit(ALERTS_MAX)
    .execute()
  const episodes = rows.reverse().map(
    (row): NotedEpisode => ({
      id: row.episode_id,
      ruleKey,
      ruleVersion: version,
      deviceId: row.device_id,
      component: row.component,
      severity: row.severity,
      safety: row.safety !== null,
      silence: false,
      startedAtMs: row.started_at_ms,
      openedAtMs: row.opened_at_ms,
      resolvedAtMs: row.resolved_at_ms,
      reason: row.reason,
      silent: row.silent,
      evidence: [],
    }),
  )
  const known = await knownSpan(tx, brandId)
  const fromMs = episodes[0]?.openedAtMs ?? nowMs
  const score = new OutcomeScore({ component, fromMs, toMs: nowMs, known })
  const byDevice = groupBy(episodes, ({ deviceId }) => deviceId)
  const outcomes = groupBy(await readOutcomes(tx, brandId, [...byDevice.keys()]), ({ deviceId }) => deviceId)
  for (const [deviceId, mine] of byDevice) score.add(mine, outcomes.get(deviceId) ?? [])
  return { alerts: episodes.length, againstOutcomes: score.result(), leadTimeDays: score.leadTimeDays() }
}
