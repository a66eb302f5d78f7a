import type { ReadingsRecord } from '#contracts'
import { createDuplicateFilter, type DuplicateFilter } from '#models'

/** About 300 MB at the worst; a device forgotten here is at most recorded twice, and read once. */
const DEVICES_MAX = 200_000

/** The filter that rules use too, for every device; beyond the bound the ones known longest are forgotten. */
export class RepetitionFilter {
  readonly #filters = new Map<string, DuplicateFilter>()

  /** False for a reading that its device sent before. */
  isNew(record: ReadingsRecord): boolean {
    let filter = this.#filters.get(record.deviceId)
    if (filter === undefined) {
      filter = createDuplicateFilter()
      if (this.#filters.size >= DEVICES_MAX) this.#filters.delete(this.#filters.keys().next().value!)
      this.#filters.set(record.deviceId, filter)
    }
    return filter.check(record) !== 'duplicate'
  }
}
