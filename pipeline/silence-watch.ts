import type { ControlChange } from '#contracts'
import { derivedId } from '#platform'
import { type BrandSilence, type Evaluator, scopeKey } from '#rules'
import { type Database, submitChange } from '#store'

/** Every device is looked at; a tick apart nothing has changed. */
const LOOK_EVERY_MS = 10_000
/** An outage nobody ends is over by itself, like every silence. */
const OUTAGE_MS_MAX = 30 * 86_400_000

/**
 * Sees when a whole home, region or brand falls silent and when it is back, and says so by records of the log, so
 * that every replay knows it at the same place. Asking twice asks once: ids follow from what they are about.
 */
export class SilenceWatch {
  readonly #db: Database
  #lookedAtMs = Number.NEGATIVE_INFINITY
  /** Submitted, and not yet come back by the log. */
  readonly #asked = new Set<string>()

  constructor(db: Database) {
    this.#db = db
  }

  /** Submits what has changed as of `nowMs`, the time of the log. True when there was anything. */
  async submit(evaluator: Pick<Evaluator, 'silence'>, nowMs: number): Promise<boolean> {
    if (nowMs - this.#lookedAtMs < LOOK_EVERY_MS) return false
    this.#lookedAtMs = nowMs
    const wanted = evaluator.silence().flatMap((brand) => changesOf(brand, nowMs))
    const fresh = wanted.filter(({ changeId }) => !this.#asked.has(changeId))
    if (wanted.length === 0) this.#asked.clear()
    if (fresh.length === 0) return false
    await this.#db.asHub(async (tx) => {
      for (const { brandId, changeId, change } of fresh) await submitChange(tx, { brandId, change, changeId, nowMs })
    })
    for (const { changeId } of fresh) this.#asked.add(changeId)
    return true
  }
}

interface Asked {
  brandId: string
  changeId: string
  change: ControlChange
}

/** What begins before what ends, so that nobody is told in between of what only has another name now. */
function changesOf({ brandId, out, known }: BrandSilence, nowMs: number): Asked[] {
  const going = new Set(known.map(({ scope }) => scopeKey(scope)))
  const still = new Set(out.map(({ scope }) => scopeKey(scope)))
  const begins = out
    .filter(({ scope }) => !going.has(scopeKey(scope)))
    .map(({ scope, devices, silent, sinceMs }): Asked => {
      const silenceId = derivedId('sil', brandId, scopeKey(scope), sinceMs)
      const untilMs = nowMs + OUTAGE_MS_MAX
      const seen = { devices, silent, sinceMs }
      const change: ControlChange = { type: 'silence.started', silenceId, scope, kind: 'outage', untilMs, seen }
      return { brandId, changeId: derivedId('chg', 'silence.started', silenceId), change }
    })
  const ends = known
    .filter(({ scope }) => !still.has(scopeKey(scope)))
    .map(({ silenceId }): Asked => {
      const change: ControlChange = { type: 'silence.ended', silenceId }
      return { brandId, changeId: derivedId('chg', 'silence.ended', silenceId), change }
    })
  return [...begins, ...ends]
}
