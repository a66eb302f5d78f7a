import { Type } from 'typebox'
import { instant, KEY_PATTERN } from '#contracts'
import { durationMs, HubError } from '#platform'
import { requireDevice } from '../devices.ts'
import { VIEWER } from '../http/access.ts'
import { PAGE_SIZE_MAX, PageOf } from '../http/paging.ts'
import { read } from '../http/read.ts'
import { Closed, Nullable, PathName, Time } from '../http/schemas.ts'
import { queryMs } from '../http/times.ts'
import type { Routes } from './routes.ts'

/** Without `from`: what a chart of today shows. */
const SPAN_MS = 86_400_000
/** The hub keeps readings for 90 days and rollups for years; a single question spans at most this. */
const SPAN_MS_MAX = 400 * 86_400_000
const METRICS_MAX = 50
const READINGS_MAX = 5_000
/** Finer buckets than seconds are raw readings. */
const EVERY_MS_MIN = 1_000
/** A chart has fewer pixels. */
const BUCKETS_MAX = 5_000

const Values = Type.Record(Type.String(), Type.Union([Type.Number(), Type.Boolean(), Type.String()]))
const Reading = Closed({
  at: Time,
  values: Values,
  receivedAt: Type.Optional(Time),
  seq: Type.Optional(Type.Integer({ description: 'position in the log' })),
})
const Message = Closed({
  at: Nullable(Time),
  receivedAt: Time,
  seq: Type.Integer(),
  accepted: Type.Boolean(),
  values: Nullable(Values),
  code: Nullable(Type.String({ description: 'why it, or this part of it, was quarantined' })),
  pointer: Nullable(Type.String()),
  detail: Nullable(Type.String()),
  quarantineId: Nullable(Type.String()),
})
const params = Closed({ device: PathName })
const tags = ['devices']

/** What a device reported: as a series, as its newest values, and message by message. */
export const telemetryRoutes: Routes = async (app, services) => {
  const { history, clock } = services

  app.get(
    '/api/devices/:device/telemetry',
    {
      config: { access: VIEWER },
      schema: {
        summary: 'Readings in a time range, raw or in buckets of `every`',
        description: 'Times are those the device gave. Without `from` and `to`: the last 24 hours of hub time.',
        tags,
        params,
        querystring: Closed({
          metrics: Type.Optional(
            Type.String({ maxLength: 2_000, description: 'keys, separated by commas; all when left out (raw only)' }),
          ),
          from: Type.Optional(Type.String({ maxLength: 32 })),
          to: Type.Optional(Type.String({ maxLength: 32 })),
          every: Type.Optional(Type.String({ maxLength: 32, description: 'bucket length, as 5m or PT1H' })),
          agg: Type.Optional(
            Type.Enum(['mean', 'min', 'max', 'last', 'sum', 'count'], { description: 'mean when left out' }),
          ),
          limit: Type.Optional(
            Type.Integer({ minimum: 1, maximum: READINGS_MAX, description: 'raw readings of one page; default 1000' }),
          ),
          cursor: Type.Optional(Type.String({ minLength: 1, maxLength: 512 })),
        }),
        response: { 200: PageOf(Reading) },
      },
    },
    async (request) => {
      const { device } = request.params
      const query = request.query
      await read(services, request, (tx, brandId) => requireDevice(tx, brandId, device))
      const toMs = query.to === undefined ? clock.nowMs() + 1 : queryMs(query.to, 'to')
      const fromMs = query.from === undefined ? toMs - SPAN_MS : queryMs(query.from, 'from')
      if (fromMs >= toMs) throw badQuery('from', 'must lie before to')
      if (toMs - fromMs > SPAN_MS_MAX)
        throw badQuery('from', `may lie at most ${SPAN_MS_MAX / 86_400_000} days before to`)
      const metrics = query.metrics === undefined ? undefined : metricKeys(query.metrics)
      if (query.every === undefined) {
        if (query.agg !== undefined) throw badQuery('agg', 'needs every, the length of a bucket')
        const page = await history.range({
          deviceId: device,
          fromMs,
          toMs,
          ...(metrics === undefined ? {} : { metrics }),
          ...(query.limit === undefined ? {} : { limit: query.limit }),
          ...(query.cursor === undefined ? {} : { cursor: query.cursor }),
        })
        return {
          items: page.rows.map((row) => ({
            at: instant(row.measuredAtMs),
            values: row.values,
            receivedAt: instant(row.receivedAtMs),
            seq: row.seq,
          })),
          nextCursor: page.nextCursor,
        }
      }
      if (metrics === undefined) throw badQuery('metrics', 'must be named for buckets')
      const everyMs = durationMs(query.every)
      if (everyMs === null || everyMs < EVERY_MS_MIN)
        throw badQuery('every', 'is not a duration of a second or more, as 5m')
      if ((toMs - fromMs) / everyMs > BUCKETS_MAX) {
        throw badQuery('every', `would give more than ${BUCKETS_MAX} buckets; make it longer or the range shorter`)
      }
      const buckets = await history.downsample({
        deviceId: device,
        metrics,
        fromMs,
        toMs,
        everyMs,
        aggregation: query.agg ?? 'mean',
      })
      return { items: buckets.map((bucket) => ({ at: instant(bucket.atMs), values: bucket.values })), nextCursor: null }
    },
  )

  app.get(
    '/api/devices/:device/telemetry/last',
    {
      config: { access: VIEWER },
      schema: {
        summary: 'The newest value of each metric',
        tags,
        params,
        response: {
          200: Closed({
            values: Type.Record(
              Type.String(),
              Closed({ value: Type.Union([Type.Number(), Type.Boolean(), Type.String()]), at: Time }),
            ),
          }),
        },
      },
    },
    async (request) => {
      const { device } = request.params
      await read(services, request, (tx, brandId) => requireDevice(tx, brandId, device))
      const values = await history.last(device)
      return {
        values: Object.fromEntries(
          Object.entries(values).map(([key, { value, measuredAtMs }]) => [key, { value, at: instant(measuredAtMs) }]),
        ),
      }
    },
  )

  app.get(
    '/api/devices/:device/messages',
    {
      config: { access: VIEWER },
      schema: {
        summary: 'The newest messages, each accepted or with its quarantine code: what firmware authors need',
        tags,
        params,
        querystring: Closed({
          last: Type.Optional(Type.Integer({ minimum: 1, maximum: PAGE_SIZE_MAX, description: 'default 20' })),
        }),
        response: { 200: Closed({ items: Type.Array(Message), nextCursor: Type.Null() }) },
      },
    },
    async (request) => {
      const { device } = request.params
      const last = request.query.last ?? 20
      const refused = await read(services, request, async (tx, brandId) => {
        await requireDevice(tx, brandId, device)
        return tx
          .selectFrom('quarantine')
          .select(['quarantine_id', 'seq', 'code', 'pointer', 'detail', 'received_at_ms'])
          .where('brand_id', '=', brandId)
          .where('device_id', '=', device)
          .orderBy('received_at_ms', 'desc')
          .orderBy('seq', 'desc')
          .limit(last)
          .execute()
      })
      const accepted = await history.lastMessages(device, last)
      const items = [
        ...accepted.map((row) => ({
          at: instant(row.measuredAtMs),
          receivedAt: instant(row.receivedAtMs),
          seq: row.seq,
          accepted: true,
          values: row.values,
          code: null,
          pointer: null,
          detail: null,
          quarantineId: null,
        })),
        ...refused.map((row) => ({
          at: null,
          receivedAt: instant(row.received_at_ms),
          seq: row.seq,
          accepted: false,
          values: null,
          code: row.code,
          pointer: row.pointer,
          detail: row.detail,
          quarantineId: row.quarantine_id,
        })),
      ]
      return { items: items.sort((a, b) => b.seq - a.seq).slice(0, last), nextCursor: null }
    },
  )
}

function metricKeys(text: string): string[] {
  const keys = [...new Set(text.split(','))]
  const isKey = new RegExp(KEY_PATTERN)
  if (keys.length > METRICS_MAX) throw badQuery('metrics', `names more than ${METRICS_MAX}`)
  for (const key of keys) if (!isKey.test(key)) throw badQuery('metrics', `“${key}” is not a metric key`)
  return keys
}

function badQuery(name: string, detail: string): HubError {
  return new HubError('BAD_REQUEST', `The query parameter ${name} ${detail}.`)
}
