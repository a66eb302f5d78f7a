import { instant } from '#contracts'
import { derivedId } from '#platform'
import { submitChange } from '#store'
import { caseFacts } from '../../facts.ts'
import { changeOrder } from '../../orders/order-record.ts'
import { type Telling, tellBrand, tellPartner } from '../../outgoing.ts'
import { MUTED_MS_MAX, OBJECTION_MS, SELF_SERVICE_MS } from '../../policy.ts'
import { clearTimer, setTimer } from '../../timers.ts'
import type { CaseBehaviour, Move } from '../case-driver.ts'
import { type CaseRecord, changeCase, ruleKeysOf } from '../case-record.ts'
import { judgeRules } from '../judge-rules.ts'
import { saidOf } from './order-item.ts'

/** What a transition tells the rules through the log: resets, outcomes, and what to watch for. */
export const signalEffects: Pick<
  CaseBehaviour['effects'],
  | 'watchSignal'
  | 'watchAgain'
  | 'stopWatching'
  | 'resetComponent'
  | 'recordOutcome'
  | 'startVerification'
  | 'tellVerdict'
  | 'muteDevice'
  | 'unmuteDevice'
> = {
  async watchSignal(move) {
    for (const record of move.cases) {
      await changeCase(move.work, record, { self_services: record.self_services + 1 })
      await watch(move, record, false)
      await setTimer(move.work, 'self_service', record.case_id, move.work.atMs + SELF_SERVICE_MS)
    }
  },

  async watchAgain(move) {
    for (const record of move.cases) {
      // Where nothing tells a recovery the answer comes at once, whenever it is asked for: it waits for its time.
      const { product } = await caseFacts(move.work, record)
      const seen = product?.components?.some((one) => one.key === record.component && one.recovery !== undefined)
      if (seen) await watch(move, record, false)
    }
  },

  async stopWatching(move) {
    for (const record of move.cases) {
      await clearTimer(move.work, 'self_service', record.case_id)
      await clearTimer(move.work, 'verification', record.case_id)
      // An end that came from the evaluator needs no cancelling; one by the clock does.
      if (move.data.end !== undefined && move.by.id !== 'timer' && move.event !== 'device_gone') continue
      await change(move, `stop watching ${record.attempts}`, record, {
        type: 'verification.cancelled',
        caseId: record.case_id,
        deviceId: record.device_id,
        component: record.component,
      })
    }
  },

  async resetComponent(move) {
    for (const record of move.cases) {
      const bySelf = record.work_order_id === null || move.data.outcome === undefined
      const said = await saidOf(move, record)
      if (!bySelf && (said?.partsUsed?.length ?? 0) === 0) continue
      await change(move, `reset ${record.orders} ${record.attempts}`, record, {
        type: 'component.reset',
        deviceId: record.device_id,
        component: record.component,
        atMs: move.work.atMs,
        source: bySelf ? 'homeowner' : 'technician',
        caseId: record.case_id,
      })
    }
  },

  async recordOutcome(move) {
    for (const record of move.cases) {
      const said = await saidOf(move, record)
      if (!said) continue
      await change(move, `outcome ${record.orders}`, record, {
        type: 'technician.outcome',
        caseId: record.case_id,
        deviceId: record.device_id,
        component: record.component,
        verdict: said.verdict,
        cause: said.cause ?? null,
        ruleKeys: await ruleKeysOf(move.work, record),
        atMs: move.work.atMs,
      })
      await judgeRules(move.core, move.work, record)
    }
  },

  async startVerification(move) {
    for (const record of move.cases) {
      const said = await saidOf(move, record)
      await watch(move, record, (said?.partsUsed?.length ?? 0) > 0)
      await setTimer(move.work, 'verification', record.case_id, move.work.atMs + move.core.policy.verificationMs)
    }
  },

  /** C13: while somebody works on it, what the device says of itself is kept from people, not from the state. */
  async muteDevice(move) {
    for (const record of oneOfEachDevice(move.cases)) {
      await change(move, `mute ${record.orders} ${record.events}`, record, {
        type: 'silence.started',
        silenceId: muteId(record),
        scope: { deviceId: record.device_id },
        kind: 'service',
        untilMs: move.work.atMs + MUTED_MS_MAX,
      })
    }
  },

  async unmuteDevice(move) {
    for (const record of oneOfEachDevice(move.cases)) {
      await change(move, `unmute ${record.orders} ${record.events}`, record, {
        type: 'silence.ended',
        silenceId: muteId(record),
      })
    }
  },

  /** Brand and partner learn how the repair turned out; the item keeps it for the appliance's history. */
  async tellVerdict(move) {
    const { core, work, data } = move
    const end = data.end
    for (const record of move.cases) {
      if (end === undefined || end === 'no_fault_found' || record.work_order_id === null) continue
      const order = await work.tx
        .selectFrom('work_orders')
        .select(['partner_key', 'number'])
        .where('brand_id', '=', work.brandId)
        .where('work_order_id', '=', record.work_order_id)
        .executeTakeFirst()
      await work.tx
        .updateTable('order_items')
        .set({ verified: end, verified_at_ms: work.atMs })
        .where('brand_id', '=', work.brandId)
        .where('work_order_id', '=', record.work_order_id)
        .where('case_id', '=', record.case_id)
        .execute()
      if (!order) continue
      const telling: Telling = {
        type: `work_order.${end}`,
        subject: record.work_order_id,
        cause: [record.case_id, record.attempts],
        data: {
          workOrderId: record.work_order_id,
          number: order.number,
          caseId: record.case_id,
          component: record.component,
          attempt: record.attempts,
          objectUntil: end === 'verified' ? null : instant(work.atMs + OBJECTION_MS),
        },
      }
      await changeOrder(work, record.work_order_id, {})
      await tellPartner(work, order.partner_key, telling)
      await tellBrand(core, work, telling)
    }
  },
}

/** Named by order and device: several needs of one device are one visit to it. */
function muteId(record: CaseRecord): string {
  return derivedId('chg', 'mute', record.work_order_id ?? record.case_id, record.device_id)
}

function oneOfEachDevice(cases: readonly CaseRecord[]): CaseRecord[] {
  return [...new Map(cases.map((record) => [record.device_id, record])).values()]
}

/** Starts the evaluator's watch over the component's recovery condition. */
async function watch(move: Move, record: CaseRecord, partReplaced: boolean): Promise<void> {
  const attempt = record.attempts + 1
  await changeCase(move.work, record, { attempts: attempt })
  await change(move, `watch ${attempt}`, record, {
    type: 'verification.started',
    caseId: record.case_id,
    deviceId: record.device_id,
    component: record.component,
    attempt,
    repairedAtMs: move.work.atMs,
    partReplaced,
    ...(partReplaced ? { before: levelsOf(record) } : {}),
  })
}

/** Latest readings of the evidence whose mean stands for where a metric was: one alone may be an outlier. */
const LEVEL_POINTS = 12

/** Where the signal stood when the need was found, by metric. */
function levelsOf(record: CaseRecord): Record<string, number> {
  const levels: Record<string, number> = {}
  for (const { metric: compared, value, series, forecast } of record.evidence) {
    // A forecast compares days; what was measured is the metric it is about.
    const metric = forecast?.metric ?? compared
    const points = series.slice(-LEVEL_POINTS).map(([, point]) => point)
    if (points.length > 0) levels[metric] = points.reduce((sum, point) => sum + point, 0) / points.length
    else if (typeof value === 'number' && !forecast) levels[metric] = value
  }
  return levels
}

async function change(
  move: Move,
  cause: string,
  record: CaseRecord,
  controlChange: Parameters<typeof submitChange>[1]['change'],
): Promise<void> {
  move.work.control = true
  await submitChange(move.work.tx, {
    brandId: move.work.brandId,
    change: controlChange,
    changeId: derivedId('chg', record.case_id, controlChange.type, cause),
    nowMs: move.work.atMs,
  })
}
