import type { ControlChange, LogReader } from '#contracts'
import type { ControlAppender } from '#pipeline'
import { type Clock, isHubError, type Logger } from '#platform'
import { EVALUATOR_VERSION } from '#rules'
import { type Database, readFact, submitChange, writeFact } from '#store'

/** What state is a function of, besides the log and the rules. */
interface Versions {
  evaluatorVersion: number
  timeZoneData: string
}

/** The log has its own thread and takes it at once; longer means that it takes nothing now. */
const APPENDED_WITHIN_MS = 10_000

function present(): Versions {
  return { evaluatorVersion: EVALUATOR_VERSION, timeZoneData: process.versions.tz ?? process.versions.icu ?? 'unknown' }
}

/**
 * Tells the log that the hub is back and since when it was gone, and what it now decides with
 * (T17). Before the first reading, so that silence during the absence is nobody's fault.
 */
export async function announceStart(parts: {
  db: Database
  reader: LogReader
  appender: ControlAppender
  clock: Clock
  logger: Logger
}): Promise<void> {
  const { db, reader, appender, clock, logger } = parts
  const versions = present()
  const nowMs = clock.nowMs()
  const lastMs = lastRecordMs(reader)
  const changeIds = await db.asHub(async (tx) => {
    const before = await readFact<Versions>(tx, 'versions')
    const changes: ControlChange[] = []
    if (before?.evaluatorVersion !== versions.evaluatorVersion || before.timeZoneData !== versions.timeZoneData)
      changes.push({ type: 'hub.upgraded', ...versions })
    if (lastMs !== null) changes.push({ type: 'hub.resumed', downSinceMs: lastMs })
    await writeFact(tx, 'versions', versions, nowMs)
    const ids: string[] = []
    for (const change of changes) ids.push(await submitChange(tx, { brandId: null, change, nowMs }))
    return ids
  })
  for (const changeId of changeIds)
    await appender.appended(changeId, APPENDED_WITHIN_MS).catch((error) => {
      if (!isHubError(error, 'CONTROL_LOG_BEHIND')) throw error
      logger.warn(
        { changeId },
        'the log does not yet know that the hub is back; it is told as soon as it takes records',
      )
    })
}

function lastRecordMs(reader: LogReader): number | null {
  const head = reader.headSeq()
  return head === 0 ? null : (reader.read(head - 1, { records: 1 })[0]?.receivedAtMs ?? null)
}
