import type { DataQuality, InstanceView } from '#contracts'
import { ENTERED, SINCE, STARTED, STATE, TRUTH, UNTIL } from './alert-clock.ts'
import { FIRING, PENDING, RECOVERING, STATES, UNKNOWN } from './alert-lifecycle.ts'
import type { Device } from './device.ts'
import type { Instance } from './instance.ts'
import { isCompared, LEAF_VALUE } from './leaf.ts'
import type { Turn } from './turn.ts'

export interface ViewFilter {
  brandId?: string
  deviceId?: string
  ruleKey?: string
}

/** How one instance stands, for display. */
export function viewOf(turn: Turn, device: Device, instance: Instance): InstanceView {
  const { core, offset, plan } = instance
  const state = core[offset + STATE]!
  const since =
    state === PENDING || state === RECOVERING
      ? core[offset + SINCE]!
      : state === FIRING
        ? core[offset + STARTED]!
        : core[offset + ENTERED]!
  return {
    brandId: device.brand.brandId,
    ruleKey: plan.ruleKey,
    ruleVersion: instance.version,
    deviceId: device.facts.deviceId,
    component: plan.component,
    state: STATES[state]!,
    quality: qualityOf(turn, device, instance),
    sinceMs: Number.isFinite(since) ? since : 0,
    episodeId: instance.episode?.id ?? null,
    lastValue: lastValueOf(instance),
  }
}

/** T11, T12 and staleness: what the data are worth, beside where the condition stands. */
function qualityOf(turn: Turn, device: Device, instance: Instance): DataQuality {
  const { core, offset, plan } = instance
  if (instance.failure !== null) return 'error'
  for (const leaf of plan.leaves) {
    const value = core[offset + leaf.at + LEAF_VALUE]!
    if (isCompared(leaf) && (value === Number.POSITIVE_INFINITY || value === Number.NEGATIVE_INFINITY)) return 'error'
  }
  const silentMs = turn.tickMs - Math.max(device.receivedAtMs, turn.resumedAtMs)
  if (silentMs > plan.noDataAfterMs) return 'no-data'
  if (plan.axis === 'hub') return 'ok'
  const known = core[offset + TRUTH] !== UNKNOWN && core[offset + UNTIL]! >= device.nowMs(turn)
  return known ? 'ok' : 'stale'
}

function lastValueOf({ plan, core, offset }: Instance): number | null {
  const leaf = plan.leaves.find((candidate) => isCompared(candidate) || candidate.kind === 'anomaly')
  if (!leaf) return null
  const value = core[offset + leaf.at + LEAF_VALUE]!
  return Number.isFinite(value) ? value : null
}
