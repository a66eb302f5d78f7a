import type { ControlChange, DeviceFacts, Hush, HushScope } from '#contracts'
import type { MaintenanceWindows } from './maintenance.ts'

type SilenceStarted = Extract<ControlChange, { type: 'silence.started' }>
export type Silence = Pick<SilenceStarted, 'silenceId' | 'scope' | 'kind' | 'untilMs'>

/** A silence nobody ends would hide a fault for good (T22). */
const SILENCE_MS_MAX = 30 * 86_400_000

export function startSilence(change: SilenceStarted, atMs: number): Silence {
  const { silenceId, scope, kind, untilMs } = change
  return { silenceId, scope, kind, untilMs: Math.min(untilMs, atMs + SILENCE_MS_MAX) }
}

/** Whose alert it is that silences are asked about. */
export interface HushedRule {
  key: string
  safety: boolean
  /** The alert is about silence itself: that of the device, or of a metric. */
  aboutSilence: boolean
}

/**
 * Whether silences keep an alert of this rule and device from people now. Everything a scope
 * names must match; several silences add up, so the alert speaks when the last of them is over.
 */
export function silencedBy(
  silences: Iterable<Silence>,
  device: DeviceFacts,
  rule: HushedRule,
  atMs: number,
): Extract<Hush, 'maintenance' | 'silenced' | 'inhibited'> | null {
  let hush: Extract<Hush, 'silenced' | 'inhibited'> | null = null
  for (const silence of silences) {
    if (silence.untilMs <= atMs || !covers(silence.scope, device, rule.key)) continue
    if (silence.kind === 'outage') {
      // Said once for all of them; what else is wrong with a device is its own.
      if (rule.aboutSilence) hush ??= 'inhibited'
      continue
    }
    // Nobody asked for this quiet: it came with the visit, and danger during a visit is danger.
    if (silence.kind === 'service' && rule.safety) continue
    if (silence.kind !== 'silence') return 'maintenance'
    hush = 'silenced'
  }
  return hush
}

/** Whether recurring maintenance is on for this rule and device. */
export function inMaintenance(
  windows: MaintenanceWindows,
  device: DeviceFacts,
  ruleKey: string,
  atMs: number,
): boolean {
  return windows.isOn(device, atMs, ({ scope }) => covers(scope, device, ruleKey))
}

function covers(scope: HushScope, device: DeviceFacts, ruleKey: string): boolean {
  return (
    (scope.deviceId === undefined || scope.deviceId === device.deviceId) &&
    (scope.homeId === undefined || scope.homeId === device.homeId) &&
    (scope.productKey === undefined || scope.productKey === device.productKey) &&
    (scope.region === undefined || (device.region?.startsWith(scope.region) ?? false)) &&
    (scope.ruleKey === undefined || scope.ruleKey === ruleKey)
  )
}
