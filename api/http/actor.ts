import type { FastifyRequest } from 'fastify'
import type { Actor } from '#service-bridge'

/** Who asks, as cases and the audit trail name them: by key, never by name. */
export function actorOf(request: FastifyRequest): Actor {
  const { role, keyId, partnerKey } = request.principal!
  if (role === 'platform') return { kind: 'platform', id: keyId }
  if (role === 'partner') return { kind: 'partner', id: partnerKey }
  return { kind: 'brand', id: keyId }
}
