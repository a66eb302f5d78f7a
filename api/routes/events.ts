import { Readable } from 'node:stream'
import { Type } from 'typebox'
import type { AlertEffect } from '#contracts'
import { instant } from '#contracts'
import type { LiveItem } from '#pipeline'
import { HubError } from '#platform'
import type { BridgeChange } from '#service-bridge'
import type { Tx } from '#store'
import { requireDevice } from '../devices.ts'
import { bearerOf, brandOf, VIEWER } from '../http/access.ts'
import { read } from '../http/read.ts'
import { Closed } from '../http/schemas.ts'
import { LiveStream, type StreamEvent } from '../live-stream.ts'
import { DEFAULT_LIMITS } from '../services.ts'
import type { Routes } from './routes.ts'

/** What a page that was away for a moment is given again; beyond it, it should load anew. */
const REPLAYED_MAX = 500
/** `<hub milliseconds>-…`: where a stream goes on. */
const LAST_EVENT_ID = /^(\d{1,15})-/

/** Alerts and cases as they happen, and with `device` its readings as they arrive. */
export const eventRoutes: Routes = async (app, services) => {
  const { liveTail, changes, keys } = services
  const limits = { ...DEFAULT_LIMITS, ...services.limits }
  const open = new Map<string, Set<LiveStream>>()
  const count = (): number => [...open.values()].reduce((sum, streams) => sum + streams.size, 0)

  app.addHook('preClose', async () => {
    for (const streams of open.values()) for (const stream of streams) stream.close()
  })

  app.get(
    '/api/events',
    {
      config: { access: VIEWER },
      schema: {
        summary: 'Live events (Server-Sent Events): alert.*, case.*, offer.*, work_order.*, and reading with `device`',
        description:
          'Events carry ids; a client that comes again with Last-Event-ID gets what it missed, some of it perhaps twice. ' +
          'An event `gap` says that something was left out: load what is shown anew.',
        tags: ['events'],
        querystring: Closed({
          device: Type.Optional(
            Type.String({ minLength: 1, maxLength: 64, description: 'also this device’s readings' }),
          ),
        }),
        headers: Type.Object({ 'last-event-id': Type.Optional(Type.String({ maxLength: 128 })) }),
        produces: ['text/event-stream'],
        response: { 200: Type.String() },
      },
    },
    async (request, reply) => {
      const brandId = brandOf(request)
      const { device } = request.query
      if (device !== undefined) await read(services, request, (tx) => requireDevice(tx, brandId, device))
      const streams = open.get(brandId) ?? new Set<LiveStream>()
      if (streams.size >= limits.streamsPerBrand || count() >= limits.streams) {
        throw new HubError('RATE_LIMITED', `${streams.size} live streams of this brand are open. Close one first.`)
      }
      const stream = new LiveStream()
      open.set(brandId, streams.add(stream))
      // Listening begins before the past is read, so that nothing falls in between.
      const tail = liveTail.subscribe({
        brandId,
        effects: () => true,
        ...(device === undefined
          ? {}
          : { records: (record) => record.kind === 'readings' && record.deviceId === device }),
      })
      const feed = changes.subscribe(brandId, (change) => stream.push(eventOfChange(change)))
      const end = (): void => {
        streams.delete(stream)
        if (streams.size === 0 && open.get(brandId) === streams) open.delete(brandId)
        tail.close()
        feed[Symbol.dispose]()
        stream.close({ now: true })
      }
      request.raw.socket.once('close', end)
      try {
        const since = LAST_EVENT_ID.exec(request.headers['last-event-id'] ?? '')?.[1]
        if (since !== undefined) {
          const missed = await read(services, request, (tx) => eventsSince(tx, brandId, Number(since)))
          if (missed.length > REPLAYED_MAX) stream.push({ event: 'gap', data: { since: instant(Number(since)) } })
          else for (const event of missed) stream.push(event)
        }
      } catch (error) {
        end()
        throw error
      }
      const following = (async () => {
        for await (const item of tail) {
          const event = eventOfItem(item)
          if (event) stream.push(event)
        }
        stream.close()
      })()
      following.catch((error: unknown) => {
        request.log.error({ err: error }, 'A live stream broke off')
        stream.close()
      })
      const bearer = bearerOf(request)
      const text = Readable.from(stream.text(async () => (await keys.principalOf(bearer)) !== null))
      text.once('close', end)
      return reply.header('x-accel-buffering', 'no').type('text/event-stream; charset=utf-8').send(text)
    },
  )
}

function eventOfItem(item: LiveItem): StreamEvent | null {
  if (item.kind === 'gap') return { event: 'gap', data: { dropped: item.dropped } }
  if (item.kind === 'effect') return eventOfEffect(item.effect)
  const { record } = item
  if (record.kind !== 'readings') return null
  const { deviceId, values, seq } = record
  return { event: 'reading', data: { device: deviceId, at: instant(record.measuredAtMs), values, seq } }
}

function eventOfEffect(effect: AlertEffect): StreamEvent | null {
  if (!('episode' in effect)) return null
  const { episodeId, deviceId, ruleKey, component, severity, mode } = effect.episode
  return {
    id: `${effect.atMs}-${effect.seq}.${effect.ordinal}`,
    event: effect.kind,
    data: { id: episodeId, device: deviceId, rule: ruleKey, component, severity, mode, at: instant(effect.atMs) },
  }
}

function eventOfChange({ type, subject, atMs }: BridgeChange): StreamEvent {
  return { id: `${atMs}-${subject}`, event: type, data: { id: subject, at: instant(atMs) } }
}

/** What happened from a moment on, that moment included: something may come twice, nothing is missing. */
async function eventsSince(tx: Tx, brandId: string, sinceMs: number): Promise<StreamEvent[]> {
  const alerts = await tx
    .selectFrom('alert_transitions as t')
    .innerJoin('alerts as a', (join) =>
      join.onRef('a.brand_id', '=', 't.brand_id').onRef('a.episode_id', '=', 't.episode_id'),
    )
    .select([
      't.at_ms',
      't.seq',
      't.ordinal',
      't.kind',
      'a.episode_id',
      'a.device_id',
      'a.rule_key',
      'a.component',
      'a.severity',
      'a.mode',
    ])
    .where('t.brand_id', '=', brandId)
    .where('a.brand_id', '=', brandId)
    .where('t.at_ms', '>=', sinceMs)
    .orderBy('t.at_ms')
    .limit(REPLAYED_MAX + 1)
    .execute()
  const cases = await tx
    .selectFrom('case_events')
    .select(['at_ms', 'case_id', 'to_state'])
    .where('brand_id', '=', brandId)
    .where('at_ms', '>=', sinceMs)
    .orderBy('at_ms')
    .limit(REPLAYED_MAX + 1)
    .execute()
  const events = [
    ...alerts.map((row) => ({
      atMs: row.at_ms,
      id: `${row.at_ms}-${row.seq}.${row.ordinal}`,
      event: row.kind,
      data: {
        id: row.episode_id,
        device: row.device_id,
        rule: row.rule_key,
        component: row.component,
        severity: row.severity,
        mode: row.mode,
        at: instant(row.at_ms),
      },
    })),
    ...cases.map((row) => ({
      atMs: row.at_ms,
      id: `${row.at_ms}-${row.case_id}`,
      event: `case.${row.to_state}`,
      data: { id: row.case_id, at: instant(row.at_ms) },
    })),
  ]
  return events.sort((a, b) => a.atMs - b.atMs).map(({ atMs: _, ...event }) => event)
}
