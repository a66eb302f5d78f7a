import type { PartReadiness } from '#api'
import type { TelemetryLog } from '#contracts'
import { type Clock, isHubError, realClock, toError } from '#platform'
import type { Database } from '#store'
import type { RecordPart } from './parts/record-part.ts'
import type { RulesPart } from './parts/rules-part.ts'

/** Two minutes of a busy hub; beyond it alerts are noticeably late. */
const RULES_LAG_MAX = 1_000_000

/** The machine's clock may be set right by this, as a device's may be ahead; more was a mistake, then or now. */
const CLOCK_BEHIND_MS_MAX = 600_000

/** Supervisors give a probe a second or a few; one that gets no answer learns nothing of what is wrong. */
const ANSWER_MS_MAX = 2_000

export interface ReadinessParts {
  db: Database
  log: TelemetryLog | null
  rules: RulesPart | null
  record: RecordPart | null
  /** Hub time as the machine has it; the log's never goes back. */
  clock: Clock
  stopping(): boolean
}

/** What each part says of itself, with the reason and what to do when it does not do its work. */
export async function readinessOf(parts: ReadinessParts): Promise<PartReadiness[]> {
  const { db, log, rules, record, clock } = parts
  const answers: Promise<PartReadiness>[] = [inTime('database', database(db))]
  if (log) answers.push(Promise.resolve(logReadiness(log)))
  if (log && rules) answers.push(inTime('rules', rulesReadiness(log, rules)))
  if (record) answers.push(inTime('telemetry-history', historyReadiness(record)))
  const found = await Promise.all(answers)
  const behindMs = log ? log.nowMs() - clock.nowMs() : 0
  if (behindMs > CLOCK_BEHIND_MS_MAX) found.push({ part: 'clock', ready: false, reason: clockReason(behindMs) })
  if (parts.stopping()) found.push({ part: 'hub', ready: false, reason: 'The hub is stopping.' })
  return found
}

/** A part that hangs is not ready, and must not keep the others from saying how they are. */
async function inTime(part: string, answer: Promise<PartReadiness>): Promise<PartReadiness> {
  const late = Promise.withResolvers<PartReadiness>()
  const reason = `It has not answered for ${ANSWER_MS_MAX / 1_000} s; it hangs, or is overloaded.`
  using _timer = realClock.setTimeout(() => late.resolve({ part, ready: false, reason }), ANSWER_MS_MAX)
  return await Promise.race([answer, late.promise])
}

function clockReason(behindMs: number): string {
  const minutes = Math.round(behindMs / 60_000)
  return `The machine's clock is ${minutes} minutes behind the newest record: one of the two is wrong. Until it has caught up, holds, offers, retries and expiries wait, and readings are dated by the record's time. Set the clock right; if it was ahead before, restore a backup from before that.`
}

async function database(db: Database): Promise<PartReadiness> {
  try {
    await db.asHub((tx) => tx.selectFrom('hub_facts').select('key').limit(1).execute())
    return { part: 'database', ready: true }
  } catch (thrown) {
    return failed('database', thrown)
  }
}

function logReadiness(log: TelemetryLog): PartReadiness {
  const health = log.health()
  return health.ok
    ? { part: 'telemetry-log', ready: true }
    : { part: 'telemetry-log', ready: false, code: health.code, reason: health.detail }
}

async function rulesReadiness(log: TelemetryLog, rules: RulesPart): Promise<PartReadiness> {
  try {
    const { appliedSeq, failures } = await rules.position()
    if (failures > 0)
      return {
        part: 'rules',
        ready: false,
        code: 'DB_UNAVAILABLE',
        reason: `The database has refused what the rules write ${failures} times in a row: no alert gets out. Readings wait in the log and nothing is lost; look at the database's disk and log.`,
      }
    const lag = log.headSeq() - appliedSeq
    if (lag <= RULES_LAG_MAX) return { part: 'rules', ready: true }
    return { part: 'rules', ready: false, reason: `Rules are ${lag} records behind the log; alerts are late.` }
  } catch (thrown) {
    return failed('rules', thrown)
  }
}

async function historyReadiness(record: RecordPart): Promise<PartReadiness> {
  try {
    const { failures } = await record.status()
    if (failures === 0) return { part: 'telemetry-history', ready: true }
    return {
      part: 'telemetry-history',
      ready: false,
      code: 'HISTORY_UNAVAILABLE',
      reason: `The store has refused ${failures} times in a row; readings wait in the log and nothing is lost.`,
    }
  } catch (thrown) {
    return failed('telemetry-history', thrown)
  }
}

function failed(part: string, thrown: unknown): PartReadiness {
  const error = toError(thrown)
  return { part, ready: false, ...(isHubError(error) ? { code: error.code } : {}), reason: error.message }
}
