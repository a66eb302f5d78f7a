import { HubError, isHubError, realClock } from '#platform'
import { checkBuckets, createBuckets } from '../buckets.ts'
import { arrivedAtMs, columnsOf } from '../columns.ts'
import {
  type Bucket,
  type DownsampleQuery,
  type FleetQuery,
  type HealthPoint,
  type HistoryPosition,
  type HistoryRow,
  type HistoryStore,
  type LastValue,
  RANGE_LIMIT,
  RANGE_LIMIT_MAX,
  type RangePage,
  type RangeQuery,
  type StoredPosition,
} from '../history.ts'
import { createLogOrderRepetitionFilter, createRepetitionFilter } from '../repetitions.ts'
import { decodeCursor, encodeCursor, type RowKey } from '../row-cursor.ts'
import type { InfluxClient, InfluxOptions } from './influx-client.ts'
import { decodeSeries } from './influx-rows.ts'
import {
  FIELD,
  type FieldKind,
  fieldName,
  HEALTH,
  healthLine,
  identifier,
  literal,
  metricOf,
  nanoseconds,
  READINGS,
  readingLine,
  remainderOf,
} from './line-protocol.ts'
import { type ReconnectingClient, reconnectingInflux } from './reconnecting-client.ts'

export interface InfluxHistoryOptions extends InfluxOptions {
  /** How long raw readings are kept, by event time. */
  keepMs?: number
}

const KEEP_RAW_MS = 90 * 86_400_000
/** Where the recorder has come, in the same store, so that a restored backup knows itself how far it goes. */
const POSITION = 'hub_position'
const DELETED = 'hub_deleted'
const KINDS: readonly FieldKind[] = ['number', 'boolean', 'text']
/** Lines of one write of health. */
const HEALTH_LINES_MAX = 5_000
/** Devices asked for at a time by a scan: enough to keep the server busy while the reader works. */
const DEVICES_AHEAD = 4
const READ_AHEAD = 32

/**
 * The history in InfluxDB. It has no transactions: the position is written after the rows, and a
 * row written again overwrites itself. Tags are brand and device, so that the number of series is
 * the number of devices.
 *
 * A server that is away now is reached by a later call: a hub that restarts meanwhile has to come up.
 * Throws `INFLUX_SETUP` when it answers and cannot be used.
 */
export async function openInfluxHistory(options: InfluxHistoryOptions): Promise<HistoryStore> {
  const deleted = new Set<string>()
  const client = reconnectingInflux(options, async (reached) => {
    for (const deviceId of await tagValues(reached, DELETED)) deleted.add(deviceId)
  })
  await client.connected().catch((error) => {
    if (!isHubError(error, 'HISTORY_UNAVAILABLE')) throw error
    options.logger.warn({ err: error }, 'telemetry history is away; readings wait in the log')
  })
  return new InfluxHistory(client, deleted, options.keepMs ?? KEEP_RAW_MS)
}

/** What ingest takes of a device's clock: a week behind, ten minutes ahead; with something to spare. */
const ARRIVES_LATE_MS_MAX = 8 * 86_400_000
const CLOCK_AHEAD_MS_MAX = 3_600_000

class InfluxHistory implements HistoryStore {
  readonly #client: ReconnectingClient
  readonly #deleted: Set<string>
  readonly #keepMs: number
  #queue: Promise<unknown> = Promise.resolve()
  #logId: string | null = null
  #positionAtMs = 0

  constructor(client: ReconnectingClient, deleted: Set<string>, keepMs: number) {
    this.#client = client
    this.#deleted = deleted
    this.#keepMs = keepMs
  }

  write(rows: readonly HistoryRow[], position: HistoryPosition): Promise<void> {
    return this.#inOrder(async () => {
      this.#logId ??= (await this.#readPosition())?.logId ?? position.logId
      if (this.#logId !== position.logId) {
        throw new HubError(
          'LOG_MISMATCH',
          `The history was recorded from log ${this.#logId}, not from ${position.logId}.`,
        )
      }
      const lines = rows.filter((row) => !this.#deleted.has(row.deviceId)).map(readingLine)
      if (lines.length > 0) await this.#client.write(lines)
      // Dated by the wall clock, so that a bucket's own retention spares the newest; never earlier than the one before.
      const atMs = Math.max(realClock.nowMs(), this.#positionAtMs + 1)
      await this.#client.write([`${POSITION} seq=${position.seq}i,log="${position.logId}" ${nanoseconds(atMs)}`])
      this.#positionAtMs = atMs
    })
  }

  position(): Promise<StoredPosition | null> {
    return this.#inOrder(async () => {
      const position = await this.#readPosition()
      return position && { ...position, safeSeq: position.seq }
    })
  }

  async range(query: RangeQuery): Promise<RangePage> {
    const limit = Math.min(query.limit ?? RANGE_LIMIT, RANGE_LIMIT_MAX)
    let after: RowKey | null = query.cursor === undefined ? null : decodeCursor(query.cursor)
    if (await this.#isDeleted(query.deviceId)) return { rows: [], nextCursor: null }
    const columns = query.metrics ? metricColumns(query.metrics) : '*'
    const isRepetition = createRepetitionFilter()
    if (after) {
      const shown = `time >= ${nanoseconds(after.measuredAtMs)} AND time <= ${momentOf(after)}`
      for (const row of await this.#select(query.deviceId, columns, shown, RANGE_LIMIT_MAX)) isRepetition(row)
    }
    const found: HistoryRow[] = []
    for (;;) {
      const beyond = after ? `time > ${momentOf(after)}` : `time >= ${nanoseconds(query.fromMs)}`
      const count = limit + 1 - found.length + READ_AHEAD
      const { rows, read, lastKey } = await this.#block(
        query.deviceId,
        columns,
        `${beyond} AND time < ${nanoseconds(query.toMs)}`,
        count,
      )
      for (const row of rows) if (!isRepetition(row)) found.push(row)
      if (read < count || found.length > limit) break
      after = lastKey
    }
    const page = found.slice(0, limit)
    return { rows: page, nextCursor: found.length > limit ? encodeCursor(page.at(-1)!) : null }
  }

  async downsample(query: DownsampleQuery): Promise<Bucket[]> {
    checkBuckets(query)
    if (await this.#isDeleted(query.deviceId)) return []
    const span = `time >= ${nanoseconds(query.fromMs)} AND time < ${nanoseconds(query.toMs)}`
    const gathered = new Map(query.metrics.map((metric) => [metric, createBuckets(query)]))
    const where = `"device" = ${literal(query.deviceId)} AND ${span}`
    const statement = `SELECT ${metricColumns(query.metrics)} FROM ${READINGS} WHERE ${where} ORDER BY time`
    for await (const series of this.#client.stream(statement)) {
      for (const { measuredAtMs, values } of decodeSeries(series, query.deviceId)) {
        for (const metric in values) gathered.get(metric)?.add(measuredAtMs, values[metric]!)
      }
    }
    const answer = new Map<number, Bucket>()
    for (const [metric, buckets] of gathered) buckets.into(answer, metric)
    return [...answer.values()].sort((a, b) => a.atMs - b.atMs)
  }

  async last(deviceId: string, metrics?: readonly string[]): Promise<Record<string, LastValue>> {
    if (await this.#isDeleted(deviceId)) return {}
    const fields = metrics
      ? metrics.flatMap((metric) => KINDS.map((kind) => fieldName(metric, kind)))
      : await this.#fieldsOf(deviceId)
    if (fields.length === 0) return {}
    const device = `"device" = ${literal(deviceId)}`
    const newest = await this.#client.query(
      fields.map((field) => `SELECT last(${identifier(field)}) FROM ${READINGS} WHERE ${device}`).join('; '),
    )
    const found = fields.flatMap((field, i) => {
      const atMs = newest[i]?.[0]?.values[0]?.[0] as number | undefined
      return atMs === undefined ? [] : [{ field, atMs }]
    })
    if (found.length === 0) return {}
    // Of several readings of that millisecond the first to arrive wins.
    const first = await this.#client.query(
      found
        .map(({ field, atMs }) => {
          const moment = `time >= ${nanoseconds(atMs)} AND time < ${nanoseconds(atMs + 1)}`
          return `SELECT first(${identifier(field)}) FROM ${READINGS} WHERE ${device} AND ${moment}`
        })
        .join('; '),
    )
    const answer: Record<string, LastValue> = {}
    for (const [i, { field, atMs }] of found.entries()) {
      const { key } = metricOf(field)
      if ((answer[key]?.measuredAtMs ?? Number.NEGATIVE_INFINITY) >= atMs) continue
      answer[key] = { value: first[i]![0]!.values[0]![1] as LastValue['value'], measuredAtMs: atMs }
    }
    return answer
  }

  async lastMessages(deviceId: string, count: number): Promise<HistoryRow[]> {
    if (await this.#isDeleted(deviceId)) return []
    const device = `"device" = ${literal(deviceId)}`
    const [newest] = await this.#client.query(
      `SELECT top(${identifier(FIELD.seq)}, ${count}) FROM ${READINGS} WHERE ${device}`,
    )
    const seqs = newest?.[0]?.values.map(([, seq]) => seq as number) ?? []
    if (seqs.length === 0) return []
    const rows = await this.#select(deviceId, '*', `${identifier(FIELD.seq)} >= ${Math.min(...seqs)}`, count)
    return rows.sort((a, b) => b.seq - a.seq)
  }

  async *scanFleet(query: FleetQuery): AsyncIterable<HistoryRow[]> {
    const ids = await this.#devicesOf(query)
    const isRepetition = createLogOrderRepetitionFilter()
    const received = identifier(FIELD.received)
    const span = `${received} >= ${query.fromMs} AND ${received} < ${query.toMs}`
    const ahead: Promise<HistoryRow[]>[] = []
    const ask = (deviceId: string): Promise<HistoryRow[]> => {
      const rows = this.#select(deviceId, '*', span, null)
      // Awaited in its turn; until then a failure is nobody's surprise.
      rows.catch(() => undefined)
      return rows
    }
    for (let i = 0; i < ids.length; i++) {
      while (ahead.length < DEVICES_AHEAD && i + ahead.length < ids.length) ahead.push(ask(ids[i + ahead.length]!))
      const rows = (await ahead.shift()!).sort((a, b) => a.seq - b.seq).filter((row) => !isRepetition(row))
      if (rows.length > 0) yield rows
    }
  }

  async *scanColumns(query: Parameters<HistoryStore['scanColumns']>[0]): ReturnType<HistoryStore['scanColumns']> {
    const { brandId, metrics, fromMs, toMs } = query
    const ids = await this.#devicesOf({ brandId, deviceIds: query.deviceIds, fromMs, toMs })
    // What arrived in the span was measured up to a week before it; what was imported, in it.
    const span = `time >= ${nanoseconds(fromMs - ARRIVES_LATE_MS_MAX)} AND time < ${nanoseconds(toMs + CLOCK_AHEAD_MS_MAX)}`
    for (const deviceId of ids) {
      const rows = (await this.#select(deviceId, '*', span, null)).filter((row) => {
        const atMs = arrivedAtMs(row)
        return atMs >= fromMs && atMs < toMs
      })
      if (rows.length > 0) yield columnsOf(deviceId, rows, metrics)
    }
  }

  async writeHealth(points: readonly HealthPoint[]): Promise<void> {
    const lines = points.filter(({ deviceId }) => !this.#deleted.has(deviceId)).map(healthLine)
    for (let from = 0; from < lines.length; from += HEALTH_LINES_MAX) {
      const part = lines.slice(from, from + HEALTH_LINES_MAX)
      await this.#inOrder(() => this.#client.write(part))
    }
  }

  async health({ deviceId, fromMs, toMs }: Parameters<HistoryStore['health']>[0]): Promise<HealthPoint[]> {
    if (await this.#isDeleted(deviceId)) return []
    const fields = ['wear', 'p10_days', 'p50_days', 'p90_days', 'brand', 'component', 'product']
    const [series] = await this.#client.query(
      `SELECT ${fields.map(identifier).join(', ')} FROM ${HEALTH} WHERE "device" = ${literal(deviceId)} AND time >= ${nanoseconds(fromMs)} AND time < ${nanoseconds(toMs)} ORDER BY time`,
    )
    const points = (series?.[0]?.values ?? []).map((cells): HealthPoint => {
      const [atMs, wear, p10Days, p50Days, p90Days, brandId, component, productKey] = cells as never[]
      return {
        brandId,
        deviceId,
        productKey,
        component,
        atMs,
        wear,
        p10Days,
        p50Days,
        p90Days,
      } as unknown as HealthPoint
    })
    return points.sort((a, b) => a.atMs - b.atMs || (a.component < b.component ? -1 : 1))
  }

  async deleteDevice(deviceId: string): Promise<void> {
    await this.#inOrder(async () => {
      await this.#client.write([`${DELETED},device=${deviceId} deleted=true 0`])
      this.#deleted.add(deviceId)
      await this.#client.remove({ measurement: READINGS, deviceId })
      await this.#client.remove({ measurement: HEALTH, deviceId })
    })
  }

  async tidy(nowMs: number): Promise<void> {
    await this.#inOrder(async () => {
      // A write that was under way when its device was deleted may have come after the removal.
      const present = new Set(await tagValues(this.#client, READINGS))
      for (const deviceId of this.#deleted) {
        if (present.has(deviceId)) await this.#client.remove({ measurement: READINGS, deviceId })
      }
      await this.#client.remove({ measurement: READINGS, beforeNs: nanoseconds(nowMs - this.#keepMs) })
      const position = await this.#readPosition()
      if (position) await this.#client.remove({ measurement: POSITION, beforeNs: nanoseconds(this.#positionAtMs) })
    })
  }

  async close(): Promise<void> {
    await this.#queue.catch(() => undefined)
  }

  /** Known only once the server was reached. */
  async #isDeleted(deviceId: string): Promise<boolean> {
    await this.#client.connected()
    return this.#deleted.has(deviceId)
  }

  async #readPosition(): Promise<HistoryPosition | null> {
    const [series] = await this.#client.query(`SELECT last("seq"), "log" FROM ${POSITION}`)
    const row = series?.[0]?.values[0]
    if (!row) return null
    this.#positionAtMs = Math.max(this.#positionAtMs, row[0] as number)
    return { seq: row[1] as number, logId: row[2] as string }
  }

  async #devicesOf({ brandId, deviceIds }: FleetQuery): Promise<string[]> {
    const all = await tagValues(this.#client, READINGS, brandId)
    const wanted = deviceIds ? new Set(deviceIds) : null
    return all.filter((id) => !this.#deleted.has(id) && (!wanted || wanted.has(id))).sort()
  }

  async #fieldsOf(deviceId: string): Promise<string[]> {
    const [series] = await this.#client.query(`SELECT last(*) FROM ${READINGS} WHERE "device" = ${literal(deviceId)}`)
    const { columns, values } = series?.[0] ?? { columns: [], values: [] }
    return columns.flatMap((column, i) => {
      const field = column.replace(/^last_/, '')
      return column === 'time' || field.startsWith(':') || values[0]?.[i] === null ? [] : [field]
    })
  }

  async #select(deviceId: string, columns: string, condition: string, limit: number | null): Promise<HistoryRow[]> {
    const rows: HistoryRow[] = []
    const bound = limit === null ? '' : `LIMIT ${limit}`
    const statement = `SELECT ${columns} FROM ${READINGS} WHERE "device" = ${literal(deviceId)} AND ${condition} ORDER BY time ${bound}`
    for await (const series of this.#client.stream(statement))
      for (const row of decodeSeries(series, deviceId)) rows.push(row)
    return rows
  }

  /** As `#select`, telling also how many rows were read before those without a wanted metric were left out. */
  async #block(
    deviceId: string,
    columns: string,
    condition: string,
    limit: number,
  ): Promise<{ rows: HistoryRow[]; read: number; lastKey: RowKey | null }> {
    const rows: HistoryRow[] = []
    let read = 0
    let lastKey: RowKey | null = null
    const statement = `SELECT ${columns} FROM ${READINGS} WHERE "device" = ${literal(deviceId)} AND ${condition} ORDER BY time LIMIT ${limit}`
    for await (const series of this.#client.stream(statement)) {
      read += series.values.length
      for (const row of decodeSeries(series, deviceId)) rows.push(row)
      const last = series.values.at(-1)
      const seqColumn = series.columns.indexOf(FIELD.seq)
      if (last) lastKey = { measuredAtMs: last[0] as number, seq: last[seqColumn] as number }
    }
    return { rows, read, lastKey }
  }

  /** Writes and what depends on them, one after the other. */
  #inOrder<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#queue.then(work)
    this.#queue = result.catch(() => undefined)
    return result
  }
}

/** The metrics in every type they may have had, with what every row needs. */
function metricColumns(metrics: readonly string[]): string {
  const fields = metrics.flatMap((metric) => KINDS.map((kind) => fieldName(metric, kind)))
  return [FIELD.seq, FIELD.received, FIELD.flags, 'brand', ...fields].map(identifier).join(', ')
}

const momentOf = ({ measuredAtMs, seq }: RowKey): string => nanoseconds(measuredAtMs, remainderOf(seq))

async function tagValues(client: InfluxClient, measurement: string, brandId?: string): Promise<string[]> {
  const where = brandId === undefined ? '' : ` WHERE "brand" = ${literal(brandId)}`
  const [series] = await client.query(`SHOW TAG VALUES FROM "${measurement}" WITH KEY = "device"${where}`)
  return series?.[0]?.values.map(([, value]) => value as string) ?? []
}
