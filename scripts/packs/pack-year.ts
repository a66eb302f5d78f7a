import { type CatalogEntry, catalogEntry } from '#catalog'
import type { LogEntry, LogRecord } from '#contracts'
import { seededRandom } from '#platform'
import { createEvaluator } from '#rules'
import { type DeviceModel, makeAppliance, SERVICE_WINDOW } from '#simulators'
import { forecastRules, type GrownAppliance, grownAppliance, type PastService } from './forecast-rules.ts'
import type { TrainedFleet } from './train-fleet.ts'

const DAY_MS = 86_400_000
const START_MS = Date.UTC(2026, 0, 1)
/** From the alert to the repair: part and appointment. */
const REPAIR_AFTER_MS = 3 * DAY_MS
/** A home notices what has failed, and has it repaired without us. */
const NOTICED_AFTER_MS = DAY_MS
/** Below this wear a technician finds nothing worth doing. */
const NOTHING_TO_DO_WEAR = 0.5
/** Nothing starts the year inside the window: what is due at once says nothing of a rule. */
const WEAR_AT_START_MAX = 0.74

/** What became of one rule pack over the lives of one component. */
export interface PackResult {
  category: string
  component: string
  /** Lives that came to the end of the service window or were ended by an alert. */
  lives: number
  /** Alerts with 5–25 % of life left. */
  hits: number
  early: number
  /** The window closed, or the part failed, before an alert. */
  missed: number
  /** Alerts on parts that had nothing. */
  false: number
  /** Repairs after an alert, and how many of them telemetry proved. */
  repairs: number
  verified: number
  deviceYears: number
  /** Days from the alert to when the part would have failed at its mean pace, p10, p50, p90. */
  leadDays: { p10: number; p50: number; p90: number } | null
}

interface Part {
  component: string
  startedMs: number
  startWear: number
  /** When it is replaced; `null` while it is in use unannounced. */
  replaceAtMs: number | null
  announced: boolean
}

export interface PackYearOptions {
  category: string
  devices: number
  days: number
  seed: number
  /** Forecast rules by what a past fleet taught, in place of the pack's own. */
  forecast?: TrainedFleet
}

/** Lets a fleet of one kind live for so long under its rule pack, and counts against the physics' own truth. */
export function runPackYear({ category, devices, days, seed, forecast }: PackYearOptions): PackResult[] {
  const known = catalogEntry(category)!
  const entry = forecast ? { ...known, rules: forecastRules(known, forecast) } : known
  const watched = watchedComponents(entry)
  const tally = new Map(
    watched.map((component) => [
      component,
      { lives: 0, hits: 0, early: 0, missed: 0, false: 0, repairs: 0, verified: 0, leads: [] as number[] },
    ]),
  )
  for (let n = 0; n < devices; n++) {
    const random = seededRandom(seed).fork(`${category} ${n}`)
    const initialWear = Object.fromEntries(
      entry.product
        .components!.filter((component) => component.recovery)
        .map(({ key }) => [key, WEAR_AT_START_MAX * random.next()]),
    )
    const city = seededRandom(seed).fork('city')
    const grown: GrownAppliance = forecast
      ? grownAppliance(entry, { city, random, forecast, untilMs: START_MS, wearMost: WEAR_AT_START_MAX })
      : { model: makeAppliance(category, { city, random: random.fork('life'), initialWear }), ...AS_BOUGHT }
    live(
      entry,
      grown,
      { deviceId: `dev_${n}`, days, ...(forecast ? { forecast } : {}) },
      {
        alerted(part, wear, atMs) {
          const count = tally.get(part.component)!
          if (part.announced) return
          part.announced = true
          part.replaceAtMs = atMs + REPAIR_AFTER_MS
          count.lives++
          if (wear < NOTHING_TO_DO_WEAR) count.false++
          if (wear < SERVICE_WINDOW.opensAtWear) count.early++
          else if (wear <= SERVICE_WINDOW.closesAtWear) count.hits++
          else count.missed++
          const pace = (wear - part.startWear) / Math.max(1, atMs - part.startedMs)
          if (pace > 0) count.leads.push(Math.max(0, (1 - wear) / pace) / DAY_MS)
        },
        verificationEnded(component, end) {
          const count = tally.get(component)
          if (!count) return
          count.repairs++
          if (end === 'verified') count.verified++
        },
        failed(part, atMs) {
          const count = tally.get(part.component)!
          count.lives++
          count.missed++
          part.announced = true
          part.replaceAtMs = atMs + NOTICED_AFTER_MS
        },
      },
    )
  }
  return watched.map((component) => {
    const { leads, ...count } = tally.get(component)!
    return { category, component, ...count, deviceYears: (devices * days) / 365.25, leadDays: spread(leads) }
  })
}

interface Listener {
  alerted(part: Part, wear: number, atMs: number): void
  verificationEnded(component: string, end: string): void
  failed(part: Part, atMs: number): void
}

/** Appliances that begin the year part worn, of which the hub knows nothing but when they were bought. */
const AS_BOUGHT = { installedMs: START_MS - 400 * DAY_MS, services: [] as readonly PastService[] }

/** One appliance, one evaluator: the log of a hub with a single device. */
function live(
  entry: CatalogEntry,
  { model, installedMs, services }: GrownAppliance,
  { deviceId, days, forecast }: { deviceId: string; days: number; forecast?: TrainedFleet },
  listener: Listener,
): void {
  const evaluator = createEvaluator()
  const parts = new Map<string, Part>(
    model.components.map((component) => [
      component,
      { component, startedMs: START_MS, startWear: model.wear(component), replaceAtMs: null, announced: false },
    ]),
  )
  let seq = 0
  const append = (atMs: number, record: LogEntry): void => {
    for (const effect of evaluator.apply({ ...record, seq: ++seq, receivedAtMs: atMs } as LogRecord)) {
      if (effect.kind === 'verification.ended') listener.verificationEnded(effect.component, effect.end)
      if (effect.kind !== 'alert.firing' || effect.episode.safety !== null) continue
      const part = parts.get(effect.episode.component)
      if (part) listener.alerted(part, model.wear(part.component), atMs)
    }
  }
  const control = (atMs: number, change: Extract<LogEntry, { kind: 'control' }>['change']): void =>
    append(atMs, { kind: 'control', changeId: `chg_${seq}`, brandId: 'brand', change })

  const read = (atMs: number, values: ReturnType<DeviceModel['measure']>): void =>
    append(atMs, {
      ...{ kind: 'readings', brandId: 'brand', deviceId, measuredAtMs: atMs, serverTime: false, values },
      ...{ delivery: null, imported: false },
    })
  const renewed = (atMs: number, component: string): void =>
    control(atMs, { type: 'component.reset', deviceId, component, atMs, source: 'technician', caseId: null })

  const knownMs = Math.min(START_MS, installedMs)
  control(knownMs, { type: 'product.version', version: 1, product: entry.product })
  control(knownMs, { type: 'device.added', device: deviceFacts(deviceId, entry.product.key, installedMs) })
  for (const [component, life] of forecast?.models ?? []) {
    const content = life as unknown as Record<string, unknown>
    const fitted = { productKey: entry.product.key, component, kind: 'life', version: 1, content } as const
    control(knownMs, { type: 'model.fitted', ...fitted })
  }
  for (const { atMs, component, values } of services) {
    read(atMs, values)
    renewed(atMs, component)
  }
  for (const rule of entry.rules)
    control(START_MS, {
      type: 'rule.activated',
      rule,
      version: 1,
      mode: 'active',
      canaryShare: 1,
      activation: rule.key,
    })

  const endMs = START_MS + days * DAY_MS
  for (let atMs = START_MS; atMs < endMs; atMs += model.everyMs) {
    for (const part of parts.values()) {
      if (part.replaceAtMs === null || atMs < part.replaceAtMs) continue
      model.replace(part.component)
      renewed(atMs, part.component)
      control(atMs, {
        type: 'verification.started',
        caseId: `case_${part.component}_${seq}`,
        deviceId,
        component: part.component,
        attempt: 1,
        repairedAtMs: atMs,
        partReplaced: true,
      })
      Object.assign(part, { startedMs: atMs, startWear: 0, replaceAtMs: null, announced: false })
    }
    read(atMs, model.measure(atMs))
    for (const part of parts.values())
      if (
        !part.announced &&
        model.wear(part.component) > SERVICE_WINDOW.closesAtWear &&
        watchedComponents(entry).includes(part.component)
      )
        listener.failed(part, atMs)
  }
}

/** Components whose wear a rule looks for: dangers are no wear, and what goes by age, use or season alone is not judged by physics. */
function watchedComponents(entry: CatalogEntry): string[] {
  const measured = new Set(entry.product.components!.filter((it) => it.recovery).map((it) => it.key))
  return [
    ...new Set(
      entry.rules.filter((rule) => !rule.safety && measured.has(rule.component)).map((rule) => rule.component),
    ),
  ]
}

function deviceFacts(deviceId: string, productKey: string, installedMs: number) {
  return {
    deviceId,
    serial: deviceId,
    productKey,
    homeId: 'home',
    region: '310115',
    tags: [],
    installedAtMs: installedMs,
    purchasedAtMs: installedMs,
    gatewayId: null,
    timeZone: 'Asia/Shanghai',
  }
}

function spread(values: readonly number[]): PackResult['leadDays'] {
  if (values.length === 0) return null
  const sorted = [...values].sort((a, b) => a - b)
  const at = (share: number): number => Math.round(sorted[Math.floor(share * (sorted.length - 1))]!)
  return { p10: at(0.1), p50: at(0.5), p90: at(0.9) }
}
