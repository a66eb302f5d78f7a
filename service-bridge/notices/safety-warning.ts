import type { Episode } from '#contracts'
import { gateInTheWay } from '../cases/gate.ts'
import { anyInForce } from '../cases/rule-force.ts'
import type { Core, Work } from '../core.ts'
import { homeFacts } from '../facts.ts'
import { requestNotice } from './notices.ts'
import { SAFETY_TEXTS } from './safety-texts.ts'

/** A warning is worth sending this long; after that the episode's own state says more. */
const SAFETY_NOTICE_MS = 6 * 3_600_000

/** Fixed instructions at once, whatever the hour; only dispatch may be held. */
export async function warnAtOnce(core: Core, work: Work, episode: Episode, homeId: string | null): Promise<void> {
  const home = await homeFacts(work, homeId)
  if (!home || episode.safety === null) return
  const closed = await gateInTheWay(work.tx, { brandId: work.brandId, ruleKeys: [episode.ruleKey], safety: true })
  if (closed || !(await anyInForce(work, [episode.ruleKey]))) return
  await requestNotice(core, work, {
    home,
    kind: 'safety',
    reasonCode: 'safety',
    text: SAFETY_TEXTS[episode.safety],
    sendAfterMs: work.atMs,
    expiresAtMs: work.atMs + SAFETY_NOTICE_MS,
    cause: [episode.episodeId],
  })
}
