import { createHash } from 'node:crypto'
import type { AlertEffect, ControlRecord, HushScope, InstanceView, LogRecord, QuarantinedRecord } from '#contracts'
import { type CheckpointEntry, type CheckpointParts, HUB_KEY, restoreEntry, saveEntry } from './checkpoint.ts'
import { registryKey } from './checkpoint-keys.ts'
import { noteSkew } from './clock-skew.ts'
import { applyControl } from './control-changes.ts'
import { type Counters, freshCounters } from './counters.ts'
import { Fleet } from './fleet.ts'
import type { ReadingColumns } from './reading-columns.ts'
import { SeenChanges } from './seen-changes.ts'
import { diagnoseSilence, type Heard, type Outage, scopeKey } from './silence-diagnosis.ts'
import { TICK_MS } from './tick-timers.ts'
import { Turn } from './turn.ts'
import { type ViewFilter, viewOf } from './views.ts'
import { warmUpMs } from './warm-up.ts'

/** Raised with any change that could change a decision; stored in checkpoints and told by `hub.upgraded`. */
export const EVALUATOR_VERSION = 7

/** A version of a rule that waits to be warm, and the hub time from which it is. */
export interface WarmingRule {
  brandId: string
  ruleKey: string
  version: number
  readyAtMs: number
}

/** The outages of a brand: as they are, and as they are known. */
export interface BrandSilence {
  brandId: string
  out: Outage[]
  known: { silenceId: string; scope: HushScope }[]
}

/**
 * Decides. Everything it knows came as records of the log; the same records give the same effects
 * and the same state, wherever a restart falls between them.
 */
export interface Evaluator {
  /** Applies the next record and says what should happen. A record at or before `lastSeq` does nothing. */
  apply(record: LogRecord): AlertEffect[]
  /**
   * Applies reading `at` of columns as `apply` does a record of it that was delivered once, without one being made:
   * for a replay of millions. It comes when `receivedAtMs` says, as the record `seq`.
   */
  applyRow(readings: ReadingColumns, at: number, place: { seq: number; serverTime: boolean }): AlertEffect[]
  /** Checkpoint entries changed since the last call: written together, they are the state as of `lastSeq`. */
  takeDirty(): CheckpointEntry[]
  /** Takes state back in, in order of key, in as many calls as wanted, before the first record. */
  restore(entries: readonly { key: string; value: string | null }[]): void
  /** One hash over all state, positions and counters aside: equal states have equal hashes. */
  stateHash(): string
  /** How instances stand, in order of brand, device and rule. */
  views(filter?: ViewFilter): InstanceView[]
  lastSeq(): number
  counters(): Readonly<Counters>
  /**
   * Who is out as of the newest tick, brand by brand, and what goes on as an outage already: whoever owns the log
   * appends `silence.started` and `silence.ended` for the difference. Costs a look at every device.
   */
  silence(): BrandSilence[]
  /** Rules whose next version waits for `rule.warmed`: the owner of the log appends it when the time has come. */
  warming(): WarmingRule[]
}

/**
 * An evaluator that knows nothing yet: it learns brands, devices and rules from the records it is given, or from a
 * checkpoint.
 */
export function createEvaluator(): Evaluator {
  const turn = new Turn(freshCounters())
  const parts: CheckpointParts = {
    fleet: new Fleet(),
    turn,
    seen: new SeenChanges(),
    position: { seq: 0, atMs: Number.NEGATIVE_INFINITY },
  }
  const { fleet, seen, position } = parts

  /** Metrics a rule began to use have got a column; the product's entry names the columns. */
  const savedColumns = new WeakMap<object, number>()

  function passTime(toMs: number): void {
    const boundaryMs = Math.floor(toMs / TICK_MS) * TICK_MS
    if (boundaryMs <= turn.tickMs) return
    // With the first record time begins; nothing was waiting.
    if (turn.tickMs !== Number.NEGATIVE_INFINITY) fleet.runTicks(turn, boundaryMs)
    turn.tickMs = boundaryMs
  }

  function control(record: ControlRecord): void {
    const page = seen.add(record.changeId)
    if (page === null) return
    for (const changed of seen.changedWith(page)) fleet.dirtyKeys.add(registryKey('changes', '', String(changed)))
    applyControl(fleet, turn, record)
  }

  function apply(record: LogRecord): AlertEffect[] {
    if (record.seq <= position.seq) return NOTHING
    turn.begin(record.seq)
    // The log promises non-decreasing times; should one ever go back, time stands (T17).
    const atMs = Math.max(record.receivedAtMs, position.atMs)
    if (record.kind === 'control' && record.change.type === 'hub.resumed') {
      // Nobody listened while the hub was away: boundaries in between know of no silence.
      passTime(Math.min(record.change.downSinceMs, atMs))
      turn.resumedAtMs = atMs
    }
    reach(atMs)
    switch (record.kind) {
      case 'readings': {
        const device = fleet.device(record.brandId, record.deviceId)
        if (device) {
          device.reading(turn, record)
          fleet.touched(device, turn)
        } else turn.counters.unknownDevice++
        break
      }
      case 'quarantined':
        skew(record)
        break
      case 'control':
        control(record)
        break
      case 'tick':
        break
    }
    position.seq = record.seq
    return said()
  }

  function reach(atMs: number): void {
    passTime(atMs)
    turn.atMs = position.atMs = atMs
    turn.historical = false
  }

  function said(): AlertEffect[] {
    return turn.effects.length > 0 ? turn.effects : NOTHING
  }

  function applyRow(readings: ReadingColumns, at: number, { seq, serverTime }: Place): AlertEffect[] {
    if (seq <= position.seq) return NOTHING
    turn.begin(seq)
    reach(Math.max(readings.receivedAtMs[at]!, position.atMs))
    const device = fleet.device(readings.brandId, readings.deviceId)
    if (device) {
      device.row(turn, readings, at, serverTime)
      fleet.touched(device, turn)
    } else turn.counters.unknownDevice++
    position.seq = seq
    return said()
  }

  function skew(record: QuarantinedRecord): void {
    const device = fleet.device(record.brandId, record.deviceId)
    if (!device || !noteSkew(turn, device, record.code)) return
    device.dirty = true
    fleet.touched(device, turn)
  }

  function allKeys(): string[] {
    const keys = [HUB_KEY]
    for (const [brandId, brand] of fleet.brands) {
      keys.push(registryKey('brand', brandId, ''))
      for (const id of brand.products.keys()) keys.push(registryKey('product', brandId, id))
      for (const id of brand.rules.keys()) keys.push(registryKey('rule', brandId, id))
      for (const id of brand.parameters.keys()) keys.push(registryKey('parameter', brandId, id))
      for (const id of brand.silences.keys()) keys.push(registryKey('silence', brandId, id))
      for (const id of brand.windows.byId.keys()) keys.push(registryKey('window', brandId, id))
      for (const [product, component] of brand.lifeKeys())
        keys.push(registryKey('life', brandId, `${product}/${component}`))
      for (const id of brand.devices.keys())
        keys.push(registryKey('facts', brandId, id), registryKey('device', brandId, id))
    }
    return keys.sort()
  }

  return {
    apply,
    applyRow,

    takeDirty() {
      const keys = new Set(fleet.dirtyKeys).add(HUB_KEY)
      for (const brand of fleet.brands.values()) {
        for (const [id, layout] of brand.products) {
          if (savedColumns.get(layout) === layout.metrics.length) continue
          savedColumns.set(layout, layout.metrics.length)
          keys.add(registryKey('product', brand.brandId, id))
        }
        if (brand.errorsAtMs.size > 0) keys.add(registryKey('brand', brand.brandId, ''))
      }
      for (const device of fleet.dirtyDevices)
        keys.add(registryKey('device', device.brand.brandId, device.facts.deviceId))
      fleet.dirtyKeys.clear()
      fleet.dirtyDevices.clear()
      return [...keys].map((key) => ({ key, value: saveEntry(parts, key) }))
    },

    restore(entries) {
      for (const { key, value } of [...entries].sort((a, b) => (a.key < b.key ? -1 : 1)))
        if (value !== null) restoreEntry(parts, key, value)
    },

    stateHash() {
      const hash = createHash('sha256')
      for (const key of allKeys()) {
        if (key === HUB_KEY) hash.update(`${turn.tickMs} ${turn.resumedAtMs}\n`)
        else hash.update(`${key} ${saveEntry(parts, key)}\n`)
      }
      return hash.digest('hex')
    },

    views(filter = {}) {
      const views: InstanceView[] = []
      for (const brandId of [...fleet.brands.keys()].sort()) {
        if (filter.brandId !== undefined && filter.brandId !== brandId) continue
        const { devices } = fleet.brand(brandId)
        const ids = filter.deviceId !== undefined ? [filter.deviceId] : [...devices.keys()].sort()
        for (const id of ids) {
          const device = devices.get(id)
          const instances = [...(device?.instances ?? [])].sort((a, b) => (a.key < b.key ? -1 : 1))
          for (const instance of instances) {
            if (instance.watch || instance.warming) continue
            if (filter.ruleKey !== undefined && filter.ruleKey !== instance.plan.ruleKey) continue
            views.push(viewOf(turn, device!, instance))
          }
        }
      }
      return views
    },

    lastSeq: () => position.seq,
    counters: () => turn.counters,

    silence() {
      const found: BrandSilence[] = []
      for (const brand of fleet.brands.values()) {
        const known = [...brand.silences.values()].filter(({ kind }) => kind === 'outage')
        const heard: Heard[] = []
        for (const device of brand.devices.values()) {
          const one = device.heard(turn)
          if (one) heard.push(one)
        }
        const out = diagnoseSilence(heard, new Set(known.map(({ scope }) => scopeKey(scope))))
        if (out.length > 0 || known.length > 0) found.push({ brandId: brand.brandId, out, known })
      }
      return found
    },

    warming() {
      const warming: WarmingRule[] = []
      for (const { brandId, rules } of fleet.brands.values())
        for (const [ruleKey, { document, next }] of rules)
          if (next) {
            const readyAtMs = next.activatedAtMs + warmUpMs(next.document, document)
            warming.push({ brandId, ruleKey, version: next.version, readyAtMs })
          }
      return warming
    },
  }
}

/** Shared, so never to be added to. */
const NOTHING: AlertEffect[] = Object.freeze<AlertEffect[]>([]) as AlertEffect[]

type Place = Parameters<Evaluator['applyRow']>[2]
