import type { ReadingValue } from '#contracts'
import type { Random } from '#platform'

/** What can go wrong between a sensor and the hub. Everything is off when absent. */
export interface FleetFaults {
  /** Chance that a reading is lost for good before it is sent. */
  drop?: number
  /** Chance that a message is sent twice. */
  duplicate?: number
  /** Chance that a message waits, and for at most how long. */
  delay?: { chance: number; maxMs: number }
  /** Chance that a message overtakes the one before it. */
  reorder?: number
  /** Share of devices whose clock is wrong, and by how much. */
  wrongClock?: { share: number; offsetMs: number }
  /** Chance per day that a sensor repeats its last values, and for how long. */
  stuck?: { chancePerDay: number; hours: number }
  /** Chance per day that a device is offline, and for how long; it uploads what it kept. */
  offline?: { chancePerDay: number; hours: number }
}

export interface TimedReading {
  ts: number
  values: Record<string, ReadingValue>
}

/** Readings in one packet: a day of a slow device, and far below the hub's frame limit. */
export const READINGS_PER_MESSAGE_MAX = 100
/** A device's memory for readings it could not send: a week at ten minutes. The oldest go first. */
const BACKLOG_READINGS_MAX = 1_008

export interface UplinkCounts {
  produced: number
  dropped: number
  /** Readings that left more than once. */
  duplicated: number
  /** Lost because the device's memory was full. */
  overflowed: number
}

interface Held {
  dueMs: number
  readings: TimedReading[]
}

/**
 * One device's way to the hub with its faults. Pure but for its own memory: the same seed and
 * the same readings give the same messages.
 */
export class FaultyUplink {
  readonly counts: UplinkCounts = { produced: 0, dropped: 0, duplicated: 0, overflowed: 0 }
  readonly #random: Random
  readonly #faults: FleetFaults
  readonly #clockOffsetMs: number
  #held: Held[] = []
  #backlog: TimedReading[] = []
  #offlineUntilMs = 0
  #stuckFromMs = 0
  #stuckUntilMs = 0
  #stuckValues: Record<string, ReadingValue> | null = null
  #lastMs: number | null = null

  constructor(random: Random, faults: FleetFaults = {}) {
    this.#random = random
    this.#faults = faults
    const wrong = faults.wrongClock
    this.#clockOffsetMs = wrong && random.fork('clock').chance(wrong.share) ? wrong.offsetMs : 0
  }

  /** True while the device keeps its readings to itself. */
  offline(nowMs: number): boolean {
    return nowMs < this.#offlineUntilMs
  }

  /** Takes what was measured since the last call and gives the messages to send now, in this order. */
  pass(readings: readonly TimedReading[], nowMs: number): TimedReading[][] {
    this.counts.produced += readings.length
    this.#beginSpells(nowMs)
    for (const reading of readings) {
      const shown = this.#asSensed(reading)
      if (this.#chance(this.#faults.drop)) this.counts.dropped++
      else this.#backlog.push({ ts: shown.ts + this.#clockOffsetMs, values: shown.values })
    }
    const tooMany = this.#backlog.length - BACKLOG_READINGS_MAX
    if (tooMany > 0) {
      this.#backlog.splice(0, tooMany)
      this.counts.overflowed += tooMany
    }
    if (this.offline(nowMs)) return []
    this.#hold(nowMs)
    return this.#release(nowMs)
  }

  /** Sends everything still held, as at the end of a run. */
  flush(): TimedReading[][] {
    this.#hold(0)
    return this.#release(Number.POSITIVE_INFINITY)
  }

  #beginSpells(nowMs: number): void {
    const days = this.#lastMs === null ? 0 : (nowMs - this.#lastMs) / 86_400_000
    this.#lastMs = nowMs
    const { offline, stuck } = this.#faults
    if (offline && nowMs >= this.#offlineUntilMs && this.#random.chance(offline.chancePerDay * days))
      this.#offlineUntilMs = nowMs + offline.hours * 3_600_000
    if (stuck && nowMs >= this.#stuckUntilMs && this.#random.chance(stuck.chancePerDay * days)) {
      this.#stuckFromMs = nowMs
      this.#stuckUntilMs = nowMs + stuck.hours * 3_600_000
      this.#stuckValues = null
    }
  }

  #asSensed(reading: TimedReading): TimedReading {
    if (reading.ts <= this.#stuckFromMs || reading.ts >= this.#stuckUntilMs) return reading
    this.#stuckValues ??= reading.values
    return { ts: reading.ts, values: this.#stuckValues }
  }

  #hold(nowMs: number): void {
    while (this.#backlog.length > 0) {
      const readings = this.#backlog.splice(0, READINGS_PER_MESSAGE_MAX)
      const { delay } = this.#faults
      const waitMs = delay && this.#random.chance(delay.chance) ? 1 + this.#random.int(delay.maxMs) : 0
      this.#held.push({ dueMs: nowMs + waitMs, readings })
    }
  }

  #release(nowMs: number): TimedReading[][] {
    const messages: TimedReading[][] = []
    const later: Held[] = []
    for (const held of this.#held) {
      if (held.dueMs > nowMs) {
        later.push(held)
        continue
      }
      const overtakes = messages.length > 0 && this.#chance(this.#faults.reorder)
      messages.splice(overtakes ? messages.length - 1 : messages.length, 0, held.readings)
      if (this.#chance(this.#faults.duplicate)) {
        messages.push(held.readings)
        this.counts.duplicated += held.readings.length
      }
    }
    this.#held = later
    return messages
  }

  #chance(p: number | undefined): boolean {
    return p !== undefined && p > 0 && this.#random.chance(p)
  }
}
