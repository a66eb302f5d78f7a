import type { LogReader } from '#contracts'
import { assertPosition } from '#ingest'
import { type Database, readPosition, writePosition } from '#store'

/** Where a consumer stands, and the token that says it is the one in charge. */
export interface ClaimedPosition {
  stateSeq: number
  effectsSeq: number
  token: number
}

/**
 * Takes charge of a consumer's position: whoever held it before can commit no more (`FENCED`).
 * @throws HubError `LOG_MISMATCH` for a position of another log or beyond its end, `LOG_GAP` when
 * records it needs are gone.
 */
export async function claimPosition(
  db: Database,
  options: { consumer: string; reader: LogReader; nowMs: number },
): Promise<ClaimedPosition> {
  const { consumer, reader, nowMs } = options
  return db.asHub(async (tx) => {
    const stored = await readPosition(tx, { consumer })
    const token = (stored?.fencingToken ?? 0) + 1
    const { logId, stateSeq, effectsSeq } = stored ?? { logId: reader.logId, stateSeq: 0, effectsSeq: 0 }
    assertPosition(reader, { logId, seq: stateSeq }, consumer)
    assertPosition(reader, { logId, seq: effectsSeq }, consumer)
    await writePosition(tx, { consumer, logId, fencingToken: token, nowMs })
    return { stateSeq, effectsSeq, token }
  })
}
