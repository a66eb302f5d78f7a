import { X509Certificate } from 'node:crypto'
import { Type } from 'typebox'
import { instant } from '#contracts'
import { HubError, newId, sha256Hex } from '#platform'
import { deviceFacts, placeOf } from '../device-facts.ts'
import { requireDevice } from '../devices.ts'
import { AUTHOR } from '../http/access.ts'
import { commit, type Work } from '../http/commit.ts'
import { read } from '../http/read.ts'
import { Closed, Nullable, PathName, Time } from '../http/schemas.ts'
import { insertToken } from '../register-devices.ts'
import { NewCredential } from './devices.ts'
import type { Routes } from './routes.ts'

/** Tokens and certificates of one device that work at the same time: a rotation under way, with room. */
const LIVE_CREDENTIALS_MAX = 8

const Credential = Closed({
  id: Type.String(),
  kind: Type.Enum(['token', 'certificate']),
  createdAt: Time,
  revokedAt: Nullable(Time),
})
const params = Closed({ device: PathName })
const tags = ['devices']

interface CredentialRow {
  credential_id: string
  kind: 'token' | 'certificate'
  created_at_ms: number
  revoked_at_ms: number | null
}

function credentialOfRow(row: CredentialRow) {
  return {
    id: row.credential_id,
    kind: row.kind,
    createdAt: instant(row.created_at_ms),
    revokedAt: row.revoked_at_ms === null ? null : instant(row.revoked_at_ms),
  }
}

/** How a device proves itself: access tokens, client certificates. A revoked one loses its sessions at once. */
export const credentialRoutes: Routes = async (app, services) => {
  const { broker, directory } = services

  /** Runs after the rows are committed, whether or not the log has taken the change yet. */
  async function closeSessions(gone: readonly { credentialId: string; deviceId: string }[]): Promise<void> {
    for (const credential of gone) {
      directory.revoke(credential)
      await broker.dropSessions({ credentialId: credential.credentialId })
    }
  }

  /** The edge reads a device's credentials anew when a record of it passes. */
  async function announce({ tx, brandId, change }: Work, deviceId: string): Promise<void> {
    const device = await requireDevice(tx, brandId, deviceId)
    await change({ type: 'device.changed', device: deviceFacts(device, await placeOf(tx, brandId, device.home_id)) })
  }

  app.get(
    '/api/devices/:device/credentials',
    {
      config: { access: AUTHOR },
      schema: {
        summary: 'Credentials a device has and had; never the secrets',
        tags,
        params,
        response: { 200: Closed({ items: Type.Array(Credential), nextCursor: Type.Null() }) },
      },
    },
    (request) =>
      read(services, request, async (tx, brandId) => {
        const { device_id } = await requireDevice(tx, brandId, request.params.device)
        const rows = await tx
          .selectFrom('credentials')
          .select(['credential_id', 'kind', 'created_at_ms', 'revoked_at_ms'])
          .where('brand_id', '=', brandId)
          .where('device_id', '=', device_id)
          .orderBy('created_at_ms', 'desc')
          .orderBy('credential_id')
          .limit(100)
          .execute()
        return { items: rows.map(credentialOfRow), nextCursor: null }
      }),
  )

  app.post(
    '/api/devices/:device/credentials',
    {
      config: { access: AUTHOR },
      schema: {
        summary: 'Rotate the access token; the new one is shown once, older ones end unless `keepOld`',
        tags,
        params,
        body: Closed({
          keepOld: Type.Optional(Type.Boolean({ description: 'leave the older tokens valid until they are revoked' })),
        }),
        response: { 201: Closed({ credential: NewCredential }) },
      },
    },
    async (request, reply) => {
      let gone: { credentialId: string; deviceId: string }[] = []
      try {
        return await commit(services, request, reply, async (work) => {
          const { tx, brandId, nowMs, audit } = work
          const { device_id: deviceId } = await requireDevice(tx, brandId, request.params.device, { lock: true })
          if (request.body.keepOld) await refuseTooMany(work, deviceId)
          else {
            const revoked = await tx
              .updateTable('credentials')
              .set({ revoked_at_ms: nowMs })
              .where('brand_id', '=', brandId)
              .where('device_id', '=', deviceId)
              .where('kind', '=', 'token')
              .where('revoked_at_ms', 'is', null)
              .returning('credential_id')
              .execute()
            gone = revoked.map((row) => ({ credentialId: row.credential_id, deviceId }))
          }
          const { credentialId, token } = await insertToken(tx, { brandId, deviceId, nowMs })
          await announce(work, deviceId)
          audit('credential.created', credentialId, { device: deviceId, kind: 'token', revoked: gone.length })
          return { status: 201, body: { credential: { id: credentialId, accessToken: token } } }
        })
      } finally {
        await closeSessions(gone)
      }
    },
  )

  app.post(
    '/api/devices/:device/certificates',
    {
      config: { access: AUTHOR },
      schema: {
        summary: 'Bind a client certificate to the device',
        tags,
        params,
        body: Closed({ pem: Type.String({ minLength: 64, maxLength: 16_384, description: 'one certificate, PEM' }) }),
        response: { 201: Credential },
      },
    },
    (request, reply) => {
      const hash = fingerprintOf(request.body.pem)
      return commit(services, request, reply, async (work) => {
        const { tx, brandId, nowMs, audit } = work
        const { device_id: deviceId } = await requireDevice(tx, brandId, request.params.device, { lock: true })
        await refuseTooMany(work, deviceId)
        const row = await tx
          .insertInto('credentials')
          .values({
            brand_id: brandId,
            credential_id: newId('cred'),
            device_id: deviceId,
            kind: 'certificate',
            hash,
            created_at_ms: nowMs,
          })
          .onConflict((conflict) => conflict.column('hash').doNothing())
          .returning(['credential_id', 'kind', 'created_at_ms', 'revoked_at_ms'])
          .executeTakeFirst()
        if (!row) throw new HubError('CONFLICT', 'This certificate is bound already, or was once.', { pointer: '/pem' })
        await announce(work, deviceId)
        audit('credential.created', row.credential_id, { device: deviceId, kind: 'certificate' })
        return { status: 201, body: credentialOfRow(row) }
      })
    },
  )

  app.delete(
    '/api/devices/:device/credentials/:credential',
    {
      config: { access: AUTHOR },
      schema: {
        summary: 'Revoke a token or certificate; its sessions are closed',
        tags,
        params: Closed({ device: PathName, credential: PathName }),
        response: { 204: Type.Null() },
      },
    },
    async (request, reply) => {
      let gone: { credentialId: string; deviceId: string }[] = []
      try {
        return await commit(services, request, reply, async (work) => {
          const { tx, brandId, nowMs, audit } = work
          const { device_id: deviceId } = await requireDevice(tx, brandId, request.params.device, { lock: true })
          const row = await tx
            .updateTable('credentials')
            .set((eb) => ({ revoked_at_ms: eb.fn.coalesce('revoked_at_ms', eb.val(nowMs)) }))
            .where('brand_id', '=', brandId)
            .where('device_id', '=', deviceId)
            .where('credential_id', '=', request.params.credential)
            .returning('credential_id')
            .executeTakeFirst()
          if (!row) throw new HubError('NOT_FOUND', 'The device has no such credential.')
          gone = [{ credentialId: row.credential_id, deviceId }]
          await announce(work, deviceId)
          audit('credential.revoked', row.credential_id, { device: deviceId })
          return { status: 204, body: null }
        })
      } finally {
        await closeSessions(gone)
      }
    },
  )
}

async function refuseTooMany({ tx, brandId }: Work, deviceId: string): Promise<void> {
  const { live } = await tx
    .selectFrom('credentials')
    .select((eb) => eb.fn.countAll<number>().as('live'))
    .where('brand_id', '=', brandId)
    .where('device_id', '=', deviceId)
    .where('revoked_at_ms', 'is', null)
    .executeTakeFirstOrThrow()
  if (live < LIVE_CREDENTIALS_MAX) return
  throw new HubError('STATE_FORBIDS', `The device has ${live} live credentials. Revoke one before adding another.`)
}

/** SHA-256 over the certificate as the TLS layer sees it. */
function fingerprintOf(pem: string): string {
  try {
    return sha256Hex(new X509Certificate(pem).raw)
  } catch (error) {
    throw new HubError('VALIDATION_FAILED', 'This is not an X.509 certificate in PEM form.', {
      pointer: '/pem',
      cause: error,
    })
  }
}
