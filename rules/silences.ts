import type { ControlChange, DeviceFacts, Hush } from '#contracts'

type SilenceStarted = Extract<ControlChange, { type: 'silence.started' }>
export type Silence = Pick<SilenceStarted, 'silenceId' | 'scope' | 'kind' | 'untilMs'>

/** A silence nobody ends would hide a fault for good (T22). */
const SILENCE_MS_MAX = 30 * 86_400_000

export function startSilence(change: SilenceStarted, atMs: number): Silence {
  const { silenceId, scope, kind, untilMs } = change
  return { silenceId, scope, kind, untilMs: Math.min(untilMs, atMs + SILENCE_MS_MAX) }
}

/**
 * Whether silences keep an alert of this rule and device from people now. Everything a scope
 * names must match; several silences add up, so the alert speaks when the last of them is over.
 */
export function silencedBy(
  silences: Iterable<Silence>,
  device: DeviceFacts,
  rule: { key: string; safety: boolean },
  atMs: number,
): Extract<Hush, 'maintenance' | 'silenced'> | null {
  let hush: Extract<Hush, 'maintenance' | 'silenced'> | null = null
  for (const silence of silences) {
    if (silence.untilMs <= atMs || !covers(silence.scope, device, rule.key)) continue
    // Nobody asked for this quiet: it came with the visit, and danger during a visit is danger.
    if (silence.kind === 'service' && rule.safety) continue
    if (silence.kind !== 'silence') return 'maintenance'
    hush = 'silenced'
  }
  return hush
}

function covers(scope: Silence['scope'], device: DeviceFacts, ruleKey: string): boolean {
  return (
    (scope.deviceId === undefined || scope.deviceId === device.deviceId) &&
    (scope.homeId === undefined || scope.homeId === device.homeId) &&
    (scope.productKey === undefined || scope.productKey === device.productKey) &&
    (scope.region === undefined || (device.region?.startsWith(scope.region) ?? false)) &&
    (scope.ruleKey === undefined || scope.ruleKey === ruleKey)
  )
}
