import type { DeviceFacts, ReadingsRecord, ReadingValue } from '#contracts'
import { DuplicateFilter, hashKey, hashRow, isMissing } from '#models'
import { STATE, TRUTH, UNTIL } from './alert-clock.ts'
import { FALSE, isOpen } from './alert-lifecycle.ts'
import type { Brand } from './brand.ts'
import { forgetSkew } from './clock-skew.ts'
import { columnBit } from './compile.ts'
import type { Service } from './component-reset.ts'
import { announceLevel, tellIfCurrent } from './episodes.ts'
import { calmFromMs } from './flapping.ts'
import type { Instance } from './instance.ts'
import { AT, applySample, DECIDED, nextByTime, noticeSilence, passTime, silenceEndsAt } from './instance-core.ts'
import { KeptSamples } from './kept-samples.ts'
import { rerun } from './late-samples.ts'
import { closeInstance } from './lifecycle-end.ts'
import type { ProductLayout } from './product-layout.ts'
import type { ReadingColumns } from './reading-columns.ts'
import { rowConcerns } from './row.ts'
import type { Heard } from './silence-diagnosis.ts'
import { textCode } from './text-code.ts'
import { boundaryAfter, boundaryAtOrAfter } from './tick-timers.ts'
import type { Turn } from './turn.ts'
import { endWatches } from './verification.ts'

/** Readings without a device clock may share a millisecond; they are put one behind the other within this span. */
const SAME_MOMENT_MS = 1_000
/** Of the time after which a device is silent: two of three missed intervals. */
const QUIET_SHARE = 2 / 3
/** A device that was silent for a day before is no part of what happens to all today. */
const FORGOTTEN_MS = 86_400_000

/**
 * One appliance as the evaluator sees it, and nothing of any other. Readings come in log order;
 * conditions live in event time. State is a function of the records alone.
 */
export class Device {
  readonly brand: Brand
  facts: DeviceFacts
  layout: ProductLayout
  firmware: string | null = null
  /** Sorted by key. */
  instances: Instance[] = []
  kept: KeptSamples
  duplicates = new DuplicateFilter()
  /** Newest accepted event time, and the hub time at which it came. */
  watermarkMs = Number.NEGATIVE_INFINITY
  watermarkReceivedAtMs = 0
  /** When a reading last came at all. */
  receivedAtMs: number
  /** Readings refused for their time since the clock last looked right (T15). */
  skewed = 0
  /** By component. They stay with the appliance, whoever owns it (T21). */
  readonly services = new Map<string, Service>()
  /** Connection epoch, so that an old session's end is not taken for the present one's. */
  epoch = 0
  /** Has changed since the last checkpoint. */
  dirty = false
  /** Where the metrics of the columns read last stand. */
  #read: { metrics: readonly string[]; layout: ProductLayout | null; names: number[]; columns: number[] } =
    UNKNOWN_COLUMNS
  /** Boundary at which the tick looks at it next; `Infinity` for never. */
  scheduledMs = Number.POSITIVE_INFINITY

  constructor(brand: Brand, facts: DeviceFacts, layout: ProductLayout, atMs: number) {
    this.brand = brand
    this.facts = facts
    brand.windows.addZone(facts.timeZone)
    this.layout = layout
    this.receivedAtMs = atMs
    this.kept = new KeptSamples(layout.metrics.length)
  }

  get timerKey(): string {
    return `${this.brand.brandId}/${this.facts.deviceId}`
  }

  /** Applies an accepted reading. */
  reading(turn: Turn, record: ReadingsRecord): void {
    const { counters } = turn
    if (record.imported) {
      counters.backfill++ // T14: history; an import never touches what is live.
      return
    }
    if (this.duplicates.check(record) === 'duplicate') {
      counters.duplicates++ // T16
      return
    }
    this.#take(turn, record.measuredAtMs, record.serverTime, this.#fillRow(record.values))
  }

  /** Applies an accepted reading that lies in columns. It was delivered once: repetitions by packet are not asked for. */
  row(turn: Turn, readings: ReadingColumns, at: number, serverTime: boolean): void {
    const measuredAtMs = readings.measuredAtMs[at]!
    const { metrics, values } = readings
    if (metrics !== this.#read.metrics || this.layout !== this.#read.layout) this.#readFrom(metrics)
    if (
      !serverTime &&
      this.duplicates.checkHashed(measuredAtMs, hashRow(this.#read.names, values, at)) === 'duplicate'
    ) {
      turn.counters.duplicates++ // T16
      return
    }
    this.#take(turn, measuredAtMs, serverTime, this.#fillFrom(readings, at))
  }

  /** @param mask of the columns that the present row has values in */
  #take(turn: Turn, saidMs: number, serverTime: boolean, mask: number): void {
    forgetSkew(this)
    let measuredAtMs = saidMs
    if (serverTime && measuredAtMs <= this.watermarkMs && this.watermarkMs - measuredAtMs < SAME_MOMENT_MS)
      measuredAtMs = this.watermarkMs + 1
    this.layout.row[0] = measuredAtMs
    turn.historical = turn.atMs - measuredAtMs > this.layout.times.latenessMs
    if (this.kept.width < this.layout.metrics.length) this.kept.widen(this.layout.metrics.length)
    if (measuredAtMs > this.watermarkMs) this.#inOrder(turn, measuredAtMs, mask)
    else this.#outOfOrder(turn, measuredAtMs, mask)
    this.dirty = true
  }

  #fillRow(values: ReadingsRecord['values']): number {
    const { columns } = this.layout
    this.#emptyRow()
    let mask = 0
    for (const metric in values) {
      const column = columns.get(metric)
      if (column !== undefined) mask |= this.#put(column, values[metric]!)
    }
    return mask
  }

  /** Finds out once where the metrics of columns stand in a row. */
  #readFrom(metrics: readonly string[]): void {
    const { layout } = this
    this.#read = {
      metrics,
      layout,
      names: metrics.map(hashKey),
      columns: metrics.map((metric) => layout.columns.get(metric) ?? UNREAD),
    }
  }

  #fillFrom({ metrics, values }: ReadingColumns, at: number): number {
    const { columns } = this.#read
    this.#emptyRow()
    let mask = 0
    for (let m = 0; m < metrics.length; m++) {
      const value = values[m]![at]
      if (isMissing(value)) continue
      // Some rule may have begun to use it meanwhile.
      const column = columns[m] === UNREAD ? this.layout.columns.get(metrics[m]!) : columns[m]
      if (column !== undefined) mask |= this.#put(column, value)
    }
    return mask
  }

  #emptyRow(): void {
    const { row, metrics } = this.layout
    for (let i = 1; i <= metrics.length; i++) row[i] = Number.NaN
  }

  #put(column: number, value: ReadingValue): number {
    // Text has no order; a rule can ask that it came, and whether it is a certain one.
    this.layout.row[column + 1] =
      typeof value === 'number' ? value : typeof value === 'boolean' ? Number(value) : textCode(value)
    return columnBit(column)
  }

  #inOrder(turn: Turn, atMs: number, mask: number): void {
    const { row } = this.layout
    this.watermarkMs = atMs
    this.watermarkReceivedAtMs = turn.atMs
    this.receivedAtMs = turn.atMs
    if (mask !== 0) this.kept.push(row)
    for (let i = 0; i < this.instances.length; i++) {
      const instance = this.instances[i]!
      const { plan } = instance
      if (plan.axis === 'hub') this.#applyByArrival(turn, instance)
      else if ((plan.columnMask & mask) !== 0 && (mask > 0 || rowConcerns(plan, row, 1)))
        this.#apply(turn, instance, row, 0, atMs)
    }
    this.#afterReading(turn)
    if (this.kept.isFull()) this.#letGo()
  }

  #outOfOrder(turn: Turn, atMs: number, mask: number): void {
    const { kept, layout } = this
    const { counters } = turn
    if (this.watermarkMs - atMs > layout.times.latenessMs || atMs <= kept.startMs) {
      counters.backfill++ // T14
      return
    }
    const at = kept.find(atMs)
    const fresh = kept.rows[at] === atMs ? this.#merge(turn, at) : mask
    if (kept.rows[at] !== atMs && mask !== 0) kept.insert(at, layout.row)
    else if (fresh === 0 && mask !== 0) return
    if (atMs < this.watermarkMs) counters.late++
    this.receivedAtMs = turn.atMs
    for (let i = 0; i < this.instances.length; i++) {
      const instance = this.instances[i]!
      const { plan } = instance
      if (plan.axis === 'hub') this.#applyByArrival(turn, instance)
      else if ((plan.columnMask & fresh) !== 0 && rowConcerns(plan, layout.row, 1))
        this.#apply(turn, instance, kept.rows, at, atMs)
    }
    this.#afterReading(turn)
    if (kept.isFull()) this.#letGo()
  }

  /**
   * Adds the values of the present row to the kept one of the same time; the first value of a metric
   * wins (T16). What was there already is taken out of the present row. Returns the mask of what is new.
   */
  #merge(turn: Turn, at: number): number {
    const { row } = this.layout
    const { kept } = this
    let fresh = 0
    let conflict = false
    for (let column = 0; column < kept.width; column++) {
      const value = row[column + 1]!
      if (Number.isNaN(value)) continue
      const first = kept.rows[at + 1 + column]!
      if (!Number.isNaN(first)) {
        conflict ||= first !== value
        row[column + 1] = Number.NaN
      } else {
        kept.set(at, column, value)
        fresh |= columnBit(column)
      }
    }
    if (conflict) turn.counters.conflicts++
    else if (fresh === 0) turn.counters.duplicates++
    return fresh
  }

  /** Applies a row to one instance: straight on when nothing later was decided, else by running again (T13). */
  #apply(turn: Turn, instance: Instance, rows: readonly number[], at: number, atMs: number): void {
    if (instance.failure !== null) {
      turn.listenTo(this, instance).failed(instance.failure)
      return
    }
    if (atMs <= instance.closedUntilMs) return
    const { core, offset } = instance
    if (atMs > core[offset + AT]! && atMs > core[offset + DECIDED]!)
      applySample(instance, rows, at + 1, atMs, turn.listenTo(this, instance))
    else rerun(turn, this, instance, this.nowMs(turn))
  }

  /** Silence is about arrival: such a condition takes a reading when it comes, whatever its own time. */
  #applyByArrival(turn: Turn, instance: Instance): void {
    const { row } = this.layout
    const { plan } = instance
    if (instance.failure !== null) return
    if (plan.leaves.some((leaf) => leaf.column < 0) || rowConcerns(plan, row, 1))
      applySample(instance, row, 1, turn.atMs, turn.listenTo(this, instance))
  }

  #afterReading(turn: Turn): void {
    let watched = false
    for (let i = 0; i < this.instances.length; i++) {
      const instance = this.instances[i]!
      if (instance.episode !== null) this.#afterStep(turn, instance)
      else if (instance.watch !== null) watched ||= instance.watch.verified
    }
    if (watched) endWatches(turn, this)
  }

  /** What an open episode has to hear after its condition moved. */
  #afterStep(turn: Turn, instance: Instance): void {
    const { episode, core, offset } = instance
    if (!episode) return
    if (
      episode.serviced &&
      core[offset + TRUTH] === FALSE &&
      core[offset + AT]! >= episode.serviced.atMs &&
      turn.atMs <= episode.serviced.deadlineMs
    ) {
      closeInstance(turn, this, instance, 'serviced') // T26
      return
    }
    announceLevel(turn, this, instance)
    if (!episode.told) tellIfCurrent(turn, this, instance)
  }

  /** Device time as of the newest tick; hub time until the first reading tells the device's own. */
  nowMs(turn: Turn): number {
    if (!this.hasSpoken) return turn.tickMs
    return this.watermarkMs + Math.max(0, turn.tickMs - this.watermarkReceivedAtMs)
  }

  /** Lets hub time reach a boundary. Called when something is due, and only then does anything. */
  tick(turn: Turn, boundaryMs: number): void {
    const nowMs = this.hasSpoken ? this.watermarkMs + (boundaryMs - this.watermarkReceivedAtMs) : boundaryMs
    for (const instance of this.instances) {
      const { plan } = instance
      if (instance.failure !== null) continue
      // Of a device nobody has heard yet the calendar may speak; its silence is no news.
      turn.historical = this.isBehind && (this.hasSpoken || plan.axis === 'hub')
      const listener = turn.listenTo(this, instance)
      if (plan.axis === 'hub') {
        passTime(instance, boundaryMs, listener)
        noticeSilence(instance, boundaryMs, turn.resumedAtMs, turn.listenTo(this, instance))
      } else passTime(instance, nowMs, listener)
      if (instance.flapping && nowMs >= calmFromMs(instance.openings)) instance.flapping = false
      if (plan.resolveOnSilence && instance.episode && boundaryMs > this.#silentFrom(turn, instance))
        closeInstance(turn, this, instance, 'no_data')
      this.#afterStep(turn, instance)
    }
    endWatches(turn, this)
    this.dirty = true
  }

  /** Tells what opened unheard and stands. Returns whether anything is still untold. */
  tellHushed(turn: Turn): boolean {
    let untold = false
    for (const instance of this.instances) {
      if (!instance.episode || instance.episode.told) continue
      turn.historical = this.isBehind && (this.hasSpoken || instance.plan.axis === 'hub')
      tellIfCurrent(turn, this, instance)
      untold ||= !instance.episode.told
      this.dirty = true
    }
    return untold
  }

  /** It has told its own time. */
  get hasSpoken(): boolean {
    return this.watermarkMs !== Number.NEGATIVE_INFINITY
  }

  /** Its newest reading was old when it came: what it says is history until it catches up. */
  get isBehind(): boolean {
    return this.watermarkReceivedAtMs - this.watermarkMs > this.layout.times.latenessMs
  }

  /**
   * What the fleet's silence is judged by; `null` for a device that says nothing by promise, has never spoken, or
   * has been silent so long that it is its own matter.
   */
  heard(turn: Turn): Heard | null {
    const { noDataAfterMs } = this.layout.times
    if (!this.hasSpoken || noDataAfterMs === Number.POSITIVE_INFINITY) return null
    const sinceMs = Math.max(this.receivedAtMs, turn.resumedAtMs)
    const silentMs = turn.tickMs - sinceMs
    if (silentMs > noDataAfterMs + FORGOTTEN_MS) return null
    // Before its own alert would be told: what is wrong with all is to be known first.
    return {
      homeId: this.facts.homeId,
      region: this.facts.region,
      sinceMs,
      quiet: silentMs > QUIET_SHARE * noDataAfterMs,
    }
  }

  #silentFrom(turn: Turn, instance: Instance): number {
    return Math.max(this.receivedAtMs, turn.resumedAtMs) + instance.plan.noDataAfterMs
  }

  /** The boundary at which something is due next, were no reading to come; `Infinity` for never. */
  dueMs(turn: Turn): number {
    const toHubMs = this.hasSpoken ? this.watermarkReceivedAtMs - this.watermarkMs : 0
    let due = Number.POSITIVE_INFINITY
    for (let i = 0; i < this.instances.length; i++) {
      const instance = this.instances[i]!
      if (instance.failure !== null) continue
      const holdEndMs = nextByTime(instance)
      if (instance.plan.axis === 'hub') {
        due = Math.min(due, boundaryAtOrAfter(holdEndMs), boundaryAfter(silenceEndsAt(instance, turn.resumedAtMs)))
      } else if (holdEndMs !== Number.POSITIVE_INFINITY) due = Math.min(due, boundaryAtOrAfter(holdEndMs + toHubMs))
      if (instance.flapping) due = Math.min(due, boundaryAtOrAfter(calmFromMs(instance.openings) + toHubMs))
      if (instance.episode !== null && instance.plan.resolveOnSilence)
        due = Math.min(due, boundaryAfter(this.#silentFrom(turn, instance)))
      if (instance.watch !== null) due = Math.min(due, boundaryAtOrAfter(instance.watch.deadlineMs))
    }
    return due
  }

  /** Forgets samples that no late one can come among any more, the checkpoint taking them in. */
  #letGo(): void {
    const { kept } = this
    const count = kept.surplus(this.watermarkMs - this.layout.times.latenessMs)
    for (const instance of this.instances) {
      if (instance.plan.axis === 'hub' || instance.failure !== null) continue
      const place = {
        plan: instance.plan,
        limits: instance.limits,
        core: instance.checkpoint,
        offset: instance.offset,
        windows: instance.checkpointWindows,
        zone: instance.zone,
        lives: instance.lives,
      }
      for (let at = 0; at < count * kept.stride; at += kept.stride)
        if (kept.rows[at]! > instance.closedUntilMs && rowConcerns(instance.plan, kept.rows, at + 1))
          applySample(place, kept.rows, at + 1, kept.rows[at]!, UNHEARD)
    }
    kept.drop(count)
  }

  /** No sample from before now has a say in this instance any more. */
  settle(instance: Instance): void {
    instance.settle(this.watermarkMs)
  }

  hasOpenEpisode(): boolean {
    return this.instances.some((instance) => isOpen(instance.core[instance.offset + STATE]!))
  }

  /** Truth that is still known as of the newest tick. */
  knows(turn: Turn, instance: Instance): boolean {
    return instance.core[instance.offset + UNTIL]! >= (instance.plan.axis === 'hub' ? turn.atMs : this.nowMs(turn))
  }
}

/** A metric no rule read when it was looked up. */
const UNREAD = -1
const UNKNOWN_COLUMNS = { metrics: [], layout: null, names: [], columns: [] }

const UNHEARD = { happened: () => {}, failed: () => {} }
