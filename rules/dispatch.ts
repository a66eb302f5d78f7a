import type { RuleDocument } from '#contracts'

type Dispatch = NonNullable<RuleDocument['dispatch']>

/** What a need of this rule becomes. A rule that names no way of it offers the service it describes; one that describes none only tells. */
export function dispatchOf({ dispatch, service }: Pick<RuleDocument, 'dispatch' | 'service'>): Dispatch {
  return dispatch ?? (service ? 'offer' : 'notify')
}
