import type {
  AlertEffect,
  AlertState,
  ControlChange,
  DeviceFacts,
  Episode,
  InstanceView,
  LogEntry,
  LogRecord,
  ProductDocument,
  ReadingValue,
  RuleDocument,
} from '#contracts'
import { createEvaluator, type Evaluator } from '../evaluator.ts'
import { TICK_MS } from '../tick-timers.ts'

/** A stretch of time in which an instance stood alike. */
export interface Stretch {
  fromMs: number
  state: AlertState
  /** Why it is inactive, where something said so. */
  reason: string | null
  view: InstanceView
}

/** The brand every test plays in. */
const TEST_BRAND = 'brand_of_the_test'
/** Looks at the instances between two records, at most: beyond it the time line gets coarser, decisions do not. */
const LOOKS_MAX = 20_000

/**
 * A log of one brand being written and the evaluator that reads it: the very one that decides live.
 * After every record it notes how each instance stands, so that a time line can be drawn.
 */
export class Rig {
  readonly startMs: number
  readonly effects: AlertEffect[] = []
  /** By instance: `device rule component`. */
  readonly states = new Map<string, Stretch[]>()
  readonly rules = new Map<string, { document: RuleDocument; version: number }>()
  readonly #lookEveryMs: number
  readonly #kept = new Map<string, string>()
  #evaluator: Evaluator = createEvaluator()
  #seq = 0
  #nowMs: number
  #changes = 0

  constructor(options: { startMs: number; endMs: number }) {
    this.startMs = options.startMs
    this.#nowMs = options.startMs
    const looks = (options.endMs - options.startMs) / TICK_MS
    this.#lookEveryMs = TICK_MS * Math.max(1, Math.ceil(looks / LOOKS_MAX))
  }

  get nowMs(): number {
    return this.#nowMs
  }

  /** Lets time pass up to and with `toMs`, looking at every boundary on the way. */
  passTo(toMs: number): void {
    const first = Math.floor(this.#nowMs / TICK_MS) * TICK_MS + TICK_MS
    for (let atMs = first; atMs <= toMs; atMs += this.#lookEveryMs) this.#append(atMs, { kind: 'tick' })
    if (Math.floor(toMs / TICK_MS) * TICK_MS > this.#nowMs) this.#append(toMs, { kind: 'tick' })
  }

  product(product: ProductDocument): void {
    this.change({ type: 'product.version', version: 1, product })
  }

  device(device: DeviceFacts): void {
    this.change({ type: 'device.added', device })
  }

  change(change: ControlChange): void {
    this.#append(this.#nowMs, { kind: 'control', changeId: `chg_${++this.#changes}`, brandId: TEST_BRAND, change })
  }

  /** Puts a rule in force, or its next version (T19). */
  activate(rule: RuleDocument, mode: 'active' | 'shadow' = 'active', anew = false): void {
    const known = this.rules.get(rule.key)
    const version = known ? known.version + (anew ? 0 : 1) : 1
    this.rules.set(rule.key, { document: rule, version })
    const activation = `act_${rule.key}${anew ? `_${this.#changes}` : ''}`
    this.change({ type: 'rule.activated', rule, version, mode, canaryShare: 1, activation })
  }

  reading(deviceId: string, measuredAtMs: number, values: Record<string, ReadingValue>): void {
    this.#append(this.#nowMs, {
      kind: 'readings',
      brandId: TEST_BRAND,
      deviceId,
      measuredAtMs,
      serverTime: false,
      values,
      delivery: null,
      imported: false,
    })
  }

  /** The hub ends and starts from what it had kept: nothing may come out differently. */
  restart(): void {
    const restarted = createEvaluator()
    restarted.restore([...this.#kept].map(([key, value]) => ({ key, value })))
    this.#evaluator = restarted
  }

  resume(downSinceMs: number): void {
    this.change({ type: 'hub.resumed', downSinceMs })
  }

  openEpisode(deviceId: string, ruleKey: string): string | null {
    return this.#evaluator.views({ deviceId, ruleKey }).find((view) => view.episodeId !== null)?.episodeId ?? null
  }

  #append(atMs: number, entry: LogEntry): void {
    this.#nowMs = Math.max(this.#nowMs, atMs)
    const gaps = this.#evaluator.counters().gaps
    const record: LogRecord = { ...entry, seq: ++this.#seq, receivedAtMs: this.#nowMs }
    const effects = this.#evaluator.apply(record)
    this.effects.push(...effects)
    for (const { key, value } of this.#evaluator.takeDirty())
      if (value === null) this.#kept.delete(key)
      else this.#kept.set(key, value)
    this.#look(effects, this.#evaluator.counters().gaps > gaps)
    for (const { ruleKey, version, readyAtMs } of this.#evaluator.warming())
      if (readyAtMs <= this.#nowMs) this.change({ type: 'rule.warmed', ruleKey, version })
  }

  #look(effects: readonly AlertEffect[], gap: boolean): void {
    const seen = new Set<string>()
    for (const view of this.#evaluator.views()) {
      const key = instanceOf(view)
      seen.add(key)
      const stretches = this.states.get(key) ?? []
      this.states.set(key, stretches)
      const last = stretches.at(-1)
      const reason = reasonOf(key, effects) ?? (gap && last?.state === 'pending' ? 'gap' : null)
      if (!last || isOther(last.view, view) || reason !== null)
        stretches.push({
          fromMs: this.#nowMs,
          state: view.state,
          reason: reason ?? (last?.state === view.state ? last.reason : null),
          view,
        })
    }
    for (const [key, stretches] of this.states)
      if (!seen.has(key) && stretches.at(-1)!.state !== ABSENT)
        stretches.push({ ...stretches.at(-1)!, fromMs: this.#nowMs, state: ABSENT, reason: reasonOf(key, effects) })
  }
}

function isOther(a: InstanceView, b: InstanceView): boolean {
  return a.state !== b.state || a.quality !== b.quality || a.ruleVersion !== b.ruleVersion
}

/** No instance: the rule does not look at the device, or is not in force. */
export const ABSENT = 'absent' as AlertState

export function instanceOf({ deviceId, ruleKey, component }: { deviceId: string; ruleKey: string; component: string }) {
  return `${deviceId} ${ruleKey} ${component}`
}

function reasonOf(instance: string, effects: readonly AlertEffect[]): string | null {
  const end = effects.findLast(
    (effect): effect is Extract<AlertEffect, { kind: 'alert.resolved' }> =>
      effect.kind === 'alert.resolved' && instanceOf(effect.episode as Episode) === instance,
  )
  return end?.reason ?? null
}
