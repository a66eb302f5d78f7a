import type { Brand, RuleVersion } from './brand.ts'
import type { Device } from './device.ts'
import { resolveEpisode } from './episodes.ts'
import { Instance, instanceKey, shareArrays } from './instance.ts'
import { applySample } from './instance-core.ts'
import { LEAF_VALUE } from './leaf.ts'
import { effectiveValue } from './parameters.ts'
import type { Plan } from './plan.ts'
import { rowConcerns } from './row.ts'
import { inCanary, inScope } from './scope.ts'
import type { Turn } from './turn.ts'

/** Whether a version of a rule looks at this device. */
export function applies(rule: RuleVersion, device: Device): boolean {
  const { facts, layout, firmware, brand } = device
  if (facts.homeId !== null && brand.unwatchedHomes.has(facts.homeId)) return false
  return (
    inScope(rule.document.scope, { facts, product: layout.product, firmware }) &&
    inCanary(facts.deviceId, rule.canaryShare)
  )
}

/**
 * Brings a device's instances into line with the brand's rules and the device's facts: new ones
 * begin, those without a rule end (T20), the others are not touched.
 *
 * @param activation Names the change behind it; `null` for that of the rule itself.
 */
export function refreshInstances(turn: Turn, device: Device, activation: string | null): void {
  const { brand, layout } = device
  const known = new Map(device.instances.map((instance) => [instance.key, instance]))
  const wanted: Instance[] = []
  const want = (plan: Plan, rule: RuleVersion, warming: boolean): void => {
    const existing = known.get(instanceKey(plan, warming))
    // Another document under way to replace the same rule is another version, whatever its number.
    if (existing && (!warming || existing.plan.rule === rule.document)) {
      existing.version = rule.version
      if (existing.plan !== plan) replacePlan(device, existing, plan)
      wanted.push(existing)
    } else wanted.push(beginInstance(turn, device, plan, rule, activation ?? rule.activation, warming))
  }
  for (const rule of brand.rules.values()) {
    if (applies(rule, device)) for (const plan of layout.plans(rule.document)) want(plan, rule, false)
    if (rule.next && applies(rule.next, device))
      for (const plan of layout.plans(rule.next.document)) want(plan, rule.next, true)
  }
  for (const instance of device.instances) {
    if (instance.watch) keepWatch(device, instance, wanted)
    else if (!wanted.includes(instance)) resolveEpisode(turn, device, instance, 'rule_removed')
  }
  setInstances(device, wanted)
}

export function setInstances(device: Device, instances: Instance[]): void {
  device.instances = instances.sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0))
  shareArrays(device.instances)
  device.dirty = true
}

function keepWatch(device: Device, watch: Instance, wanted: Instance[]): void {
  const plan = device.layout.recovery(watch.plan.component)
  if (!plan || plan.length !== watch.plan.length) return
  if (plan !== watch.plan) replacePlan(device, watch, plan)
  wanted.push(watch)
}

/** The same semantics for another product version: what is known stays, samples from before stay as judged. */
function replacePlan(device: Device, instance: Instance, plan: Plan): void {
  instance.plan = plan
  resolveLimits(device, instance)
  device.settle(instance)
}

function beginInstance(
  turn: Turn,
  device: Device,
  plan: Plan,
  rule: RuleVersion,
  activation: string,
  warming: boolean,
): Instance {
  const instance = new Instance(plan, rule.version, activation)
  instance.warming = warming
  resolveLimits(device, instance)
  for (const leaf of plan.leaves) if (leaf.kind === 'noData') instance.core[leaf.at + LEAF_VALUE] = turn.atMs
  if (warming && instance.failure === null) warm(turn, device, instance)
  device.settle(instance)
  return instance
}

/** T19: the samples kept for late ones are the first a new version reads. */
function warm(turn: Turn, device: Device, instance: Instance): void {
  const { kept, layout } = device
  if (instance.plan.axis === 'hub') return
  if (kept.width < layout.metrics.length) kept.widen(layout.metrics.length)
  for (let at = 0; at < kept.rows.length; at += kept.stride)
    if (rowConcerns(instance.plan, kept.rows, at + 1))
      applySample(instance, kept.rows, at + 1, kept.rows[at]!, turn.listenTo(device, instance))
}

/** Fills in the parameters in force for this device. Returns whether anything is different. */
export function resolveLimits(device: Device, instance: Instance): boolean {
  const { plan } = instance
  const limits = plan.parameters.length === 0 ? plan.limits : [...plan.limits]
  let failure: string | null = null
  for (const { index, key, ruleDefault } of plan.parameters) {
    const { value } = effectiveValue(device.brand.settings(key), device.facts, ruleDefault)
    if (value === null) failure = `the parameter ${key} has no value for this device and the rule gives no default`
    ;(limits as number[])[index] = value ?? Number.NaN
  }
  const changed = failure !== instance.failure || limits.some((limit, i) => !Object.is(limit, instance.limits[i]))
  instance.limits = limits
  instance.failure = failure
  return changed
}

/** A parameter changed: whoever uses it is judged by the new value from here on. */
export function applyParameter(brand: Brand, key: string): Device[] {
  const touched: Device[] = []
  for (const device of brand.devices.values()) {
    let changed = false
    for (const instance of device.instances) {
      if (!instance.plan.parameters.some((parameter) => parameter.key === key)) continue
      if (!resolveLimits(device, instance)) continue
      device.settle(instance)
      changed = true
    }
    if (changed) touched.push(device)
  }
  return touched
}
