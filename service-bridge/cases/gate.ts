import { instant } from '#contracts'
import { HubError } from '#platform'
import type { GateKind, Tx } from '#store'
import { GATE_SCOPES, type GateScope, type GateView } from '../views.ts'

/** What an effect concerns; a gate on any of it holds the effect. */
export interface GateQuestion {
  brandId: string
  ruleKeys?: readonly string[]
  region?: string | null
  partnerKey?: string | null
  /** A safety notice passes every gate but one on its own rule: that rule was found to be wrong. */
  safety?: boolean
}

/** The closed gate that holds an effect, or `null`. Asked in front of everything that leaves the hub. */
export async function gateInTheWay(tx: Tx, question: GateQuestion): Promise<GateView | null> {
  const rows = await tx
    .selectFrom('gates')
    .select(['kind', 'target', 'closed_at_ms', 'reason'])
    .where('brand_id', '=', question.brandId)
    .execute()
  const holding = rows.find((gate) => holds(gate.kind, gate.target, question))
  return holding
    ? { scope: holding.kind, subject: holding.target, closedAt: instant(holding.closed_at_ms), reason: holding.reason }
    : null
}

function holds(kind: GateKind, target: string, question: GateQuestion): boolean {
  if (kind === 'rule') return question.ruleKeys?.includes(target) ?? false
  if (question.safety) return false
  if (kind === 'brand') return true
  if (kind === 'region') return question.region?.startsWith(target) ?? false
  return question.partnerKey === target
}

/** Partners to whom nothing may leave. */
export async function partnerGates({ tx, brandId }: { tx: Tx; brandId: string }): Promise<ReadonlySet<string>> {
  const rows = await tx
    .selectFrom('gates')
    .select('target')
    .where('brand_id', '=', brandId)
    .where('kind', '=', 'partner')
    .execute()
  return new Set(rows.map((row) => row.target))
}

/** `*` for the brand's own gate, a key or region prefix otherwise; throws VALIDATION_FAILED. */
export function gateTarget(scope: GateScope, subject: string): string {
  if (!GATE_SCOPES.includes(scope)) throw new HubError('VALIDATION_FAILED', `"${scope}" is not a gate scope.`)
  if (scope === 'brand') return '*'
  if (scope === 'region' && !/^\d{2,9}$/.test(subject)) {
    throw new HubError('VALIDATION_FAILED', 'A region gate names a region-code prefix of 2 to 9 digits.')
  }
  if (subject === '' || subject.length > 64) throw new HubError('VALIDATION_FAILED', 'A gate names what it closes.')
  return subject
}
