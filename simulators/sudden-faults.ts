import { instant, WHOLE_DEVICE } from '#contracts'
import type { Random } from '#platform'
import type { Replacement } from './actors/world.ts'
import type { TruthSink } from './fleet/truth.ts'
import type { PlannedDevice } from './neighbourhood.ts'

const YEAR_MS = 365.25 * 86_400_000

/** Faults that no sensor sees coming: a board dies, a hose bursts. Somebody notices, or nobody knows. */
export class SuddenFaults {
  readonly #options: { devices: readonly PlannedDevice[]; perYear: number; random: Random; truth: TruthSink }
  readonly #broken = new Set<string>()
  #lastMs: number | null = null

  constructor(options: { devices: readonly PlannedDevice[]; perYear: number; random: Random; truth: TruthSink }) {
    this.#options = options
  }

  /** Lives until `nowMs`. */
  step(nowMs: number): void {
    const { devices, perYear, random, truth } = this.#options
    const years = this.#lastMs === null ? 0 : (nowMs - this.#lastMs) / YEAR_MS
    this.#lastMs = nowMs
    if (perYear === 0 || years <= 0) return
    const chance = 1 - Math.exp(-perYear * years)
    for (const { serial, category } of devices) {
      if (!random.chance(chance) || this.#broken.has(serial)) continue
      this.#broken.add(serial)
      truth.write({ at: instant(nowMs), serial, category, component: WHOLE_DEVICE, kind: 'failed', wear: 1 })
    }
  }

  /** `null` for a component that wears and is measured. */
  wear(serial: string, component: string): number | null {
    if (component !== WHOLE_DEVICE) return null
    return this.#broken.has(serial) ? 1 : 0
  }

  /** False when this is about a component that wears. */
  repair(serial: string, component: string, { atMs, by }: Replacement): boolean {
    if (component !== WHOLE_DEVICE) return false
    const device = this.#options.devices.find((it) => it.serial === serial)
    if (this.#broken.delete(serial) && device)
      this.#options.truth.write({
        at: instant(atMs),
        serial,
        category: device.category,
        component,
        kind: 'replaced',
        by,
        wearBefore: 1,
      })
    return true
  }
}
