import { HttpError, InfluxDB } from '@influxdata/influxdb-client'
import { HubError, type Logger, toError } from '#platform'
import { literal } from './line-protocol.ts'

export interface InfluxOptions {
  url: string
  /** Token; `user:password` on 1.x with authentication. */
  token?: string
  org?: string
  /** Bucket; on 1.x the database. */
  bucket: string
  logger: Logger
}

export interface Series {
  columns: string[]
  values: unknown[][]
  name?: string
}

/** What we use of a server, 1.x, 2.x or 3.x: lines in, InfluxQL out. */
export interface InfluxClient {
  /** Writes lines once. What the server will never take is counted and logged, not tried again. */
  write(lines: string[]): Promise<void>
  rejectedLines(): number
  /** Runs InfluxQL; one array of series per statement. */
  query(statement: string): Promise<Series[][]>
  /** The rows of one statement, as they come. */
  stream(statement: string): AsyncIterable<Series>
  /** Removes readings: of a device, or before a time. */
  remove(what: { measurement: string; deviceId?: string; beforeNs?: string }): Promise<void>
}

const TIMEOUT_MS = 30_000
/** A line is some 300 bytes; 1.x refuses bodies beyond 25 MB. */
const LINES_PER_WRITE = 5_000
const ROWS_PER_CHUNK = 5_000
const GZIP_BYTES_MIN = 4_096

/**
 * Connects, finds out the version and makes what is missing: the database (1.x), or the bucket
 * and the mapping that InfluxQL needs (2.x).
 *
 * Throws `INFLUX_SETUP`, saying what the server lacks or refuses, or `HISTORY_UNAVAILABLE`.
 */
export async function connectInflux(options: InfluxOptions): Promise<InfluxClient> {
  const major = await serverMajor(options.url)
  const influx = new InfluxDB({
    url: options.url,
    timeout: TIMEOUT_MS,
    ...(options.token && major >= 2 ? { token: options.token } : {}),
    ...(options.token && major < 2 ? { headers: { authorization: basic(options.token) } } : {}),
  })
  const client = makeClient(influx, major, options)
  try {
    if (major < 2)
      await influx.transport.request(`/query?${form({ q: `CREATE DATABASE "${options.bucket}"` })}`, '', post())
    else if (major === 2) await ensureBucket(influx, options)
    // Whatever was made or found: InfluxQL has to reach it.
    await client.query('SHOW MEASUREMENTS LIMIT 1')
  } catch (error) {
    if (error instanceof HubError && error.code !== 'INFLUX_SETUP') throw error
    throw setupError(error, options)
  }
  return client
}

function makeClient(influx: InfluxDB, major: number, options: InfluxOptions): InfluxClient {
  const { bucket, org = '', logger } = options
  let rejected = 0
  const queryPath = (q: string, extra: Record<string, string> = {}): string =>
    `/query?${form({ db: bucket, epoch: 'ms', q, ...extra })}`

  async function writeOnce(lines: string[]): Promise<void> {
    const api = influx.getWriteApi(org, bucket, 'ns', {
      maxRetries: 0,
      batchSize: lines.length + 1,
      flushInterval: 0,
      maxBatchBytes: Number.MAX_SAFE_INTEGER,
      gzipThreshold: GZIP_BYTES_MIN,
      // The caller hears of it through the promise; the default would print.
      writeFailed: (error) => Promise.reject(error),
    })
    if (major < 2) api.path = `/write?${form({ db: bucket, precision: 'ns' })}`
    api.writeRecords(lines)
    await api.close()
  }

  return {
    rejectedLines: () => rejected,
    async write(lines) {
      for (let from = 0; from < lines.length; from += LINES_PER_WRITE) {
        const part = lines.slice(from, from + LINES_PER_WRITE)
        try {
          await writeOnce(part)
        } catch (error) {
          if (!isRefusal(error)) throw unavailable(error)
          const count = Number(/dropped=(\d+)/.exec(error.body ?? '')?.[1] ?? part.length)
          rejected += count
          logger.error(
            { count, answer: error.body?.slice(0, 500) },
            'InfluxDB refused readings; they are in the log only',
          )
        }
      }
    },
    async query(statement) {
      const answer = await influx.transport.request(queryPath(statement), '', { method: 'GET' }).catch(fail)
      return statementResults(answer).map(({ series = [] }) => series)
    },
    async *stream(statement) {
      const path = queryPath(statement, { chunked: 'true', chunk_size: String(ROWS_PER_CHUNK) })
      const chunks = influx.transport.iterate(path, '', { method: 'GET' })
      try {
        for await (const line of linesOf(chunks)) {
          for (const { series = [] } of statementResults(JSON.parse(line))) yield* series
        }
      } catch (error) {
        fail(error)
      }
    },
    async remove({ measurement, deviceId, beforeNs }) {
      if (major >= 3)
        throw new HubError('HISTORY_UNAVAILABLE', 'InfluxDB 3 has no way to delete. Use 1.x, 2.x or DuckDB.')
      if (major === 2) {
        const stop = beforeNs ? new Date(Number(BigInt(beforeNs) / 1_000_000n)).toISOString() : '2262-04-11T00:00:00Z'
        const device = deviceId ? ` AND device=${JSON.stringify(deviceId)}` : ''
        const body = { start: '1677-09-22T00:00:00Z', stop, predicate: `_measurement="${measurement}"${device}` }
        await influx.transport.request(`/api/v2/delete?${form({ org, bucket })}`, body, post()).catch(fail)
        return
      }
      const q = deviceId
        ? `DROP SERIES FROM "${measurement}" WHERE "device" = ${literal(deviceId)}`
        : `DELETE FROM "${measurement}" WHERE time < ${beforeNs}`
      statementResults(await influx.transport.request(queryPath(q), '', post()).catch(fail))
    },
  }
}

async function ensureBucket(influx: InfluxDB, { org = '', bucket }: InfluxOptions): Promise<void> {
  const get = (path: string): Promise<Record<string, unknown>> => influx.transport.request(path, '', { method: 'GET' })
  const { orgs = [] } = (await get(`/api/v2/orgs?${form({ org })}`)) as { orgs?: { id: string }[] }
  const orgId = orgs[0]?.id
  if (!orgId)
    throw new HubError('INFLUX_SETUP', `InfluxDB has no organisation "${org}" that this token may see. Set INFLUX_ORG.`)
  const found = (await get(`/api/v2/buckets?${form({ orgID: orgId, name: bucket })}`)) as { buckets?: { id: string }[] }
  let bucketId = found.buckets?.[0]?.id
  if (!bucketId) {
    const wanted = { orgID: orgId, name: bucket, retentionRules: [] }
    bucketId = ((await influx.transport.request('/api/v2/buckets', wanted, post())) as { id: string }).id
  }
  const mapped = (await get(`/api/v2/dbrps?${form({ orgID: orgId, db: bucket })}`)) as { content?: unknown[] }
  if ((mapped.content ?? []).length > 0) return
  // Since 2.2 every bucket has a virtual mapping; earlier servers need one made.
  const mapping = { orgID: orgId, bucketID: bucketId, database: bucket, retention_policy: 'autogen', default: true }
  await influx.transport.request('/api/v2/dbrps', mapping, post())
}

async function serverMajor(url: string): Promise<number> {
  let answer: Response
  try {
    answer = await fetch(new URL('/ping', url), { signal: AbortSignal.timeout(TIMEOUT_MS) })
    await answer.body?.cancel()
  } catch (cause) {
    throw new HubError('HISTORY_UNAVAILABLE', `InfluxDB at ${withoutSecrets(url)} does not answer: ${reason(cause)}`, {
      cause,
    })
  }
  const version = answer.headers.get('x-influxdb-version') ?? ''
  const major = Number(/(\d+)\./.exec(version)?.[1])
  if (Number.isNaN(major)) {
    throw new HubError(
      'INFLUX_SETUP',
      `What answers at ${withoutSecrets(url)} does not say that it is InfluxDB. Check INFLUX_URL.`,
    )
  }
  return major
}

interface StatementResult {
  series?: Series[]
  error?: string
}

/** InfluxQL reports a statement's error inside a good answer. */
function statementResults(answer: unknown): StatementResult[] {
  const { results = [], error } = (answer ?? {}) as { results?: StatementResult[]; error?: string }
  const problem = error ?? results.find((result) => result.error)?.error
  if (problem) throw new HubError('HISTORY_UNAVAILABLE', `InfluxDB: ${problem}`)
  return results
}

async function* linesOf(chunks: AsyncIterable<Uint8Array>): AsyncIterable<string> {
  const decoder = new TextDecoder()
  let rest = ''
  for await (const chunk of chunks) {
    const parts = (rest + decoder.decode(chunk, { stream: true })).split('\n')
    rest = parts.pop()!
    for (const part of parts) if (part.trim()) yield part
  }
  if (rest.trim()) yield rest
}

/** The server took the request and will not take these lines, now or later. */
function isRefusal(error: unknown): error is HttpError {
  return error instanceof HttpError && (error.statusCode === 400 || error.statusCode === 422)
}

function fail(error: unknown): never {
  throw unavailable(error)
}

function unavailable(error: unknown): HubError {
  if (error instanceof HubError) return error
  return new HubError('HISTORY_UNAVAILABLE', `InfluxDB does not answer as it should: ${reason(error)}`, {
    cause: error,
  })
}

function setupError(error: unknown, { url, bucket }: InfluxOptions): Error {
  if (error instanceof HubError) return error
  const status = error instanceof HttpError ? error.statusCode : null
  const hint =
    status === 401 || status === 403
      ? 'INFLUX_TOKEN is missing, wrong, or may not read and write the bucket and its mapping.'
      : `Make the bucket "${bucket}" and a DBRP mapping of the same name by hand, or check INFLUX_ORG and INFLUX_BUCKET.`
  return new HubError('INFLUX_SETUP', `InfluxDB at ${withoutSecrets(url)}: ${reason(error)} ${hint}`, { cause: error })
}

const reason = (error: unknown): string =>
  error instanceof HttpError ? `${error.statusCode} ${error.body?.slice(0, 200) ?? ''}`.trim() : toError(error).message

const form = (values: Record<string, string>): string => new URLSearchParams(values).toString()
const post = (): { method: string } => ({ method: 'POST' })
const basic = (token: string): string => `Basic ${Buffer.from(token).toString('base64')}`
const withoutSecrets = (url: string): string => new URL(url).origin
