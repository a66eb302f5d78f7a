import { SiteAnswer, type SiteQuestion } from '#contracts'
import { HubError, newId, type SecretBox } from '#platform'
import type { Core, Work } from '../core.ts'
import { openSecrets, secretsInForce } from '../partners/partner-secrets.ts'
import { validator } from '../validate.ts'

/**
 * A brand's own address service, asked at the moment a partner may know the address. The question goes out signed and
 * through the same address guard as every webhook; the answer is passed on and kept nowhere, not even when it is wrong.
 */

export interface Resolver {
  url: string
  secrets: string[]
}

export type Resolution =
  | { outcome: 'resolved'; site: SiteAnswer }
  | { outcome: 'unknown' }
  | { outcome: 'failed'; reason: string }

const checkAnswer = validator(SiteAnswer)

export const resolverPlace = (brandId: string): string => `site_resolvers/${brandId}/secrets`

export async function resolverOf(box: SecretBox, work: Work): Promise<Resolver | null> {
  const row = await work.tx
    .selectFrom('site_resolvers')
    .select(['url', 'secrets_sealed'])
    .where('brand_id', '=', work.brandId)
    .executeTakeFirst()
  if (!row) return null
  const secrets = openSecrets(box, row.secrets_sealed, resolverPlace(work.brandId))
  return { url: row.url, secrets: secretsInForce(secrets, work.atMs) }
}

/** Asks outside of any transaction: the brand's server may take its time. */
export async function resolveSite(core: Core, resolver: Resolver, question: SiteQuestion): Promise<Resolution> {
  const { answer, body } = await core.exchange({
    ...resolver,
    id: newId('msg'),
    body: JSON.stringify(question),
    contentType: 'application/json; charset=utf-8',
  })
  if (answer.kind !== 'answered') return { outcome: 'failed', reason: answer.reason }
  if (answer.status === 404 || answer.status === 410) return { outcome: 'unknown' }
  if (answer.status !== 200) return { outcome: 'failed', reason: `it answered ${answer.status}` }
  if (body === null) return { outcome: 'failed', reason: 'its answer is too large' }
  try {
    return {
      outcome: 'resolved',
      site: checkAnswer(JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body))),
    }
  } catch (error) {
    // The place of the mistake, never the words: they may be the address itself.
    const place = error instanceof HubError ? ` at ${error.pointer || 'its root'}` : ''
    return { outcome: 'failed', reason: `its answer is not an address${place}` }
  }
}
