import type { SecretBox } from '#platform'
import type { DestinationKind, Tx } from '#store'
import { endpointPlace, openSecrets, partnerPlace, secretsInForce } from '../partners/partner-secrets.ts'
import type { Breaker } from './breaker.ts'

/** One endpoint that events go to: a partner's, or one of a brand's own. */
export interface Destination {
  kind: DestinationKind
  id: string
  /** The brand whose endpoint it is; a partner serves many. */
  brandId: string | null
  url: string | null
  secrets: string[]
  disabled: boolean
  breaker: Breaker
}

export const destinationKey = (kind: DestinationKind, id: string): string => `${kind}:${id}`

/** The endpoint as it now is; `null` when it no longer exists. */
export async function readDestination(
  tx: Tx,
  box: SecretBox,
  place: { kind: DestinationKind; id: string; brandId: string },
  atMs: number,
): Promise<Destination | null> {
  if (place.kind === 'partner') {
    const row = await tx.selectFrom('partners').selectAll().where('key', '=', place.id).executeTakeFirst()
    if (!row) return null
    const secrets = openSecrets(box, row.secrets_sealed, partnerPlace(row.partner_id))
    return {
      kind: 'partner',
      id: row.key,
      brandId: null,
      url: row.url,
      secrets: secretsInForce(secrets, atMs),
      disabled: row.disabled_at_ms !== null,
      breaker: breakerOf(row),
    }
  }
  const row = await tx
    .selectFrom('endpoints')
    .selectAll()
    .where('brand_id', '=', place.brandId)
    .where('endpoint_id', '=', place.id)
    .executeTakeFirst()
  if (!row) return null
  const secrets = openSecrets(box, row.secrets_sealed, endpointPlace(row.endpoint_id))
  return {
    kind: 'brand',
    id: row.endpoint_id,
    brandId: row.brand_id,
    url: row.url,
    secrets: secretsInForce(secrets, atMs),
    disabled: row.disabled_at_ms !== null,
    breaker: breakerOf(row),
  }
}

function breakerOf(row: {
  consecutive_failures: number
  breaker_opened_at_ms: number | null
  breaker_probe_at_ms: number | null
}): Breaker {
  return {
    failures: row.consecutive_failures,
    openedAtMs: row.breaker_opened_at_ms,
    probeAtMs: row.breaker_probe_at_ms,
  }
}

export async function writeBreaker(tx: Tx, destination: Destination, breaker: Breaker): Promise<void> {
  const columns = {
    consecutive_failures: breaker.failures,
    breaker_opened_at_ms: breaker.openedAtMs,
    breaker_probe_at_ms: breaker.probeAtMs,
  }
  if (destination.kind === 'partner') {
    await tx.updateTable('partners').set(columns).where('key', '=', destination.id).execute()
  } else {
    await tx
      .updateTable('endpoints')
      .set(columns)
      .where('brand_id', '=', destination.brandId!)
      .where('endpoint_id', '=', destination.id)
      .execute()
  }
}

/** The receiver said that it is gone. Partners are taken out of the choice as well. */
export async function disable(tx: Tx, destination: Destination, atMs: number, reason: string): Promise<void> {
  const columns = { disabled_at_ms: atMs, disabled_reason: reason }
  if (destination.kind === 'partner') {
    await tx.updateTable('partners').set(columns).where('key', '=', destination.id).execute()
    await tx
      .updateTable('agreements')
      .set({ partner_state: 'suspended' })
      .where('partner_key', '=', destination.id)
      .execute()
  } else {
    await tx
      .updateTable('endpoints')
      .set(columns)
      .where('brand_id', '=', destination.brandId!)
      .where('endpoint_id', '=', destination.id)
      .execute()
  }
}
