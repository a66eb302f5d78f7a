import type { DeviceFacts, MaintenanceWindow, ProductDocument } from '#contracts'
import { DuplicateFilter } from '#models'
import type { RuleState } from './brand.ts'
import { type EntryKind, parseKey, registryKey } from './checkpoint-keys.ts'
import { FORMAT_NOW, upgradeEntry } from './checkpoint-upgrades.ts'
import type { Service } from './component-reset.ts'
import { type Counters, freshCounters } from './counters.ts'
import { Device } from './device.ts'
import { resolveLimits, setInstances } from './device-rules.ts'
import type { FittedLife } from './fitted-lives.ts'
import type { Fleet } from './fleet.ts'
import { Instance, keepsWindow, type OpenEpisode, type Opening, type Watch, windowOf } from './instance.ts'
import { KeptSamples } from './kept-samples.ts'
import { packNumbers, unpackNumbers } from './number-pack.ts'
import type { ParameterSetting } from './parameters.ts'
import type { Plan } from './plan.ts'
import { ProductLayout } from './product-layout.ts'
import type { KeptWindow } from './sample-window.ts'
import type { SeenChanges } from './seen-changes.ts'
import type { Silence } from './silences.ts'
import type { Turn } from './turn.ts'

/** One piece of the evaluator's state; `null` says that it is gone. */
export interface CheckpointEntry {
  key: string
  value: string | null
}

/** Layout of checkpoint values, stored in each; raised with a step in `checkpoint-upgrades.ts`. */
export const CHECKPOINT_FORMAT = FORMAT_NOW

/** What an instance is, beside its numbers: rule, subject, version, activation, flags, then what is open. */
type SavedInstance = [
  ruleKey: string,
  subject: Plan['subject'],
  version: number,
  activation: string,
  warming: 0 | 1,
  /** 2: nobody has been told. */
  flapping: 0 | 1 | 2,
  episode: OpenEpisode | 0,
  watch: Watch | 0,
  openings: readonly Opening[] | 0,
]

interface SavedDevice {
  f: number
  /** All numbers of the device, one behind the other. */
  n: string
  i: SavedInstance[]
  /** Firmware. */
  w: string | null
  /** Newest service of each component; absent when there is none. */
  s?: [component: string, service: Service][]
}

interface SavedHub {
  f: number
  seq: number
  atMs: number
  tickMs: number
  resumedAtMs: number
  counters: Counters
}

export interface CheckpointParts {
  fleet: Fleet
  turn: Turn
  seen: SeenChanges
  position: { seq: number; atMs: number }
}

export const HUB_KEY = registryKey('hub', '', '')

/** The value of an entry as of now; `null` when what it describes is gone. */
export function saveEntry(parts: CheckpointParts, key: string): string | null {
  const parsed = parseKey(key)
  if (!parsed) return null
  const value = SAVE[parsed.kind](parts, parsed.brandId, parsed.id)
  if (value === null || parsed.kind === 'device') return value as string | null
  return JSON.stringify({ f: CHECKPOINT_FORMAT, ...(value as object) })
}

type Save = (parts: CheckpointParts, brandId: string, id: string) => unknown

const SAVE: Record<EntryKind, Save> = {
  hub: ({ turn, position }) => ({
    seq: position.seq,
    atMs: finite(position.atMs),
    tickMs: finite(turn.tickMs),
    resumedAtMs: finite(turn.resumedAtMs),
    counters: turn.counters,
  }),
  changes: ({ seen }, _brandId, id) => seen.page(Number(id)),
  brand: ({ fleet }, brandId) => {
    const brand = fleet.brand(brandId)
    return { unwatchedHomes: [...brand.unwatchedHomes], errorsAtMs: [...brand.errorsAtMs] }
  },
  product: ({ fleet }, brandId, id) => {
    const layout = fleet.brand(brandId).products.get(id)
    return layout ? { product: layout.product, version: layout.version, metrics: layout.metrics } : null
  },
  rule: ({ fleet }, brandId, id) => {
    const rule = fleet.brand(brandId).rules.get(id)
    return rule ? { rule } : null
  },
  parameter: ({ fleet }, brandId, id) => ({ settings: [...fleet.brand(brandId).settings(id)] }),
  silence: ({ fleet }, brandId, id) => {
    const silence = fleet.brand(brandId).silences.get(id)
    return silence ? { silence } : null
  },
  window: ({ fleet }, brandId, id) => {
    const window = fleet.brand(brandId).windows.byId.get(id)
    return window ? { window } : null
  },
  life: ({ fleet }, brandId, id) => {
    const [productKey = '', component = ''] = id.split('/')
    const fitted = fleet.brand(brandId).livesOf(productKey).get(component)
    return fitted ? { fitted } : null
  },
  facts: ({ fleet }, brandId, id) => {
    const device = fleet.device(brandId, id)
    return device ? { facts: device.facts } : null
  },
  device: ({ fleet }, brandId, id) => {
    const device = fleet.device(brandId, id)
    return device ? saveDevice(device) : null
  },
}

/** JSON has no infinity; before the first record there is no time. */
function finite(ms: number): number | null {
  return Number.isFinite(ms) ? ms : null
}

function saveDevice(device: Device): string {
  const numbers: number[] = [
    device.watermarkMs,
    device.watermarkReceivedAtMs,
    device.receivedAtMs,
    device.skewed,
    device.epoch,
  ]
  device.kept.save(numbers)
  const { readings, marks } = device.duplicates.save()
  pushAll(numbers, readings)
  pushAll(numbers, marks)
  const instances: SavedInstance[] = []
  for (const instance of device.instances) {
    const { plan, core, checkpoint, offset } = instance
    numbers.push(plan.length)
    for (let i = 0; i < plan.length; i++) numbers.push(core[offset + i]!)
    for (let i = 0; i < plan.length; i++) numbers.push(checkpoint[offset + i]!)
    for (const window of instance.windows) pushAll(numbers, window.save())
    for (const window of instance.checkpointWindows) pushAll(numbers, window.save())
    instances.push([
      plan.ruleKey || plan.component,
      plan.subject,
      instance.version,
      instance.activation,
      instance.warming ? 1 : 0,
      instance.flapping ? (instance.flappingTold ? 1 : 2) : 0,
      instance.episode ?? 0,
      instance.watch ?? 0,
      instance.openings.length > 0 ? instance.openings : 0,
    ])
  }
  const base = Number.isFinite(device.watermarkMs) ? device.watermarkMs : device.receivedAtMs
  const firmware = device.firmware === null ? 'null' : JSON.stringify(device.firmware)
  const services = device.services.size > 0 ? `,"s":${JSON.stringify([...device.services])}` : ''
  return `{"f":${CHECKPOINT_FORMAT},"w":${firmware}${services},"n":"${packNumbers(numbers, base)}","i":${JSON.stringify(instances)}}`
}

function pushAll(numbers: number[], more: readonly number[]): void {
  numbers.push(more.length)
  for (let i = 0; i < more.length; i++) numbers.push(more[i]!)
}

/** Puts an entry back. Entries come in order of key, so that what one needs is there. */
export function restoreEntry(parts: CheckpointParts, key: string, text: string): void {
  const parsed = parseKey(key)
  if (!parsed) return
  const value = upgradeEntry(parsed.kind, JSON.parse(text) as { f: number })
  RESTORE[parsed.kind](parts, parsed.brandId, parsed.id, value as never)
}

type Restore = (parts: CheckpointParts, brandId: string, id: string, value: never) => void

const RESTORE: Record<EntryKind, Restore> = {
  hub: ({ turn, position }, _brandId, _id, saved: SavedHub) => {
    position.seq = saved.seq
    position.atMs = saved.atMs ?? Number.NEGATIVE_INFINITY
    // Brands are scheduled as of now, or maintenance of long ago would seem to end.
    turn.atMs = Math.max(0, position.atMs)
    turn.tickMs = saved.tickMs ?? Number.NEGATIVE_INFINITY
    turn.resumedAtMs = saved.resumedAtMs ?? Number.NEGATIVE_INFINITY
    Object.assign(turn.counters, freshCounters(), saved.counters)
  },
  changes: ({ seen }, _brandId, id, saved: { ids: string[]; current: boolean }) =>
    seen.restore(Number(id), saved.ids, saved.current),
  brand: ({ fleet }, brandId, _id, saved: { unwatchedHomes: string[]; errorsAtMs: [string, number][] }) => {
    const brand = fleet.brand(brandId)
    for (const home of saved.unwatchedHomes) brand.unwatchedHomes.add(home)
    for (const [rule, atMs] of saved.errorsAtMs) brand.errorsAtMs.set(rule, atMs)
  },
  product: ({ fleet }, brandId, id, saved: { product: ProductDocument; version: number; metrics: string[] }) => {
    fleet.brand(brandId).products.set(id, new ProductLayout(saved.product, saved.version, saved.metrics))
  },
  rule: ({ fleet }, brandId, id, saved: { rule: RuleState }) => {
    fleet.brand(brandId).rules.set(id, saved.rule)
  },
  parameter: ({ fleet }, brandId, id, saved: { settings: ParameterSetting[] }) => {
    const settings = new Map(saved.settings.map((setting) => [`${setting.scope}:${setting.scopeId}`, setting]))
    fleet.brand(brandId).parameters.set(id, settings)
  },
  silence: ({ fleet, turn }, brandId, id, saved: { silence: Silence }) => {
    fleet.brand(brandId).silences.set(id, saved.silence)
    fleet.schedule(fleet.brand(brandId), turn)
  },
  window: ({ fleet }, brandId, id, saved: { window: MaintenanceWindow }) => {
    fleet.brand(brandId).windows.set(id, saved.window)
  },
  life: ({ fleet }, brandId, id, saved: { fitted: FittedLife }) => {
    const [productKey = '', component = ''] = id.split('/')
    fleet.brand(brandId).livesOf(productKey).set(component, saved.fitted)
  },
  facts: ({ fleet }, brandId, id, saved: { facts: DeviceFacts }) => {
    const brand = fleet.brand(brandId)
    const layout = brand.products.get(saved.facts.productKey)
    if (layout) brand.devices.set(id, new Device(brand, saved.facts, layout, 0))
  },
  device: ({ fleet, turn }, brandId, id, saved: SavedDevice) => {
    const device = fleet.device(brandId, id)
    if (!device) return
    restoreDevice(device, saved)
    fleet.schedule(device, turn)
    fleet.schedule(device.brand, turn)
  },
}

function restoreDevice(device: Device, saved: SavedDevice): void {
  const numbers = unpackNumbers(saved.n)
  let at = 0
  const read = (): number => numbers[at++]!
  const readAll = (): number[] => {
    const count = read()
    at += count
    return numbers.slice(at - count, at)
  }
  device.firmware = saved.w
  for (const [component, service] of saved.s ?? []) device.services.set(component, service)
  device.watermarkMs = read()
  device.watermarkReceivedAtMs = read()
  device.receivedAtMs = read()
  device.skewed = read()
  device.epoch = read()
  device.kept = KeptSamples.restore(read)
  device.duplicates = new DuplicateFilter({ readings: readAll(), marks: readAll() })
  const instances: Instance[] = []
  for (const [key, subject, version, activation, warming, flapping, episode, watch, openings] of saved.i) {
    const plan = planOf(device, key, subject, warming === 1)
    const length = read()
    const core = numbers.slice(at, at + length)
    const checkpoint = numbers.slice(at + length, at + 2 * length)
    at += 2 * length
    // A plan that is no longer to be had leaves its numbers behind.
    const instance = plan && plan.length === length ? new Instance(plan, version, activation) : null
    const windows = (plan?.leaves ?? []).filter(keepsWindow)
    const readWindows = (): KeptWindow[] => windows.map((leaf) => windowOf(leaf, readAll())!)
    const live = readWindows()
    const kept = readWindows()
    if (!instance) throw new Error(`checkpoint of ${device.timerKey}: no plan for ${key} ${subject}`)
    instance.core = core
    instance.checkpoint = checkpoint
    instance.windows = live
    instance.checkpointWindows = kept
    if (openings !== 0)
      instance.openings = openings.map((opening, i) => ({ ...opening, number: opening.number ?? i + 1 }))
    instance.warming = warming === 1
    instance.flapping = flapping !== 0
    instance.flappingTold = flapping !== 2
    instance.episode = episode === 0 ? null : episode
    instance.watch = watch === 0 ? null : watch
    resolveLimits(device, instance)
    if (instance.episode && !instance.episode.told) device.brand.hushed.add(device)
    instances.push(instance)
  }
  setInstances(device, instances)
  device.dirty = false
}

function planOf({ brand, layout }: Device, key: string, subject: Plan['subject'], warming: boolean): Plan | null {
  if (subject === 'recovery') return layout.recovery(key)
  const rule = brand.rules.get(key)
  const document = warming ? rule?.next?.document : rule?.document
  return (document && layout.plans(document).find((plan) => plan.subject === subject)) ?? null
}
