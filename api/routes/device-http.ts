import { Type } from 'typebox'
import { QUARANTINE_CODES } from '#contracts'
import { type DeviceRef, PAYLOAD_BYTES_MAX } from '#ingest'
import { HubError, tokenHash } from '#platform'
import { DEVICE } from '../http/access.ts'
import { bytesOf, readBytes } from '../http/bodies.ts'
import { Closed, PathName } from '../http/schemas.ts'
import { rawBodyValidator } from '../http/validation.ts'
import type { Routes } from './routes.ts'

const params = Closed({ token: PathName })
const tags = ['device']
export const QuarantineProblem = Closed({
  code: Type.Union([Type.Enum([...QUARANTINE_CODES]), Type.String()]),
  pointer: Type.String(),
  detail: Type.String(),
})
const Taken = Closed({ accepted: Type.Integer(), problems: Type.Array(QuarantineProblem) })
const description =
  'The same bodies as over MQTT. 200 means as durable as a PUBACK: on disk. What could not be accepted is named here and quarantined.'

/** The device's side over HTTP, for firmware without MQTT. */
export const deviceHttpRoutes: Routes = async (app, { directory, ingest }) => {
  // Firmware seldom sets a content type; whatever it says, the payload is read as JSON.
  readBytes(app, ['*'], PAYLOAD_BYTES_MAX)

  const deviceOf = (token: string): DeviceRef => {
    const known = directory.index.credential(tokenHash(token))
    if (!known) throw new HubError('UNAUTHENTICATED', 'The access token is not known or was revoked.')
    return { brandId: known.device.brandId, deviceId: known.device.deviceId }
  }
  const body = Type.Unsafe<Buffer>({ type: 'object', additionalProperties: true })
  const config = { access: DEVICE }

  for (const kind of ['telemetry', 'attributes'] as const) {
    app.post(
      `/api/v1/:token/${kind}`,
      {
        config,
        bodyLimit: PAYLOAD_BYTES_MAX,
        validatorCompiler: rawBodyValidator,
        schema: {
          summary:
            kind === 'telemetry' ? 'Readings of the device' : 'Attributes of the device, as its firmware version',
          description,
          tags,
          params,
          body,
          response: { 200: Taken },
        },
      },
      async (request) => {
        const device = deviceOf(request.params.token)
        await ingest.whenRoom()
        const sent = { payload: bytesOf(request.body), delivery: null }
        const via = `api/v1/${kind}`
        const { accepted, problems } =
          kind === 'telemetry'
            ? await ingest.telemetry(device, [sent], via)
            : await ingest.attributes(device, sent.payload, { via, delivery: null })
        return { accepted, problems }
      },
    )
  }
}
