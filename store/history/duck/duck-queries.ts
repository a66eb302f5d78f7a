import type { DuckDBConnection } from '@duckdb/node-api'
import {
  type Bucket,
  type DownsampleQuery,
  type HistoryRow,
  type LastValue,
  RANGE_LIMIT,
  RANGE_LIMIT_MAX,
  type RangePage,
  type RangeQuery,
} from '../history.ts'
import { createRepetitionFilter } from '../repetitions.ts'
import { decodeCursor, encodeCursor, type RowKey } from '../row-cursor.ts'
import { type DuckFile, quoted, rows } from './duck-file.ts'
import { decodeRows, type Owner, rowColumns, toReading } from './duck-rows.ts'
import type { MetricKind, Shape } from './shapes.ts'

/** Rows read beyond the page, so that a few repetitions do not cost another query. */
const READ_AHEAD = 32

export async function range(
  connection: DuckDBConnection,
  files: readonly DuckFile[],
  owner: Owner,
  query: RangeQuery,
): Promise<RangePage> {
  const limit = Math.min(query.limit ?? RANGE_LIMIT, RANGE_LIMIT_MAX)
  const wanted = query.metrics ? new Set(query.metrics) : null
  const isRepetition = createRepetitionFilter()
  let after: RowKey | null = null
  if (query.cursor !== undefined) {
    after = decodeCursor(query.cursor)
    // What was already shown of that very moment: later rows may repeat it.
    const shown = `measured_at_ms = ${after.measuredAtMs} AND seq <= ${after.seq}`
    for (const row of await select(connection, files, owner, wanted, shown, RANGE_LIMIT_MAX)) isRepetition(row)
  }
  const found: HistoryRow[] = []
  for (;;) {
    const beyond = after
      ? `(measured_at_ms > ${after.measuredAtMs} OR (measured_at_ms = ${after.measuredAtMs} AND seq > ${after.seq}))`
      : `measured_at_ms >= ${query.fromMs}`
    const count = limit + 1 - found.length + READ_AHEAD
    const block = await select(connection, files, owner, wanted, `${beyond} AND measured_at_ms < ${query.toMs}`, count)
    for (const row of block) if (!isRepetition(row)) found.push(row)
    if (block.length < count) break
    if (found.length > limit) break
    after = block.at(-1)!
  }
  const page = found.slice(0, limit)
  return { rows: page, nextCursor: found.length > limit ? encodeCursor(page.at(-1)!) : null }
}

/** Rows of one device that have a wanted metric, by event time. Fewer than `limit` means there are no more. */
async function select(
  connection: DuckDBConnection,
  files: readonly DuckFile[],
  owner: Owner,
  wanted: ReadonlySet<string> | null,
  condition: string,
  limit: number,
): Promise<HistoryRow[]> {
  const sources = files.flatMap((file, index) => {
    const has = wanted ? file.shapes.shapes.filter((shape) => shape.metrics.some(({ key }) => wanted.has(key))) : null
    if (has?.length === 0) return []
    const present = has ? `AND (${has.map((shape) => hasSome(shape, wanted!)).join(' OR ')})` : ''
    return [
      `SELECT ${rowColumns(index)} FROM ${file.alias}.readings r
        WHERE device = ${deviceNumber(file, owner)} AND ${condition} ${present}`,
    ]
  })
  if (sources.length === 0) return []
  const sql = `${sources.join(' UNION ALL ')} ORDER BY measured, seq LIMIT ${limit}`
  const result = await connection.run(sql)
  const chunks = await result.fetchAllChunks()
  return chunks.flatMap((chunk) => decodeRows(chunk, files, () => owner, wanted))
}

function hasSome(shape: Shape, wanted: ReadonlySet<string>): string {
  const some = shape.metrics.flatMap((metric, m) =>
    wanted.has(metric.key) ? [`${element(shape, m)} IS NOT NULL`] : [],
  )
  return `(shape = ${shape.no} AND (${some.join(' OR ')}))`
}

const deviceNumber = (file: DuckFile, owner: Owner): string =>
  `(SELECT no FROM ${file.alias}.devices WHERE device_id = '${quoted(owner.deviceId)}')`

/** The stored value of a shape's metric, in SQL; its lists count from 1. */
function element(shape: Shape, metric: number): string {
  const list = shape.metrics[metric]!.kind === 'text' ? 'texts' : 'numbers'
  return `${list}[${shape.places[metric]! + 1}]`
}

/** The value of a metric whatever the shape, or null: a `CASE` over the shapes that have it as one of `kinds`. */
export function metricValue(file: DuckFile, key: string, kinds: readonly MetricKind[]): string | null {
  const cases = file.shapes.shapes.flatMap((shape) => {
    const m = shape.metrics.findIndex((metric) => metric.key === key && kinds.includes(metric.kind))
    return m < 0 ? [] : [`WHEN ${shape.no} THEN ${element(shape, m)}`]
  })
  return cases.length > 0 ? `CASE shape ${cases.join(' ')} END` : null
}

const AGGREGATES: Record<DownsampleQuery['aggregation'], string> = {
  // In a given order, because the sum of doubles depends on it.
  mean: 'avg(v ORDER BY t, v)',
  sum: 'sum(v ORDER BY t, v)',
  min: 'min(v)',
  max: 'max(v)',
  count: 'count(*)::DOUBLE',
  last: 'first(v ORDER BY t DESC, s)',
}

export async function downsample(
  connection: DuckDBConnection,
  files: readonly DuckFile[],
  owner: Owner,
  query: DownsampleQuery,
): Promise<Bucket[]> {
  const buckets = new Map<number, Bucket>()
  for (const metric of query.metrics) {
    for (const kinds of [['number'], ['boolean'], ['text']] as const) {
      if (kinds[0] === 'text' && query.aggregation !== 'last' && query.aggregation !== 'count') continue
      for (const [atMs, value] of await bucketsOf(connection, files, owner, query, metric, kinds)) {
        const bucket = buckets.get(atMs) ?? { atMs, values: {} }
        buckets.set(atMs, bucket)
        const isCount = query.aggregation === 'count'
        // A metric whose type changed inside a bucket: counts add up, otherwise the newer type has no say.
        const before = isCount ? ((bucket.values[metric] as number | undefined) ?? 0) : 0
        if (isCount) bucket.values[metric] = before + (value as number)
        else bucket.values[metric] ??= query.aggregation === 'last' ? toReading(value, kinds[0]) : value
      }
    }
  }
  return [...buckets.values()].sort((a, b) => a.atMs - b.atMs)
}

async function bucketsOf(
  connection: DuckDBConnection,
  files: readonly DuckFile[],
  owner: Owner,
  query: DownsampleQuery,
  metric: string,
  kinds: readonly MetricKind[],
): Promise<[number, number | string][]> {
  const sources = files.flatMap((file) => {
    const value = metricValue(file, metric, kinds)
    if (!value) return []
    return [
      `SELECT measured_at_ms AS t, seq AS s, ${value} AS v FROM ${file.alias}.readings
        WHERE device = ${deviceNumber(file, owner)} AND measured_at_ms >= ${query.fromMs} AND measured_at_ms < ${query.toMs}`,
    ]
  })
  if (sources.length === 0) return []
  const every = Math.round(query.everyMs)
  return (await rows(
    connection,
    // A value repeated for the same moment counts once.
    `WITH found AS (SELECT t, v, min(s) AS s FROM (${sources.join(' UNION ALL ')}) WHERE v IS NOT NULL GROUP BY t, v)
     SELECT (floor(t / ${every}) * ${every})::DOUBLE AS bucket, ${AGGREGATES[query.aggregation]} FROM found GROUP BY bucket`,
  )) as [number, number | string][]
}

/** Newest value per metric of the given files. Of several at one moment the first to arrive wins. */
export async function last(
  connection: DuckDBConnection,
  files: readonly DuckFile[],
  owner: Owner,
  wanted: ReadonlySet<string> | null,
): Promise<Record<string, LastValue>> {
  const sources = files.flatMap((file, index) =>
    (['numbers', 'texts'] as const).flatMap((list) => {
      const isText = list === 'texts'
      if (isText && file.shapes.shapes.every((shape) => shape.textCount === 0)) return []
      return [
        `SELECT ${index} AS file, ${isText} AS is_text, shape, generate_subscripts(${list}, 1) AS place, unnest(${list})::VARCHAR AS v,
                measured_at_ms AS t, seq AS s
           FROM ${file.alias}.readings WHERE device = ${deviceNumber(file, owner)}`,
      ]
    }),
  )
  if (sources.length === 0) return {}
  const found = await rows(
    connection,
    `SELECT file, is_text, shape, place, first(v ORDER BY t DESC, s), max(t)::DOUBLE, first(s ORDER BY t DESC, s)
       FROM (${sources.join(' UNION ALL ')}) WHERE v IS NOT NULL GROUP BY file, is_text, shape, place
      ORDER BY 6 DESC, 7`,
  )
  const newest: Record<string, LastValue> = {}
  for (const [file, isText, shapeNo, place, text, measuredAtMs] of found as [
    number,
    boolean,
    number,
    number | bigint,
    string,
    number,
  ][]) {
    const shape = files[file]!.shapes.shapes[shapeNo - 1]!
    const m = shape.metrics.findIndex(
      (metric, i) => (metric.kind === 'text') === isText && shape.places[i] === Number(place) - 1,
    )
    const { key, kind } = shape.metrics[m]!
    if ((wanted && !wanted.has(key)) || Object.hasOwn(newest, key)) continue
    newest[key] = { value: toReading(isText ? text : Number(text), kind), measuredAtMs }
  }
  return newest
}

export async function lastMessages(
  connection: DuckDBConnection,
  files: readonly DuckFile[],
  owner: Owner,
  count: number,
): Promise<HistoryRow[]> {
  const found: HistoryRow[] = []
  const newestFirst = files.map((file, index) => ({ file, index })).sort((a, b) => b.file.startMs - a.file.startMs)
  for (const { file, index } of newestFirst) {
    if (found.length >= count) break
    const result = await connection.run(
      `SELECT ${rowColumns(index)} FROM ${file.alias}.readings r
        WHERE device = ${deviceNumber(file, owner)} ORDER BY seq DESC LIMIT ${count - found.length}`,
    )
    for (const chunk of await result.fetchAllChunks()) found.push(...decodeRows(chunk, files, () => owner))
  }
  return found
}
