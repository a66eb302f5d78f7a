import type { ControlRecord, ControlType, ParameterScope, ProductDocument, RuleDocument } from '#contracts'
import { sha256Hex } from '#platform'
import { canonicalRule, maxGapMs, metricsOfRule, warmUpMs } from '#rules'
import { type Database, type HistoryStore, readControlRecords } from '#store'
import type { PastOutcome } from './against-outcomes.ts'
import type { BacktestProgress } from './backtest-result.ts'
import { DeviceReplay, type TimedChange } from './device-replay.ts'
import type { NotedEpisode } from './episode-notes.ts'
import { countDevices, DEVICES_PER_PAGE, type FleetDevice, productsOf, readPage } from './fleet.ts'

export interface WhatIfRequest {
  brandId: string
  rule: RuleDocument
  /** Only devices of this product; else whatever the rule's scope takes. */
  productKey?: string
  fromMs: number
  toMs: number
  /** Values of parameters as they were at the time, or as they are. */
  parameters: 'then' | 'today'
  /** Only these devices. */
  deviceIds?: readonly string[]
}

export interface WhatIfParts {
  db: Database
  history: Pick<HistoryStore, 'scanColumns'>
}

/** What came of one device. */
export interface ReplayedDevice {
  device: FleetDevice
  episodes: NotedEpisode[]
  outcomes: readonly PastOutcome[]
  samples: number
}

export interface WhatIfRun {
  devices: number
  warmUpFromMs: number
  samples: number
  /** What a reader of the result should know before believing it. */
  notes: string[]
}

/** Boundaries of ticks; a warm-up begins at one. */
const TICK_MS = 10_000
/** Brand-wide changes that a what-if has its own answer to, or that only decide who is told. */
const BRAND_WIDE_LEFT_OUT: ReadonlySet<ControlType> = new Set([
  'rule.activated',
  'rule.warmed',
  'rule.paused',
  'product.version',
  'silence.started',
  'silence.ended',
  'hub.upgraded',
])
/** Changes of a device that are about episodes of other times, or that today's facts stand for. */
const DEVICE_LEFT_OUT: ReadonlySet<ControlType> = new Set([
  'device.added',
  'device.changed',
  'device.moved',
  'device.removed',
  'verification.started',
  'verification.cancelled',
  'technician.outcome',
  'alert.acknowledged',
  'alert.dismissed',
])

/**
 * Plays one version of a rule over a span of history: with today's devices, parameters as asked,
 * and ids of its own. Holds one page of devices and one batch of readings at a time.
 */
export async function runWhatIf(
  { db, history }: WhatIfParts,
  request: WhatIfRequest,
  onDevice: (device: ReplayedDevice) => void,
  options: { signal?: AbortSignal; onProgress?: (progress: BacktestProgress) => void } = {},
): Promise<WhatIfRun> {
  const { brandId, rule, fromMs, toMs } = request
  const { signal, onProgress } = options
  const warmUpFromMs = Math.floor((fromMs - warmUpMs(rule)) / TICK_MS) * TICK_MS
  const products = await db.asBrand(brandId, (tx) => productsOf(tx, brandId, rule, request.productKey))
  const productKeys = products.map(({ product }) => product.key)
  const brandWide = await brandWideChanges(db, request, warmUpFromMs)
  const wanted = request.deviceIds ? new Set(request.deviceIds) : null
  const devices = wanted?.size ?? (await db.asBrand(brandId, (tx) => countDevices(tx, brandId, productKeys)))
  const run: WhatIfRun = { devices, warmUpFromMs, samples: 0, notes: [] }
  const progress: BacktestProgress = { devicesDone: 0, devices, samples: 0, alerts: 0 }
  for (let afterId: string | null = null; ; ) {
    signal?.throwIfAborted()
    const page = await readPage(db, { brandId, productKeys, afterId, limit: DEVICES_PER_PAGE, toMs })
    const chosen = wanted ? page.devices.filter(({ facts }) => wanted.has(facts.deviceId)) : page.devices
    const begin = (device: FleetDevice): DeviceReplay => {
      const { deviceId } = device.facts
      const outcomes = page.outcomes.get(deviceId) ?? []
      const known = products.find(({ product }) => product.key === device.facts.productKey)!
      const own = [
        ...deviceChanges(page.controls.get(deviceId) ?? [], warmUpFromMs),
        ...repairs(outcomes, rule, known.product, { fromMs: warmUpFromMs, toMs }),
      ]
      const changes = [...introduction(device, known, rule, warmUpFromMs), ...inOrder([...brandWide, ...own])]
      return new DeviceReplay({ brandId, deviceId, changes })
    }
    const finish = (device: FleetDevice, replay: DeviceReplay): void => {
      const episodes = replay
        .end(toMs)
        .all()
        .filter(({ openedAtMs, resolvedAtMs }) => openedAtMs < toMs && (resolvedAtMs ?? toMs) >= fromMs)
      run.samples += replay.samples
      progress.devicesDone++
      progress.samples = run.samples
      progress.alerts += episodes.length
      onDevice({ device, episodes, outcomes: page.outcomes.get(device.facts.deviceId) ?? [], samples: replay.samples })
    }
    for (const { product } of products) {
      const mine = chosen.filter(({ facts }) => facts.productKey === product.key)
      if (mine.length === 0) continue
      const metrics = metricsOfRule(rule, product)
      const query = { brandId, deviceIds: mine.map(({ facts }) => facts.deviceId), metrics, fromMs: warmUpFromMs, toMs }
      let at = 0
      let rows = 0
      let speaking = 0
      let replay: DeviceReplay | null = null
      for await (const batch of history.scanColumns(query)) {
        signal?.throwIfAborted()
        for (const { deviceId, from, to } of batch.runs) {
          while (mine[at]!.facts.deviceId !== deviceId) {
            finish(mine[at]!, replay ?? begin(mine[at]!))
            replay = null
            at++
          }
          if (replay === null) speaking++
          replay ??= begin(mine[at]!)
          rows += to - from
          replay.read(batch, { from, to, metrics })
        }
        onProgress?.({ ...progress, samples: run.samples + (replay?.samples ?? 0) })
        // Whoever cancels, or asks how far it is, has a turn.
        await new Promise<void>((resolve) => setImmediate(resolve))
      }
      for (; at < mine.length; at++) {
        finish(mine[at]!, replay ?? begin(mine[at]!))
        replay = null
      }
      const note = rows > 0 ? spacingNote(product, metrics, ((toMs - warmUpFromMs) * speaking) / rows) : null
      if (note !== null && !run.notes.includes(note)) run.notes.push(note)
    }
    onProgress?.({ ...progress })
    if (page.devices.length < DEVICES_PER_PAGE) return run
    afterId = page.devices.at(-1)!.facts.deviceId
  }
}

/** Hourly readings of a product that promises one a minute are all gaps, and nothing that has to last ever does. */
function spacingNote(product: ProductDocument, metrics: readonly string[], everyMs: number): string | null {
  const gaps = product.metrics.filter(({ key }) => metrics.includes(key)).map((metric) => maxGapMs(product, metric))
  const gapMs = Math.min(...gaps)
  if (everyMs <= gapMs) return null
  const minutes = (ms: number): number => Math.round(ms / 60_000)
  return `Readings of ${product.key} lie ${minutes(everyMs)} min apart on average; by its reporting contract more than ${minutes(gapMs)} min is a gap, and no condition lasts over one.`
}

/** Product, device and rule, as they are, at the beginning of the warm-up. */
function introduction(
  { facts, firmware }: FleetDevice,
  { product, version }: { product: ProductDocument; version: number },
  rule: RuleDocument,
  atMs: number,
): TimedChange[] {
  return [
    { atMs, change: { type: 'product.version', product, version } },
    { atMs, change: { type: 'device.added', device: facts } },
    ...(firmware === null
      ? []
      : [{ atMs, change: { type: 'attributes', deviceId: facts.deviceId, values: { firmware } } } as const]),
    {
      atMs,
      change: {
        type: 'rule.activated',
        rule,
        version: 1,
        mode: 'active',
        canaryShare: 1,
        activation: sha256Hex(canonicalRule(rule)),
      },
    },
  ]
}

async function brandWideChanges(db: Database, request: WhatIfRequest, fromMs: number): Promise<TimedChange[]> {
  const { brandId, toMs, parameters } = request
  const records = await db.asHub((tx) => readControlRecords(tx, { brandId, deviceIds: null, beforeMs: toMs }))
  const wanted = records.filter(
    ({ change }) =>
      !BRAND_WIDE_LEFT_OUT.has(change.type) && !(parameters === 'today' && change.type === 'parameter.set'),
  )
  // Whatever was said before holds from the beginning; being away then decides nothing now.
  const changes = wanted
    .filter(({ change, receivedAtMs }) => change.type !== 'hub.resumed' || receivedAtMs >= fromMs)
    .map(({ change, receivedAtMs }): TimedChange => ({ atMs: Math.max(receivedAtMs, fromMs), change }))
  if (parameters === 'then') return changes
  const settings = await db.asBrand(brandId, (tx) =>
    tx.selectFrom('parameters').selectAll().where('brand_id', '=', brandId).execute(),
  )
  return [
    ...settings.map(
      ({ scope, scope_id, key, value }): TimedChange => ({
        atMs: fromMs,
        change: { type: 'parameter.set', scope: scope as ParameterScope, scopeId: scope_id, key, value },
      }),
    ),
    ...changes,
  ]
}

function deviceChanges(records: readonly ControlRecord[], fromMs: number): TimedChange[] {
  return records
    .filter(({ change }) => !DEVICE_LEFT_OUT.has(change.type))
    .map(({ change, receivedAtMs }) => ({ atMs: Math.max(receivedAtMs, fromMs), change }))
}

/** Past repairs of the rule's component: what they ended must not seem to go on. */
function repairs(
  outcomes: readonly PastOutcome[],
  rule: RuleDocument,
  product: ProductDocument,
  span: { fromMs: number; toMs: number },
): TimedChange[] {
  const only = product.components?.length === 1 ? product.components[0]!.key : null
  return outcomes
    .filter(({ repaired, component, atMs }) => repaired && (component ?? only) === rule.component && atMs < span.toMs)
    .map(({ deviceId, atMs }) => ({
      atMs: Math.max(atMs, span.fromMs),
      change: {
        type: 'component.reset',
        deviceId,
        component: rule.component,
        atMs,
        source: 'technician',
        caseId: null,
      },
    }))
}

function inOrder(changes: readonly TimedChange[]): TimedChange[] {
  return [...changes].sort((a, b) => a.atMs - b.atMs)
}
