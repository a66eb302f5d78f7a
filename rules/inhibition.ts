import type { Problem } from '#platform'
import { STATE } from './alert-clock.ts'
import { FIRING, RECOVERING } from './alert-lifecycle.ts'
import type { RuleState } from './brand.ts'
import type { Device } from './device.ts'
import { didYouMean } from './did-you-mean.ts'
import type { Instance } from './instance.ts'
import { pointerOf } from './plain-input.ts'

/**
 * T23: whether a rule that says it better has an alert open on this device. What is latched and healthy again
 * says nothing any more; who is only tried out keeps nobody quiet but those who are tried out too.
 */
export function isInhibited(device: Device, { plan }: Instance): boolean {
  const { rule } = plan
  if (!rule?.inhibitedBy || rule.safety) return false
  const mode = device.brand.modeOf(rule.key)
  return device.instances.some((other) => {
    if (other.warming || other.watch || !rule.inhibitedBy!.includes(other.plan.ruleKey)) return false
    const state = other.core[other.offset + STATE]
    if (state !== FIRING && state !== RECOVERING) return false
    return mode === 'shadow' || device.brand.modeOf(other.plan.ruleKey) === 'active'
  })
}

/**
 * How many rules stand before each one at most, so that inhibitors are judged first. A rule of a circle,
 * which no save lets through but two old versions enabled together might make, stands where the circle was entered.
 */
export function inhibitionRanks(rules: ReadonlyMap<string, Pick<RuleState, 'document'>>): Map<string, number> {
  const ranks = new Map<string, number>()
  const under = new Set<string>()
  const rank = (key: string): number => {
    const known = ranks.get(key)
    if (known !== undefined) return known
    const by = rules.get(key)?.document.inhibitedBy ?? []
    if (by.length === 0 || under.has(key)) return 0
    under.add(key)
    const own = Math.max(...by.map((other) => (rules.has(other) ? rank(other) + 1 : 0)))
    under.delete(key)
    ranks.set(key, own)
    return own
  }
  for (const key of [...rules.keys()].sort()) if (rank(key) > 0) ranks.set(key, rank(key))
  return ranks
}

/**
 * What is wrong with whom a rule is inhibited by: rules nobody knows, and circles, which would let
 * two alerts keep each other from being told.
 *
 * @param others for every other rule of the brand, which rules inhibit it
 */
export function inhibitionProblems(
  rule: { key: string; inhibitedBy?: readonly string[] | undefined },
  others: ReadonlyMap<string, readonly string[]>,
): Problem[] {
  return (rule.inhibitedBy ?? []).flatMap((by, i): Problem[] => {
    const pointer = pointerOf(['inhibitedBy', String(i)])
    if (!others.has(by)) return [{ pointer, detail: `There is no rule ${by}.${didYouMean(by, [...others.keys()])}` }]
    const circle = pathTo(rule.key, by, others)
    return circle
      ? [{ pointer, detail: `The rules would inhibit each other: ${[rule.key, ...circle].join(' ← ')}.` }]
      : []
  })
}

/** The rules from `from` on, each inhibited by the next, that lead to `to`; `null` when none does. */
function pathTo(to: string, from: string, others: ReadonlyMap<string, readonly string[]>): string[] | null {
  const seen = new Set<string>([from])
  let paths: string[][] = [[from]]
  while (paths.length > 0) {
    const next: string[][] = []
    for (const path of paths)
      for (const by of others.get(path.at(-1)!) ?? []) {
        if (by === to) return [...path, to]
        if (seen.has(by)) continue
        seen.add(by)
        next.push([...path, by])
      }
    paths = next
  }
  return null
}
