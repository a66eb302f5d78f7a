import { isTimeZone } from '#platform'
import type { Brand, RuleVersion } from './brand.ts'
import type { Device } from './device.ts'
import { resolveEpisode } from './episodes.ts'
import { inheritPast } from './inherited-past.ts'
import { Instance, instanceKey, shareArrays } from './instance.ts'
import { applySample } from './instance-core.ts'
import { LEAF_VALUE } from './leaf.ts'
import { effectiveValue } from './parameters.ts'
import type { Plan } from './plan.ts'
import { carryCourses } from './remaining-life.ts'
import { rowConcerns } from './row.ts'
import { inCanary, inScope } from './scope.ts'
import { boundaryAtOrAfter, TICK_MS } from './tick-timers.ts'
import type { Turn } from './turn.ts'
import { wakeCalendar } from './turning.ts'

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
  device.instances = inOrder(device.brand, instances)
  shareArrays(device.instances)
  device.dirty = true
}

/** Inhibitors before those they inhibit, then by key; watches behind all rules. */
export function inOrder(brand: Brand, instances: Instance[]): Instance[] {
  const rank = ({ plan, watch }: Instance): number => (watch ? Number.POSITIVE_INFINITY : brand.rankOf(plan.ruleKey))
  return instances.sort((a, b) => {
    const [left, right] = [rank(a), rank(b)]
    if (left !== right) return left - right
    return a.key < b.key ? -1 : a.key > b.key ? 1 : 0
  })
}

function keepWatch(device: Device, watch: Instance, wanted: Instance[]): void {
  const plan = device.layout.recovery(watch.plan.component)
  if (!plan || plan.length !== watch.plan.length) return
  if (plan !== watch.plan) replacePlan(device, watch, plan)
  wanted.push(watch)
}

/** The same semantics for another product version: what is known stays, samples from before stay as judged. */
function replacePlan(device: Device, instance: Instance, plan: Plan): void {
  carryCourses(instance, plan)
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
  const knownUntilMs = inheritPast(device, instance)
  wakeCalendar(instance, nextLookMs(turn, device, plan))
  if (warming && instance.failure === null && plan.axis === 'event') {
    // As of before the kept samples, so that a late one finds its place among them for this version too.
    instance.settle(knownUntilMs)
    warm(turn, device, instance, knownUntilMs)
  } else device.settle(instance)
  return instance
}

/** When the calendar is looked at for the first time: at the next tick, by the clock the plan goes by. */
export function nextLookMs(turn: Turn, device: Device, plan: Plan): number {
  return (plan.axis === 'hub' ? turn.tickMs : device.nowMs(turn)) + TICK_MS
}

/** T19: the samples kept for late ones, as far as what was taken over does not know them, are the first a new version reads. */
function warm(turn: Turn, device: Device, instance: Instance, knownUntilMs: number): void {
  const { kept, layout } = device
  if (kept.width < layout.metrics.length) kept.widen(layout.metrics.length)
  for (let at = 0; at < kept.rows.length; at += kept.stride)
    if (kept.rows[at]! > knownUntilMs && rowConcerns(instance.plan, kept.rows, at + 1))
      applySample(instance, kept.rows, at + 1, kept.rows[at]!, turn.listenTo(device, instance))
}

/** Fills in what depends on the device: parameters in force, the moments ages are reached, the calendar. */
export function resolveLimits(device: Device, instance: Instance): boolean {
  const { plan } = instance
  const { facts } = device
  const own = plan.parameters.length > 0 || plan.ages.length > 0
  const limits: number[] = own ? [...plan.limits] : (plan.limits as number[])
  let failure: string | null = null
  for (const { index, key, ruleDefault } of plan.parameters) {
    const { value } = effectiveValue(device.brand.settings(key), facts, ruleDefault)
    if (value === null) failure = `the parameter ${key} has no value for this device and the rule gives no default`
    limits[index] = value ?? Number.NaN
  }
  instance.lives = device.brand.livesOf(facts.productKey)
  for (const { index, sinceService, component } of plan.ages) {
    const service = sinceService ? device.services.get(component ?? plan.component) : undefined
    const bornMs = service?.atMs ?? facts.installedAtMs ?? Number.NaN
    limits[index] = boundaryAtOrAfter(bornMs + limits[index]! * DAY_MS)
    limits[index + 1] = bornMs
  }
  if (plan.turning.some((leaf) => leaf.kind === 'season') && !isTimeZone(facts.timeZone))
    failure = `${facts.timeZone} is no time zone`
  const changed =
    failure !== instance.failure ||
    (plan.turning.length > 0 && instance.zone !== facts.timeZone) ||
    limits.some((limit, i) => !Object.is(limit, instance.limits[i]))
  instance.limits = limits
  instance.failure = failure
  instance.zone = facts.timeZone
  return changed
}

const DAY_MS = 86_400_000

/** A parameter changed: whoever uses it is judged by the new value from here on. */
export function applyParameter(turn: Turn, brand: Brand, key: string): Device[] {
  const touched: Device[] = []
  for (const device of brand.devices.values()) {
    let changed = false
    for (const instance of device.instances) {
      if (!instance.plan.parameters.some((parameter) => parameter.key === key)) continue
      if (!resolveLimits(device, instance)) continue
      wakeCalendar(instance, nextLookMs(turn, device, instance.plan))
      device.settle(instance)
      changed = true
    }
    if (changed) touched.push(device)
  }
  return touched
}
