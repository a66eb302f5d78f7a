import type { ControlChange } from '#contracts'
import { derivedId } from '#platform'
import type { Evaluator, WarmingRule } from '#rules'
import { type Database, submitChange } from '#store'

/**
 * Lets the new version of a changed rule take over once it has seen the samples it needs (T19).
 * The switch is a record of its own, so that every replay switches at the same place; its id
 * follows from what it is, so that asking twice asks once.
 */
export class WarmRules {
  readonly #db: Database
  readonly #asked = new Set<string>()

  constructor(db: Database) {
    this.#db = db
  }

  /** Submits `rule.warmed` for what is ready at `nowMs`, the time of the log. True when there was any. */
  async submitReady(evaluator: Pick<Evaluator, 'warming'>, nowMs: number): Promise<boolean> {
    const warming = evaluator.warming()
    if (warming.length === 0) {
      this.#asked.clear()
      return false
    }
    const ready = warming.filter((rule) => rule.readyAtMs <= nowMs && !this.#asked.has(changeIdOf(rule)))
    if (ready.length === 0) return false
    await this.#db.asHub(async (tx) => {
      for (const rule of ready) {
        const { brandId, ruleKey, version } = rule
        const change: ControlChange = { type: 'rule.warmed', ruleKey, version }
        await submitChange(tx, { brandId, change, changeId: changeIdOf(rule), nowMs })
        await tx
          .updateTable('rule_versions')
          .set({ warmed_at_ms: nowMs })
          .where('brand_id', '=', brandId)
          .where('rule_key', '=', ruleKey)
          .where('version', '=', version)
          .execute()
      }
    })
    for (const rule of ready) this.#asked.add(changeIdOf(rule))
    return true
  }
}

/** With the time, because the same version may be activated, paused and activated again. */
function changeIdOf({ brandId, ruleKey, version, readyAtMs }: WarmingRule): string {
  return derivedId('chg', 'rule.warmed', brandId, ruleKey, version, readyAtMs)
}
