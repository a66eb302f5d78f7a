import { Type } from 'typebox'
import { AUTHOR, brandOf } from '../http/access.ts'
import { bytesOf, readBytes } from '../http/bodies.ts'
import { Closed } from '../http/schemas.ts'
import { rawBodyValidator } from '../http/validation.ts'
import { QuarantineProblem } from './device-http.ts'
import type { Routes } from './routes.ts'

/** Ten thousand readings of some hundred bytes, with room for wide ones. */
const BODY_BYTES_MAX = 8 * 1_048_576

/** Readings from the brand's own cloud. */
export const bulkTelemetryRoutes: Routes = async (app, { ingest, directory }) => {
  readBytes(app, ['application/x-ndjson', 'application/jsonl'], BODY_BYTES_MAX)
  app.post(
    '/api/telemetry',
    {
      config: { access: AUTHOR },
      bodyLimit: BODY_BYTES_MAX,
      validatorCompiler: rawBodyValidator,
      schema: {
        summary: 'Up to 10,000 readings of many devices, one `{serial, ts?, values}` per line, with a result per line',
        description:
          '200 means as durable as a PUBACK. Sending the same lines again does no harm when they carry `ts`.',
        tags: ['telemetry'],
        consumes: ['application/x-ndjson'],
        body: Type.Unsafe<Buffer>({ type: 'string', format: 'binary' }),
        response: {
          200: Closed({
            accepted: Type.Integer(),
            refused: Type.Integer(),
            lines: Type.Array(
              Closed({ line: Type.Integer(), accepted: Type.Boolean(), problems: Type.Array(QuarantineProblem) }),
            ),
          }),
        },
      },
    },
    async (request) => {
      const brandId = brandOf(request)
      await ingest.whenRoom()
      return ingest.bulk(bytesOf(request.body), (serial) => directory.index.bySerial(brandId, serial))
    },
  )
}
