import type { SecretBox } from '#platform'

/** One signing secret; `untilMs` is set on the old one while a new one takes over. */
export interface KeptSecret {
  secret: string
  untilMs: number | null
}

/** How long both are good when nothing else is asked: a working day for the receiver to change over. */
export const SECRET_OVERLAP_MS = 24 * 3_600_000

export function sealSecrets(box: SecretBox, secrets: readonly KeptSecret[], place: string): Buffer {
  return box.seal(JSON.stringify(secrets), place)
}

export function openSecrets(box: SecretBox, sealed: Uint8Array, place: string): KeptSecret[] {
  return JSON.parse(box.open(sealed, place)) as KeptSecret[]
}

/** Those that sign and verify now, newest first. */
export function secretsInForce(secrets: readonly KeptSecret[], atMs: number): string[] {
  return secrets.filter((one) => one.untilMs === null || atMs < one.untilMs).map((one) => one.secret)
}

/** The new one first; what came before ends after the overlap. Never more than two. */
export function rotated(secrets: readonly KeptSecret[], fresh: string, atMs: number, overlapMs: number): KeptSecret[] {
  const previous = secrets[0]
  const ending = previous ? [{ secret: previous.secret, untilMs: atMs + overlapMs }] : []
  return [{ secret: fresh, untilMs: null }, ...(overlapMs > 0 ? ending : [])]
}

export const partnerPlace = (partnerId: string): string => `partners/${partnerId}/secrets`
export const endpointPlace = (endpointId: string): string => `endpoints/${endpointId}/secrets`
