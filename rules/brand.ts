import type { RuleDocument, RuleMode } from '#contracts'
import type { Device } from './device.ts'
import type { FittedLife } from './fitted-lives.ts'
import { inhibitionRanks } from './inhibition.ts'
import { MaintenanceWindows } from './maintenance.ts'
import type { ParameterSetting } from './parameters.ts'
import type { ProductLayout } from './product-layout.ts'
import type { Silence } from './silences.ts'
import { boundaryAtOrAfter } from './tick-timers.ts'
import type { Turn } from './turn.ts'

/** One version of a rule with how widely it applies. */
export interface RuleVersion {
  document: RuleDocument
  version: number
  mode: RuleMode
  canaryShare: number
  activation: string
}

/** A rule of a brand: the version that decides, and the one getting warm (T19). */
export interface RuleState extends RuleVersion {
  next: (RuleVersion & { activatedAtMs: number }) | null
}

/** Errors of one rule are reported once an hour, or a broken fleet would drown its operator (T12). */
const ERROR_EVERY_MS = 3_600_000

/** Everything of one brand. Nothing here ever reaches another brand's devices (I10). */
export class Brand {
  readonly brandId: string
  readonly products = new Map<string, ProductLayout>()
  readonly rules = new Map<string, RuleState>()
  /** By key, then by scope and id. */
  readonly parameters = new Map<string, Map<string, ParameterSetting>>()
  readonly silences = new Map<string, Silence>()
  readonly windows = new MaintenanceWindows()
  readonly devices = new Map<string, Device>()
  /** Homes that withdrew their consent to be watched. */
  readonly unwatchedHomes = new Set<string>()
  /** Rule key → hub time of its last reported error. */
  readonly errorsAtMs = new Map<string, number>()
  /** Devices that may have an episode nobody was told of. */
  readonly hushed = new Set<Device>()
  /** What the fleet has taught, by product and component. */
  readonly #lives = new Map<string, Map<string, FittedLife>>()
  /** Boundary at which the next silence ends. */
  scheduledMs = Number.POSITIVE_INFINITY

  #ranks: ReadonlyMap<string, number> | null = null

  constructor(brandId: string) {
    this.brandId = brandId
  }

  /** Where a rule stands in the order in which a device's rules are judged: behind those that inhibit it (T23). */
  rankOf(ruleKey: string): number {
    this.#ranks ??= inhibitionRanks(this.rules)
    return this.#ranks.get(ruleKey) ?? 0
  }

  /** To be called when rules changed. Returns whether any rule stands elsewhere now. */
  rankAnew(): boolean {
    const before = this.#ranks ?? new Map()
    this.#ranks = inhibitionRanks(this.rules)
    const keys = new Set([...before.keys(), ...this.#ranks.keys()])
    return [...keys].some((key) => (before.get(key) ?? 0) !== this.rankOf(key))
  }

  get timerKey(): string {
    return this.brandId
  }

  /** The boundary at which the next silence is over, or the next maintenance while anybody is hushed. */
  dueMs(turn: Turn): number {
    let due = Number.POSITIVE_INFINITY
    for (const silence of this.silences.values()) due = Math.min(due, boundaryAtOrAfter(silence.untilMs))
    if (this.hushed.size > 0 && this.windows.byId.size > 0)
      due = Math.min(due, boundaryAtOrAfter(this.windows.nextEndMs(turn.atMs)))
    return due
  }

  modeOf(ruleKey: string): RuleMode {
    return this.rules.get(ruleKey)?.mode ?? 'active'
  }

  /** What the fleet has taught of a product's components; the same map for good, so that devices may hold it. */
  livesOf(productKey: string): Map<string, FittedLife> {
    let lives = this.#lives.get(productKey)
    if (!lives) {
      lives = new Map()
      this.#lives.set(productKey, lives)
    }
    return lives
  }

  /** Of every product and component something is known of. */
  *lifeKeys(): Iterable<[productKey: string, component: string]> {
    for (const [productKey, lives] of this.#lives) for (const component of lives.keys()) yield [productKey, component]
  }

  settings(key: string): Iterable<ParameterSetting> {
    return this.parameters.get(key)?.values() ?? []
  }

  reportError(turn: Turn, ruleKey: string, detail: string): void {
    turn.counters.errors++
    const last = this.errorsAtMs.get(ruleKey)
    if (last !== undefined && turn.atMs - last < ERROR_EVERY_MS) return
    this.errorsAtMs.set(ruleKey, turn.atMs)
    turn.emit({ kind: 'operator.event', brandId: this.brandId, code: 'rule.error', subject: ruleKey, detail })
  }
}
