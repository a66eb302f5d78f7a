import type { ControlChange, ControlRecord, HushScope } from '#contracts'
import type { ServiceLife } from '#models'
import { TRUTH, UNTIL } from './alert-clock.ts'
import { UNKNOWN } from './alert-lifecycle.ts'
import { Brand, type RuleVersion } from './brand.ts'
import { sameSemantics } from './canonical-rule.ts'
import { registryKey } from './checkpoint-keys.ts'
import { markServiced } from './component-reset.ts'
import { knownUntil } from './condition-tree.ts'
import { Device } from './device.ts'
import { applies, applyParameter, nextLookMs, refreshInstances, resolveLimits, setInstances } from './device-rules.ts'
import { resolveEpisode } from './episodes.ts'
import type { Fleet } from './fleet.ts'
import { KeptSamples } from './kept-samples.ts'
import { isCalendar, LEAF_UNTIL } from './leaf.ts'
import { closeInstance } from './lifecycle-end.ts'
import type { ParameterSetting } from './parameters.ts'
import { ProductLayout } from './product-layout.ts'
import { learnLife } from './remaining-life.ts'
import { reactivate, takeOver } from './rule-change.ts'
import { startSilence } from './silences.ts'
import type { Truth } from './truth.ts'
import type { EffectBody, Turn } from './turn.ts'
import { wakeCalendar } from './turning.ts'
import { cancelWatch, startWatch } from './verification.ts'
import { warmUpMs } from './warm-up.ts'

type Change<T extends ControlChange['type']> = Extract<ControlChange, { type: T }>

interface Here {
  fleet: Fleet
  turn: Turn
  brand: Brand
  changeId: string
}

type Handlers = { [T in ControlChange['type']]: (here: Here, change: Change<T>) => void }

/** What each kind of control change does. Those that decide nothing yet are named, so that none is forgotten. */
const HANDLERS: Handlers = {
  'product.version': productVersion,
  'device.added': (here, { device }) => putDevice(here, device),
  'device.changed': (here, { device }) => putDevice(here, device),
  'device.moved': deviceMoved,
  'device.removed': deviceRemoved,
  attributes: deviceAttributes,
  presence: devicePresence,
  'rule.activated': ruleActivated,
  'rule.warmed': ruleWarmed,
  'rule.paused': rulePaused,
  'parameter.set': parameterSet,
  'component.reset': (here, { deviceId, component, atMs }) =>
    withDevice(here, deviceId, (device) => markServiced(here.turn, device, component, atMs)),
  'verification.started': (here, change) =>
    withDevice(here, change.deviceId, (device) => startWatch(here.turn, device, change)),
  'verification.cancelled': (here, { deviceId, caseId }) =>
    withDevice(here, deviceId, (device) => cancelWatch(device, caseId)),
  'technician.outcome': () => {},
  'fault.reported': () => {},
  'alert.acknowledged': (here, { deviceId, episodeId }) =>
    withDevice(here, deviceId, (device) => {
      for (const { episode } of device.instances) if (episode?.id === episodeId) episode.acknowledged = true
    }),
  'alert.dismissed': (here, { deviceId, episodeId }) =>
    withDevice(here, deviceId, (device) => {
      for (const instance of device.instances)
        if (instance.episode?.id === episodeId) closeInstance(here.turn, device, instance, 'dismissed')
    }),
  'consent.monitoring': monitoringConsent,
  'silence.started': silenceStarted,
  'silence.ended': silenceEnded,
  'maintenance.set': maintenanceSet,
  'model.fitted': modelFitted,
  'hub.resumed': ({ turn }, { downSinceMs }) =>
    turn.emit({
      kind: 'operator.event',
      brandId: null,
      code: 'hub.resumed',
      subject: 'hub',
      detail: `The hub was away for ${Math.max(0, Math.round((turn.atMs - downSinceMs) / 1_000))} s.`,
    }),
  'hub.upgraded': () => {},
}

/** Applies a control change; what it decides holds from this place in the log on. */
export function applyControl(fleet: Fleet, turn: Turn, record: ControlRecord): void {
  const { change, changeId } = record
  // What concerns the whole hub has no brand and touches none.
  const brand = record.brandId === null ? new Brand('') : fleet.brand(record.brandId)
  const handler = HANDLERS[change.type] as ((here: Here, change: ControlChange) => void) | undefined
  handler?.({ fleet, turn, brand, changeId }, change)
}

function withDevice({ fleet, turn, brand }: Here, deviceId: string, act: (device: Device) => void): void {
  const device = brand.devices.get(deviceId)
  if (!device) return
  act(device)
  device.dirty = true
  hearAgain(turn, device)
  fleet.touched(device, turn)
}

/** What a change has made heard again is told at once: who inhibited it may be gone. */
function hearAgain(turn: Turn, device: Device): void {
  if (!device.brand.hushed.has(device)) return
  if (!device.tellHushed(turn)) device.brand.hushed.delete(device)
  turn.historical = false
}

/** Every device of the brand the filter takes, in order of id, so that effects come in one order in every run. */
function eachDevice({ fleet, turn, brand }: Here, act: (device: Device) => void): void {
  for (const device of sorted(brand.devices.values())) {
    act(device)
    hearAgain(turn, device)
    fleet.touched(device, turn)
  }
}

function sorted(devices: Iterable<Device>): Device[] {
  return [...devices].sort((a, b) => (a.facts.deviceId < b.facts.deviceId ? -1 : 1))
}

function productVersion(here: Here, { product, version }: Change<'product.version'>): void {
  const { brand, fleet, turn, changeId } = here
  const before = brand.products.get(product.key)
  const layout = new ProductLayout(product, version, before?.metrics ?? [])
  brand.products.set(product.key, layout)
  fleet.dirtyKeys.add(registryKey('product', brand.brandId, product.key))
  eachDevice(here, (device) => {
    if (device.facts.productKey !== product.key) return
    device.layout = layout
    refreshInstances(turn, device, changeId)
  })
}

function putDevice(here: Here, facts: Change<'device.added'>['device']): void {
  const { brand, fleet, turn, changeId } = here
  const layout = brand.products.get(facts.productKey)
  if (!layout) return // The API adds no device of a product it does not know; nothing could be decided about it.
  let device = brand.devices.get(facts.deviceId)
  if (device && device.facts.productKey !== facts.productKey) {
    endAll(turn, device, 'rule_removed')
    forget(device, layout)
  }
  if (!device) {
    device = new Device(brand, facts, layout, turn.atMs)
    brand.devices.set(facts.deviceId, device)
  }
  device.facts = facts
  brand.windows.addZone(facts.timeZone)
  fleet.dirtyKeys.add(registryKey('facts', brand.brandId, facts.deviceId))
  refreshInstances(turn, device, changeId)
  applyAllLimits(turn, device)
  fleet.touched(device, turn)
}

/** Home, region, zone or day of installation may be another now, and limits and the calendar with them. */
function applyAllLimits(turn: Turn, device: Device): void {
  for (const instance of device.instances) {
    if (!resolveLimits(device, instance)) continue
    wakeCalendar(instance, nextLookMs(turn, device, instance.plan))
    device.settle(instance)
  }
}

function deviceMoved(here: Here, { device: facts }: Change<'device.moved'>): void {
  const { brand, fleet, turn } = here
  const device = brand.devices.get(facts.deviceId)
  if (device) {
    // T21: the new home sees nothing of the old one's alerts.
    endAll(turn, device, 'device_removed')
    forget(device, device.layout)
  }
  putDevice(here, facts)
  const moved = brand.devices.get(facts.deviceId)
  if (moved) fleet.touched(moved, turn)
}

function deviceRemoved({ fleet, turn, brand }: Here, { deviceId }: Change<'device.removed'>): void {
  const device = brand.devices.get(deviceId)
  if (!device) return
  endAll(turn, device, 'device_removed')
  brand.devices.delete(deviceId)
  brand.hushed.delete(device)
  device.instances = []
  fleet.dirtyKeys.add(registryKey('facts', brand.brandId, deviceId))
  fleet.dirtyKeys.add(registryKey('device', brand.brandId, deviceId))
  fleet.dirtyDevices.delete(device)
}

function endAll(turn: Turn, device: Device, reason: 'device_removed' | 'rule_removed'): void {
  for (const instance of device.instances) resolveEpisode(turn, device, instance, reason)
}

/** Starts over with the same appliance. */
function forget(device: Device, layout: ProductLayout): void {
  device.layout = layout
  device.kept = new KeptSamples(layout.metrics.length)
  // Samples from before may still be under way; they belong to the past of somebody else.
  device.kept.startMs = device.watermarkMs
  setInstances(device, [])
}

function deviceAttributes(here: Here, { deviceId, values }: Change<'attributes'>): void {
  const { firmware } = values
  if (typeof firmware !== 'string') return
  withDevice(here, deviceId, (device) => {
    if (device.firmware === firmware) return
    device.firmware = firmware
    refreshInstances(here.turn, device, here.changeId)
  })
}

/**
 * A device that reports on change promises to be there. When it is lost without a goodbye its last
 * word no longer holds; a sleeping device that says goodbye keeps its promise by its heartbeat.
 */
function devicePresence(here: Here, { deviceId, epoch, state, graceful }: Change<'presence'>): void {
  withDevice(here, deviceId, (device) => {
    if (epoch < device.epoch) return
    device.epoch = epoch
    if (state === 'connected' || graceful || !device.layout.times.onChange) return
    const nowMs = device.watermarkMs + Math.max(0, here.turn.atMs - device.watermarkReceivedAtMs)
    for (const instance of device.instances) {
      if (instance.plan.axis === 'hub') continue
      const { core, offset, plan } = instance
      // What the calendar says does not depend on the device being there.
      const spoken = plan.leaves.filter((leaf) => !isCalendar(leaf))
      if (spoken.length === 0) continue
      for (const leaf of spoken)
        core[offset + leaf.at + LEAF_UNTIL] = Math.min(core[offset + leaf.at + LEAF_UNTIL]!, nowMs)
      const truth = core[offset + TRUTH]! as Truth
      const known = spoken.length < plan.leaves.length && truth !== UNKNOWN
      const untilMs = known ? knownUntil(plan.root, truth, core, offset, nowMs) : nowMs
      core[offset + UNTIL] = Math.min(core[offset + UNTIL]!, untilMs)
      for (const level of plan.levels)
        core[offset + level.at + UNTIL] = Math.min(core[offset + level.at + UNTIL]!, nowMs)
      device.settle(instance)
    }
  })
}

function ruleActivated(here: Here, change: Change<'rule.activated'>): void {
  const { brand, fleet, turn } = here
  const { rule: document, version, mode, canaryShare, activation } = change
  const { key } = document
  const given: RuleVersion = { document, version, mode, canaryShare, activation }
  const known = brand.rules.get(key)
  fleet.dirtyKeys.add(registryKey('rule', brand.brandId, key))
  if (!known) {
    brand.rules.set(key, { ...given, next: null })
    sortRules(brand)
    rankAnew(here)
    eachDevice(here, (device) => {
      if (applies(given, device)) refreshInstances(turn, device, activation)
    })
    return
  }
  if (!sameSemantics(known.document, document)) {
    known.next = { ...given, activatedAtMs: turn.atMs } // T19
    eachDevice(here, (device) => refreshInstances(turn, device, null))
    return
  }
  // T18: nothing that decides has changed. T27: enabled anew, which ends what the old activation opened.
  const anew = known.activation !== activation
  Object.assign(known, given, { next: null })
  eachDevice(here, (device) => {
    if (anew) {
      reactivate(turn, device, key, activation)
      device.dirty = true
    }
    refreshInstances(turn, device, here.changeId)
  })
}

/** T23: who inhibits whom has changed, and with it the order in which rules are judged. */
function rankAnew(here: Here): void {
  if (here.brand.rankAnew()) eachDevice(here, (device) => setInstances(device, device.instances))
}

/** Rules in order of key, so that instances and their effects come in one order whenever rules were enabled. */
function sortRules(brand: Brand): void {
  const rules = [...brand.rules].sort(([a], [b]) => (a < b ? -1 : 1))
  brand.rules.clear()
  for (const [key, rule] of rules) brand.rules.set(key, rule)
}

function ruleWarmed(here: Here, { ruleKey, version }: Change<'rule.warmed'>): void {
  const { brand, fleet, turn } = here
  const rule = brand.rules.get(ruleKey)
  if (!rule?.next || rule.next.version !== version) return
  const { activatedAtMs, ...next } = rule.next
  const missingMs = activatedAtMs + warmUpMs(next.document, rule.document) - turn.atMs
  if (missingMs > 0)
    turn.emit({
      kind: 'operator.event',
      brandId: brand.brandId,
      code: 'rule.warmup_short',
      subject: ruleKey,
      detail: `Version ${version} decides ${Math.ceil(missingMs / 1_000)} s before it has seen all the samples it looks back on.`,
    })
  const anew = rule.activation === next.activation ? null : next.activation
  Object.assign(rule, next, { next: null })
  rankAnew(here)
  fleet.dirtyKeys.add(registryKey('rule', brand.brandId, ruleKey))
  eachDevice(here, (device) => takeOver(turn, device, ruleKey, anew))
}

function rulePaused(here: Here, { ruleKey }: Change<'rule.paused'>): void {
  const { brand, fleet, turn } = here
  if (!brand.rules.delete(ruleKey)) return
  rankAnew(here)
  fleet.dirtyKeys.add(registryKey('rule', brand.brandId, ruleKey))
  eachDevice(here, (device) => {
    if (device.instances.some((instance) => instance.plan.ruleKey === ruleKey))
      refreshInstances(turn, device, here.changeId) // T20
  })
}

function parameterSet(here: Here, { scope, scopeId, key, value }: Change<'parameter.set'>): void {
  const { brand, fleet, turn } = here
  const settings = brand.parameters.get(key) ?? new Map<string, ParameterSetting>()
  const place = `${scope}:${scopeId}`
  if (value === null) settings.delete(place)
  else settings.set(place, { scope, scopeId, value })
  brand.parameters.set(key, settings)
  fleet.dirtyKeys.add(registryKey('parameter', brand.brandId, key))
  for (const device of sorted(applyParameter(turn, brand, key))) {
    device.dirty = true
    fleet.touched(device, turn)
  }
}

function modelFitted({ brand, fleet, turn }: Here, change: Change<'model.fitted'>): void {
  const { productKey, component, version, content } = change
  // What an older night taught is known already; a hub that fitted twice tells of both.
  if ((brand.livesOf(productKey).get(component)?.version ?? 0) >= version) return
  fleet.dirtyKeys.add(registryKey('life', brand.brandId, `${productKey}/${component}`))
  for (const device of sorted(
    learnLife(brand, productKey, component, { version, life: content as unknown as ServiceLife }),
  )) {
    device.dirty = true
    fleet.touched(device, turn)
  }
}

function monitoringConsent(here: Here, { homeId, granted }: Change<'consent.monitoring'>): void {
  const { brand, fleet, turn } = here
  if (granted) brand.unwatchedHomes.delete(homeId)
  else brand.unwatchedHomes.add(homeId)
  fleet.dirtyKeys.add(registryKey('brand', brand.brandId, ''))
  eachDevice(here, (device) => {
    if (device.facts.homeId === homeId) refreshInstances(turn, device, here.changeId)
  })
}

function maintenanceSet({ fleet, turn, brand }: Here, { windowId, window }: Change<'maintenance.set'>): void {
  brand.windows.set(windowId, window)
  fleet.dirtyKeys.add(registryKey('window', brand.brandId, windowId))
  fleet.tellHushed(brand, turn)
  fleet.schedule(brand, turn)
}

function silenceStarted({ fleet, turn, brand }: Here, change: Change<'silence.started'>): void {
  brand.silences.set(change.silenceId, startSilence(change, turn.atMs))
  if (change.kind === 'outage') turn.emit(outageEvent(brand, change))
  fleet.dirtyKeys.add(registryKey('silence', brand.brandId, change.silenceId))
  fleet.schedule(brand, turn)
}

/** One incident has one name, however many devices are in it (case 19). */
function outageEvent(brand: Brand, { scope, seen }: Change<'silence.started'>): EffectBody {
  const { code, subject, where } = outageName(scope, brand.brandId)
  const of = seen ? `${seen.silent} of ${seen.devices} devices ` : 'All devices '
  const since = seen ? ` since ${new Date(seen.sinceMs).toISOString()}` : ''
  return { kind: 'operator.event', brandId: brand.brandId, code, subject, detail: `${of}${where} say nothing${since}.` }
}

function outageName(scope: HushScope, brandId: string) {
  if (scope.homeId !== undefined) return { code: 'silence.home', subject: scope.homeId, where: 'of this home' } as const
  if (scope.region !== undefined)
    return { code: 'silence.region', subject: scope.region, where: `in region ${scope.region}` } as const
  return { code: 'silence.everyone', subject: brandId, where: 'of the brand' } as const
}

function silenceEnded({ fleet, turn, brand }: Here, { silenceId }: Change<'silence.ended'>): void {
  if (!brand.silences.delete(silenceId)) return
  fleet.dirtyKeys.add(registryKey('silence', brand.brandId, silenceId))
  fleet.tellHushed(brand, turn)
}
