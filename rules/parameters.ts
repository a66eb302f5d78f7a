import type { DeviceFacts, ParameterScope } from '#contracts'

/** A parameter as set for part of a fleet. */
export interface ParameterSetting {
  scope: ParameterScope
  /** Device id, home id, region code, product key, or brand id. */
  scopeId: string
  value: number
}

/** What is in force, and where it came from. */
export interface EffectiveValue {
  value: number | null
  origin: { scope: ParameterScope | 'rule'; scopeId: string } | null
}

export type ParameterSubject = Pick<DeviceFacts, 'deviceId' | 'homeId' | 'region' | 'productKey'>

/**
 * Resolves a parameter for a device: device → home → region → product → brand → rule default.
 * Of several regions the longest code wins, since codes nest by prefix. `null` when nobody says.
 */
export function effectiveValue(
  settings: Iterable<ParameterSetting>,
  subject: ParameterSubject,
  ruleDefault: number | null,
): EffectiveValue {
  let best: ParameterSetting | null = null
  for (const setting of settings)
    if (concerns(setting, subject) && (!best || rank(setting) > rank(best))) best = setting
  if (best) return { value: best.value, origin: { scope: best.scope, scopeId: best.scopeId } }
  return ruleDefault === null
    ? { value: null, origin: null }
    : { value: ruleDefault, origin: { scope: 'rule', scopeId: '' } }
}

function concerns({ scope, scopeId }: ParameterSetting, subject: ParameterSubject): boolean {
  switch (scope) {
    case 'device':
      return scopeId === subject.deviceId
    case 'home':
      return scopeId === subject.homeId
    case 'region':
      return subject.region?.startsWith(scopeId) ?? false
    case 'product':
      return scopeId === subject.productKey
    case 'brand':
      return true
  }
}

const RANK: Record<ParameterScope, number> = { brand: 0, product: 100, region: 200, home: 300, device: 400 }

function rank({ scope, scopeId }: ParameterSetting): number {
  return RANK[scope] + (scope === 'region' ? scopeId.length : 0)
}
