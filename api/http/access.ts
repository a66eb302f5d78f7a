import type { FastifyInstance, FastifyRequest } from 'fastify'
import { HubError, subscriberOf } from '#platform'
import type { KeyCheck } from './key-check.ts'
import type { RateLimiter } from './rate-limit.ts'

export type Role = 'platform' | 'admin' | 'author' | 'viewer' | 'partner'

/**
 * Who may call a route; every route says so, or the server does not start.
 * `link`, `device` and `signed` routes are proven by what stands in the path or the body.
 */
export type Access =
  | { kind: 'public' }
  | { kind: 'device' }
  | { kind: 'link' }
  | { kind: 'signed' }
  | { kind: 'key'; roles: readonly Role[] }

/** What a valid key says about its caller. */
export interface Principal {
  keyId: string
  role: Role
  /** `null` for the operator's and a partner's keys, which belong to no brand. */
  brandId: string | null
  /** Of a partner key: whose orders it may see. */
  partnerKey: string | null
  expiresAtMs: number | null
}

declare module 'fastify' {
  interface FastifyContextConfig {
    access?: Access
  }
  interface FastifyRequest {
    principal: Principal | null
  }
}

export const PUBLIC: Access = { kind: 'public' }
export const DEVICE: Access = { kind: 'device' }
export const LINK: Access = { kind: 'link' }
export const SIGNED: Access = { kind: 'signed' }
/** The operator of the hub. */
export const OPERATOR: Access = { kind: 'key', roles: ['platform'] }
/** Whoever runs a brand: keys, homes and people, consents. */
export const ADMIN: Access = { kind: 'key', roles: ['admin'] }
/** Whoever writes products and rules and looks after devices. */
export const AUTHOR: Access = { kind: 'key', roles: ['admin', 'author'] }
/** Anybody of the brand. */
export const VIEWER: Access = { kind: 'key', roles: ['admin', 'author', 'viewer'] }
export const PARTNER: Access = { kind: 'key', roles: ['partner'] }

/** Where people read how to call. */
export const DOCS_PATH = '/docs'

const BEARER = /^Bearer ([\x21-\x7e]{16,256})$/

export interface AccessOptions {
  keys: KeyCheck
  /** Attempts per address, valid or not: before any lookup. */
  perAddress: RateLimiter
  /** Calls per key. */
  perKey: RateLimiter
}

/** Every route declares its access; a request that lacks it goes no further than its headers. */
export function guardAccess(app: FastifyInstance, { keys, perAddress, perKey }: AccessOptions): void {
  app.decorateRequest('principal', null)

  app.addHook('onRoute', (route) => {
    // The documentation's own files come from its plugin, which cannot say it for us.
    if (route.url.startsWith(DOCS_PATH)) route.config = { ...route.config, access: PUBLIC }
    if (!route.config?.access) throw new Error(`${String(route.method)} ${route.url} declares no access`)
  })

  app.addHook('onRequest', async (request, reply) => {
    const access = request.routeOptions.config.access
    // An unknown path has none; the answer is 404 for everybody.
    const waitMs = perAddress.take(subscriberOf(request.ip))
    if (waitMs > 0) throw tooMany(reply, waitMs, 'from this address')
    if (access?.kind !== 'key') return
    const principal = await keys.principalOf(bearerOf(request))
    if (!principal) throw new HubError('UNAUTHENTICATED', 'The key is not known, was revoked, or has expired.')
    const keyWaitMs = perKey.take(principal.keyId)
    if (keyWaitMs > 0) throw tooMany(reply, keyWaitMs, 'with this key')
    if (!access.roles.includes(principal.role)) {
      throw new HubError(
        'FORBIDDEN',
        `This call is for ${access.roles.join(', ')}; the key is of role ${principal.role}.`,
      )
    }
    request.principal = principal
  })
}

export function bearerOf(request: FastifyRequest): string {
  const header = request.headers.authorization
  if (header === undefined) throw new HubError('UNAUTHENTICATED', 'Send the header “Authorization: Bearer KEY”.')
  const match = BEARER.exec(header)
  if (!match) throw new HubError('UNAUTHENTICATED', 'The Authorization header is not of the form “Bearer KEY”.')
  return match[1]!
}

function tooMany(reply: { header(name: string, value: string): unknown }, waitMs: number, whose: string): HubError {
  const seconds = Math.ceil(waitMs / 1_000)
  reply.header('retry-after', String(seconds))
  return new HubError('RATE_LIMITED', `Too many requests ${whose}. Try again in ${seconds} s.`)
}

/** The caller of a brand route. A route that admits keys without a brand must not use this. */
export function brandOf(request: FastifyRequest): string {
  const brandId = request.principal?.brandId
  if (!brandId) throw new Error(`${request.routeOptions.url} was reached without a brand`)
  return brandId
}
