import type { Severity } from '#contracts'

const RANK: Readonly<Record<Severity, number>> = { info: 0, warning: 1, critical: 2 }

export function isWorse(one: Severity, than: Severity): boolean {
  return RANK[one] > RANK[than]
}
