import { CASE_STATES_OVER, type Text, WHOLE_DEVICE } from '#contracts'
import { derivedId } from '#platform'
import type { Happen } from '../cases/case-driver.ts'
import { type CaseRecord, changeCase, recordTransition } from '../cases/case-record.ts'
import { addEpisode, insertCase, tellOpened } from '../cases/open-case.ts'
import { flagReview } from '../cases/review.ts'
import { beginSettling } from '../cases/settling.ts'
import type { Core, Work } from '../core.ts'
import { REWORK_MS } from '../policy.ts'
import { setTimer } from '../timers.ts'
import type { ReportInput } from './fault-report.ts'

/** What is told, and what the product makes of it. */
export interface ReportedNeed extends ReportInput {
  reportId: string
  symptomName: Text | null
}

/** The need this report is about: one that is open, a repair that did not hold, an alert not yet asked about, or a new one. */
export async function needOf(
  core: Core,
  happen: Happen,
  work: Work,
  need: ReportedNeed,
): Promise<{ record: CaseRecord; joined: boolean }> {
  const live = await liveCase(work, need)
  if (live) {
    await joinReport(core, happen, work, live, need)
    return { record: live, joined: true }
  }
  const failed = await repairThatFailed(work, need)
  if (failed) {
    const why = `reported again by ${need.channel}`
    const { kind } = await happen(work, [failed], 'still_broken', { by: need.by, why, data: { end: 'not_fixed' } })
    if (kind === 'moved') {
      await changeCase(work, failed, { wanted: true })
      return { record: failed, joined: true }
    }
  }
  return { record: await openReported(core, work, need), joined: false }
}

async function liveCase(work: Work, { device, component }: ReportedNeed): Promise<CaseRecord | null> {
  const cases = await work.tx
    .selectFrom('cases')
    .selectAll()
    .where('brand_id', '=', work.brandId)
    .where('device_id', '=', device.device_id)
    .where('state', 'not in', [...CASE_STATES_OVER])
    .where((eb) => (device.home_id === null ? eb('home_id', 'is', null) : eb('home_id', '=', device.home_id)))
    .orderBy('opened_at_ms', 'desc')
    .orderBy('case_id')
    .forUpdate()
    .execute()
  const of = (key: string): CaseRecord | undefined => cases.find((record) => record.component === key)
  if (component !== null) return of(component) ?? of(WHOLE_DEVICE) ?? null
  const worst = (['critical', 'warning', 'info'] as const).flatMap((severity) =>
    cases.filter((record) => record.severity === severity),
  )
  return of(WHOLE_DEVICE) ?? worst[0] ?? null
}

/** A repair of this very component that ended not long ago, in the same home: the same case, as rework. */
async function repairThatFailed(work: Work, { device, component }: ReportedNeed): Promise<CaseRecord | null> {
  if (component === null || device.home_id === null) return null
  const row = await work.tx
    .selectFrom('cases')
    .selectAll()
    .where('brand_id', '=', work.brandId)
    .where('device_id', '=', device.device_id)
    .where('component', '=', component)
    .where('home_id', '=', device.home_id)
    .orderBy('opened_at_ms', 'desc')
    .orderBy('case_id', 'desc')
    .limit(1)
    .forUpdate()
    .executeTakeFirst()
  const lately = row?.state === 'closed' && (row.closed_at_ms ?? 0) > work.atMs - REWORK_MS
  return lately && row.work_order_id !== null ? row : null
}

/** What a report does to a need that is already open: it is asked about sooner, and a person stands behind it. */
async function joinReport(
  core: Core,
  happen: Happen,
  work: Work,
  record: CaseRecord,
  need: ReportedNeed,
): Promise<void> {
  await recordTransition(work, record, {
    event: 'joined',
    row: 'C2',
    from: record.state,
    to: record.state,
    by: need.by,
    why: `reported by ${need.channel}`,
    evidence: { report: need.reportId, symptom: need.symptom },
  })
  await changeCase(work, record, { wanted: true, ...(record.dispatch === 'notify' ? { dispatch: 'offer' } : {}) })
  switch (record.state) {
    case 'held':
      // A home that notices it too is no false alarm: it goes on alone.
      await happen(work, [record], 'storm_released', { by: need.by, why: 'the home reports it' })
      return
    case 'open':
      return setTimer(work, 'settle', record.case_id, work.atMs, null, record.opened_at_ms)
    case 'snoozed':
      if (record.offer_id !== null) await setTimer(work, 'snooze', record.offer_id, work.atMs)
      return
    case 'verifying':
      // Only a word about this very component speaks against its repair; anything else a person reads.
      if (need.component === record.component)
        await happen(work, [record], 'still_broken', {
          by: need.by,
          why: 'the home reports it',
          data: { end: 'not_fixed' },
        })
      else await flagReview(core, work, record, 'a fault was reported while its repair is being proven')
      return
    case 'offered':
      return
    default:
      await flagReview(core, work, record, 'a fault was reported while an order is out')
  }
}

/** C2: a need of its own, with the worst alert that is open behind it where there is one. */
async function openReported(core: Core, work: Work, need: ReportedNeed): Promise<CaseRecord> {
  const { device, component } = need
  const alerts = await work.tx
    .selectFrom('alerts')
    .selectAll()
    .where('brand_id', '=', work.brandId)
    .where('device_id', '=', device.device_id)
    .where('mode', '=', 'active')
    .where('state', '<>', 'resolved')
    .where('silent', '=', false)
    .orderBy('opened_at_ms', 'desc')
    .orderBy('episode_id')
    .execute()
  const ofComponent = alerts.filter((alert) => component === null || alert.component === component)
  const alert = (['critical', 'warning', 'info'] as const)
    .flatMap((severity) => ofComponent.filter((one) => one.severity === severity))
    .find((one) => /^[a-zA-Z]/.test(one.component))
  const place = component ?? alert?.component ?? WHOLE_DEVICE
  const record = await insertCase(work, {
    caseId: derivedId('case', need.reportId),
    deviceId: device.device_id,
    component: place,
    device,
    source: 'reported',
    severity: (alert?.severity as CaseRecord['severity'] | undefined) ?? 'warning',
    safety: alert?.safety ?? null,
    dispatch: 'offer',
    rule: alert ? { key: alert.rule_key, version: alert.rule_version } : null,
    beganWith: need.reportId,
    evidence: alert?.evidence ?? [],
    cause: { code: need.symptom ?? 'reported', text: need.symptomName ?? REPORTED },
  })
  await tellOpened(core, work, record, {
    row: 'C2',
    by: need.by,
    why: `reported by ${need.channel}`,
    evidence: { report: need.reportId, symptom: need.symptom },
  })
  if (alert) await addEpisode(work, record, { episodeId: alert.episode_id, ruleKey: alert.rule_key })
  await beginSettling(core, work, record)
  return record
}

const REPORTED: Text = { en: 'You reported a fault', 'zh-CN': '您反映了故障' }
