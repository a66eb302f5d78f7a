import type { Selectable } from 'kysely'
import { Type } from 'typebox'
import {
  Comparison,
  type Evidence,
  type EvidenceForecast,
  Instant,
  instant,
  Key,
  SafetyKind,
  Severity,
  sealedAs,
  Text,
} from '#contracts'
import { derivedId, HubError, type SecretBox } from '#platform'
import type { AlertsTable, Tx } from '#store'
import { requireDevice } from '../devices.ts'
import { AUTHOR, VIEWER } from '../http/access.ts'
import { commit } from '../http/commit.ts'
import { listPage, PageOf, PageQuery } from '../http/paging.ts'
import { read } from '../http/read.ts'
import { Closed, Nullable, PathName, Time } from '../http/schemas.ts'
import { msOf } from '../http/times.ts'
import type { Routes } from './routes.ts'

/** Silences end within a month, or they would be forgotten ones. */
const SNOOZE_MS_MAX = 30 * 86_400_000

/** Of a condition that looks ahead: 8 in 10 lie between p10 and p90. */
const Forecast = Closed({
  metric: Type.String(),
  reaches: Type.Number(),
  unit: Type.String(),
  p10: Time,
  p50: Time,
  p90: Nullable(Time),
  model: Type.String({ description: 'what it rests on, with its version' }),
  outOfDistribution: Type.Boolean({ description: 'unlike what its fleet has shown: the range is wider for it' }),
  factors: Type.Array(Text, { description: 'what is behind it, in words a technician can check' }),
})
const State = Type.Enum(['firing', 'recovering', 'cleared-latched', 'resolved'])
const Alert = Closed({
  id: Type.String(),
  rule: Closed({ key: Key, version: Type.Integer() }),
  device: Type.String(),
  component: Type.String(),
  mode: Type.Enum(['active', 'shadow']),
  severity: Severity,
  safety: Nullable(SafetyKind),
  state: State,
  startedAt: Time,
  openedAt: Time,
  resolvedAt: Nullable(Time),
  reason: Nullable(Type.String()),
  silent: Type.Boolean({ description: 'opened while the device was catching up: history only' }),
  revised: Type.Boolean(),
  reopened: Type.Integer(),
  peak: Nullable(Type.Number()),
  evidence: Type.Array(
    Closed({
      metric: Type.String(),
      value: Nullable(Type.Union([Type.Number(), Type.Boolean(), Type.String()])),
      op: Comparison,
      limit: Nullable(Type.Number()),
      unit: Type.String(),
      since: Time,
      series: Type.Array(Type.Tuple([Time, Type.Number()])),
      forecast: Type.Optional(Forecast),
    }),
  ),
  acknowledgedAt: Nullable(Time),
  acknowledgedBy: Nullable(Type.String()),
  snoozedUntil: Nullable(Time),
  dismissedBy: Nullable(Type.String()),
  dismissedReason: Nullable(Type.String()),
})
const Transition = Closed({ at: Time, kind: Type.String(), seq: Type.Integer(), detail: Type.Unknown() })
const params = Closed({ alert: PathName })
const tags = ['alerts']

type AlertRow = Selectable<AlertsTable>

function alertOfRow(box: SecretBox, row: AlertRow) {
  const at = (ms: number | null): string | null => (ms === null ? null : instant(ms))
  return {
    id: row.episode_id,
    rule: { key: row.rule_key, version: row.rule_version },
    device: row.device_id,
    component: row.component,
    mode: row.mode,
    severity: row.severity,
    safety: row.safety,
    state: row.state,
    startedAt: instant(row.started_at_ms),
    openedAt: instant(row.opened_at_ms),
    resolvedAt: at(row.resolved_at_ms),
    reason: row.reason,
    silent: row.silent,
    revised: row.revised,
    reopened: row.reopened,
    peak: row.peak,
    evidence: row.evidence.map(shownEvidence),
    acknowledgedAt: at(row.acknowledged_at_ms),
    acknowledgedBy: row.acknowledged_by,
    snoozedUntil: at(row.snoozed_until_ms),
    dismissedBy: row.dismissed_by,
    dismissedReason: row.dismissed_words_sealed
      ? box.open(row.dismissed_words_sealed, sealedAs.dismissWords(row.episode_id))
      : row.dismissed_reason,
  }
}

function shownEvidence({ sinceMs, series, forecast, ...rest }: Evidence) {
  return {
    ...rest,
    since: instant(sinceMs),
    series: series.map(([atMs, value]) => [instant(atMs), value]),
    ...(forecast ? { forecast: shownForecast(forecast) } : {}),
  }
}

function shownForecast({ p10Ms, p50Ms, p90Ms, factors, ...rest }: EvidenceForecast) {
  const p90 = p90Ms === null ? null : instant(p90Ms)
  return { ...rest, p10: instant(p10Ms), p50: instant(p50Ms), p90, factors: [...factors] }
}

/** Episodes of rules on components: seen, silenced, acknowledged, dismissed. */
export const alertRoutes: Routes = async (app, services) => {
  app.get(
    '/api/alerts',
    {
      config: { access: VIEWER },
      schema: {
        summary: 'Alerts, newest first',
        tags,
        querystring: Closed({
          ...PageQuery,
          state: Type.Optional(State),
          open: Type.Optional(Type.Boolean({ description: 'true: not resolved' })),
          device: Type.Optional(Type.String({ maxLength: 64 })),
          rule: Type.Optional(Key),
          component: Type.Optional(Key),
          severity: Type.Optional(Severity),
          mode: Type.Optional(Type.Enum(['active', 'shadow'])),
        }),
        response: { 200: PageOf(Alert) },
      },
    },
    (request) =>
      read(services, request, (tx, brandId) => {
        const { state, open, device, rule, component, severity, mode } = request.query
        let query = tx.selectFrom('alerts').selectAll().where('brand_id', '=', brandId)
        if (state !== undefined) query = query.where('state', '=', state)
        if (open !== undefined) query = query.where('state', open ? '<>' : '=', 'resolved')
        if (device !== undefined) query = query.where('device_id', '=', device)
        if (rule !== undefined) query = query.where('rule_key', '=', rule)
        if (component !== undefined) query = query.where('component', '=', component)
        if (severity !== undefined) query = query.where('severity', '=', severity)
        if (mode !== undefined) query = query.where('mode', '=', mode)
        return listPage(query, request.query, { by: ['opened_at_ms', 'episode_id'], direction: 'desc' }, (row) =>
          alertOfRow(services.box, row),
        )
      }),
  )

  app.get(
    '/api/alerts/:alert',
    {
      config: { access: VIEWER },
      schema: {
        summary: 'One alert with everything that happened to it',
        tags,
        params,
        response: { 200: Closed({ ...Alert.properties, transitions: Type.Array(Transition) }) },
      },
    },
    (request) =>
      read(services, request, async (tx, brandId) => {
        const row = await requireAlert(tx, brandId, request.params.alert)
        const transitions = await tx
          .selectFrom('alert_transitions')
          .select(['at_ms', 'kind', 'seq', 'detail'])
          .where('brand_id', '=', brandId)
          .where('episode_id', '=', row.episode_id)
          .orderBy('seq')
          .orderBy('ordinal')
          .limit(1_000)
          .execute()
        return {
          ...alertOfRow(services.box, row),
          transitions: transitions.map(({ at_ms, ...rest }) => ({ at: instant(at_ms), ...rest })),
        }
      }),
  )

  app.post(
    '/api/alerts/:alert/acknowledge',
    {
      config: { access: AUTHOR },
      schema: {
        summary: 'Somebody is looking after it: no more notices; the condition is watched on',
        tags,
        params,
        body: Closed({}),
        response: { 200: Alert },
      },
    },
    (request, reply) =>
      commit(services, request, reply, async ({ tx, brandId, nowMs, principal, change, audit }) => {
        const before = await requireOpen(tx, brandId, request.params.alert)
        if (before.acknowledged_at_ms !== null) return { status: 200, body: alertOfRow(services.box, before) }
        const row = await update(tx, before, {
          acknowledged_at_ms: nowMs,
          acknowledged_by: principal.keyId,
          updated_at_ms: nowMs,
        })
        await change({ type: 'alert.acknowledged', episodeId: row.episode_id, deviceId: row.device_id })
        audit('alert.acknowledged', row.episode_id)
        return { status: 200, body: alertOfRow(services.box, row) }
      }),
  )

  app.post(
    '/api/alerts/:alert/snooze',
    {
      config: { access: AUTHOR },
      schema: {
        summary: 'No notices of this rule on this device until a time, at most 30 days ahead',
        tags,
        params,
        body: Closed({ until: Instant }),
        response: { 200: Alert },
      },
    },
    (request, reply) => {
      const untilMs = msOf(request.body.until, '/until')
      return commit(services, request, reply, async ({ tx, brandId, nowMs, change, audit }) => {
        if (untilMs <= nowMs || untilMs > nowMs + SNOOZE_MS_MAX) {
          throw new HubError('VALIDATION_FAILED', 'A snooze ends ahead of now, at most 30 days.', { pointer: '/until' })
        }
        const before = await requireOpen(tx, brandId, request.params.alert)
        const row = await update(tx, before, { snoozed_until_ms: untilMs, updated_at_ms: nowMs })
        await change({
          type: 'silence.started',
          silenceId: derivedId('chg', 'snooze', row.episode_id, nowMs),
          scope: { deviceId: row.device_id, ruleKey: row.rule_key },
          kind: 'silence',
          untilMs,
        })
        audit('alert.snoozed', row.episode_id, { until: instant(untilMs) })
        return { status: 200, body: alertOfRow(services.box, row) }
      })
    },
  )

  app.post(
    '/api/alerts/:alert/dismiss',
    {
      config: { access: AUTHOR },
      schema: {
        summary: 'End it with a reason; besides service the only way out of a latched alert',
        tags,
        params,
        body: Closed({ reason: Type.String({ minLength: 1, maxLength: 200 }) }),
        response: { 200: Alert },
      },
    },
    (request, reply) =>
      commit(services, request, reply, async ({ tx, brandId, nowMs, principal, change, audit }) => {
        const before = await requireOpen(tx, brandId, request.params.alert)
        const { reason } = request.body
        const { home_id: home } = await requireDevice(tx, brandId, before.device_id)
        const row = await update(tx, before, {
          dismissed_by: principal.keyId,
          dismissed_words_sealed: services.box.seal(reason, sealedAs.dismissWords(before.episode_id)),
          home_id: home,
          updated_at_ms: nowMs,
        })
        await change({ type: 'alert.dismissed', episodeId: row.episode_id, deviceId: row.device_id })
        // Why stands with the alert, where an erasure reaches it.
        audit('alert.dismissed', row.episode_id)
        return { status: 200, body: alertOfRow(services.box, row) }
      }),
  )
}

async function requireAlert(tx: Tx, brandId: string, episodeId: string): Promise<AlertRow> {
  const row = await tx
    .selectFrom('alerts')
    .selectAll()
    .where('brand_id', '=', brandId)
    .where('episode_id', '=', episodeId)
    .executeTakeFirst()
  if (!row) throw new HubError('NOT_FOUND', 'There is no such alert.')
  return row
}

async function requireOpen(tx: Tx, brandId: string, episodeId: string): Promise<AlertRow> {
  const row = await requireAlert(tx, brandId, episodeId)
  if (row.state === 'resolved') {
    throw new HubError('STATE_FORBIDS', `The alert resolved at ${instant(row.resolved_at_ms ?? 0)}.`)
  }
  return row
}

function update(
  tx: Tx,
  { brand_id, episode_id }: AlertRow,
  set: Partial<AlertRow> & { evidence?: never },
): Promise<AlertRow> {
  return tx
    .updateTable('alerts')
    .set(set)
    .where('brand_id', '=', brand_id)
    .where('episode_id', '=', episode_id)
    .returningAll()
    .executeTakeFirstOrThrow()
}
