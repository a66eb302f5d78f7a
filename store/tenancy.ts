import {
  type CompiledQuery,
  type DatabaseConnection,
  DefaultQueryExecutor,
  PostgresAdapter,
  PostgresDialect,
  PostgresQueryCompiler,
  type QueryResult,
  SingleConnectionProvider,
  Transaction,
} from 'kysely'
import pg from 'pg'
import { HubError, type Logger, realSleep, systemRandom, toError } from '#platform'
import { asStoreError, isStalePlan, isTransient, isUnanswered } from './database-errors.ts'
import { pendingMigrations, readMigrations } from './migrations.ts'
import { withoutPassword } from './prepare-database.ts'
import { StatementNames } from './statement-names.ts'
import type { Tables } from './tables/index.ts'

export type Tx = Transaction<Tables>

/** The only way to the database: a transaction that sees one brand, or one that sees the hub. */
export interface Database {
  /** Rows of this brand and nothing else, whatever the queries say. */
  asBrand<T>(brandId: string, work: (tx: Tx) => Promise<T>): Promise<T>
  /** Every row. For what runs on behalf of the hub: looking up a key, applying the log, sending deliveries. */
  asHub<T>(work: (tx: Tx) => Promise<T>): Promise<T>
  close(): Promise<void>
}

export interface DatabaseOptions {
  url: string
  poolSize?: number
  /** Longest a single statement may run. */
  statementTimeoutMs?: number
  logger: Logger
}

/** A small server's sessions cost memory; two cores gain nothing from more. */
const POOL_SIZE = 10
const STATEMENT_TIMEOUT_MS = 30_000
/** The server ends a statement itself; one that is not heard of for half as long again has no server any more. */
const ANSWER_FACTOR = 1.5
/** A session through a router that forgot it stays silent for ever; the system asks after this. */
const KEEPALIVE_MS = 30_000
/** A transaction waits for nothing outside, so an idle one is a bug that would hold its locks. */
const IDLE_IN_TRANSACTION_MS = 60_000
const CONNECT_MS_MAX = 10_000
/** Serialization failures and deadlocks: the work is done again, this often, after a growing and uneven pause. */
const ATTEMPTS_MAX = 6
const PAUSE_MS = 10

const BRAND_ID = /^[a-z]+_[0-9a-z]+$/

/**
 * Opens the pool after checking that row-level security holds for its role
 * (`DB_ROLE_BYPASSES_RLS`) and the schema is this release's (`DB_VERSION`).
 *
 * Work handed to `asBrand` and `asHub` runs again from its start when the database says that
 * two transactions got in each other's way: what it does outside the transaction has to bear that.
 * Throws `STORE_UNAVAILABLE` while the database does not answer.
 */
export async function openDatabase(options: DatabaseOptions): Promise<Database> {
  const statementTimeoutMs = options.statementTimeoutMs ?? STATEMENT_TIMEOUT_MS
  const pool = new pg.Pool({
    connectionString: options.url,
    max: options.poolSize ?? POOL_SIZE,
    connectionTimeoutMillis: CONNECT_MS_MAX,
    keepAlive: true,
    keepAliveInitialDelayMillis: KEEPALIVE_MS,
    statement_timeout: statementTimeoutMs,
    query_timeout: statementTimeoutMs * ANSWER_FACTOR,
    idle_in_transaction_session_timeout: IDLE_IN_TRANSACTION_MS,
    application_name: 'beforehand',
    // Statements asked for together go out together, each answered for itself: every wait saved is a round trip.
    pipeline: true,
    types: { getTypeParser },
  })
  // A session lost (a database restart) is replaced by the pool, and whoever uses it is told by its query; without
  // listeners the event alone would end the process.
  let closing = false
  pool.on('error', (error) => {
    // Only the reason: the error carries the whole session, its password included. While closing it is no news.
    if (!closing) options.logger.warn({ reason: error.message }, 'an idle database connection was lost')
  })
  pool.on('connect', (client) => client.on('error', () => undefined))
  try {
    await refuseUnlessRestricted(pool, options.url)
  } catch (error) {
    await pool.end()
    throw error
  }
  const run = transactions(pool)
  return {
    asBrand(brandId, work) {
      if (!BRAND_ID.test(brandId)) throw new HubError('NOT_FOUND', 'No such brand.')
      return run(settings(brandId, ''), work)
    },
    asHub: (work) => run(settings('', 'hub'), work),
    close() {
      closing = true
      return pool.end()
    },
  }
}

/** Begins and sets the scope in one round trip; both settings end with the transaction. */
function settings(brandId: string, scope: string): string {
  return `BEGIN; SELECT set_config('hub.brand', '${brandId}', true), set_config('hub.scope', '${scope}', true)`
}

function transactions(pool: pg.Pool) {
  const dialect = new PostgresDialect({ pool })
  const driver = dialect.createDriver()
  const adapter = new PostgresAdapter()
  const compiler = new PostgresQueryCompiler()
  const names = new StatementNames()
  const transactionOn = (client: pg.PoolClient): Tx => {
    const provider = new SingleConnectionProvider(new ClientConnection(client, names))
    const executor = new DefaultQueryExecutor(compiler, adapter, provider)
    return new Transaction<Tables>({ config: { dialect }, dialect, driver, executor })
  }
  return async function run<T>(begin: string, work: (tx: Tx) => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await once(pool, begin, (client) => work(transactionOn(client)))
      } catch (error) {
        if (!(isTransient(error) || isStalePlan(error)) || attempt === ATTEMPTS_MAX) throw asStoreError(error)
        await realSleep(PAUSE_MS * 2 ** attempt * systemRandom.next())
      }
    }
  }
}

async function once<T>(pool: pg.Pool, begin: string, work: (client: pg.PoolClient) => Promise<T>): Promise<T> {
  const client = await pool.connect()
  let broken: Error | undefined
  try {
    // Goes out with the first statement of the work. Should it fail alone, what follows it sees no row and writes
    // none, because the scope it would have set is missing.
    const begun = client.query(begin)
    begun.catch(() => undefined)
    const result = await work(client)
    await begun
    const { command } = await client.query('COMMIT')
    // The database answers so when a statement failed and the work went on regardless: nothing was stored.
    if (command !== 'COMMIT') throw new Error('the transaction was rolled back: the work ignored a failed statement')
    return result
  } catch (error) {
    // A session that does not answer, cannot even roll back, or keeps plans of an older schema, is not given to the next
    // caller.
    if (isUnanswered(error)) broken = toError(error)
    else await client.query('ROLLBACK').catch((failure: Error) => (broken = failure))
    if (isStalePlan(error)) broken = toError(error)
    throw error
  } finally {
    client.release(broken)
  }
}

/** One session as Kysely sees it. */
class ClientConnection implements DatabaseConnection {
  readonly #client: pg.PoolClient
  readonly #names: StatementNames

  constructor(client: pg.PoolClient, names: StatementNames) {
    this.#client = client
    this.#names = names
  }

  async executeQuery<R>(query: CompiledQuery): Promise<QueryResult<R>> {
    const name = this.#names.nameOf(query.sql)
    const { command, rowCount, rows } = await this.#client.query({
      ...(name === undefined ? {} : { name }),
      text: query.sql,
      values: query.parameters as unknown[],
    })
    return command === 'SELECT' || rowCount === null
      ? { rows: rows as R[] }
      : { rows: rows as R[], numAffectedRows: BigInt(rowCount) }
  }

  // biome-ignore lint/correctness/useYield: large results are read page by page instead.
  async *streamQuery<R>(): AsyncIterableIterator<QueryResult<R>> {
    throw new Error('streaming is not supported: read pages by key')
  }
}

/** Positions and times are `bigint`, and below 2^53 by far; the driver would give text. */
function getTypeParser(oid: number, format?: 'text' | 'binary'): (text: never) => unknown {
  if (oid === pg.types.builtins.INT8 && format !== 'binary') return toSafeInteger as (text: never) => unknown
  return pg.types.getTypeParser(oid, format as 'text') as (text: never) => unknown
}

function toSafeInteger(text: string): number {
  const value = Number(text)
  if (!Number.isSafeInteger(value)) throw new RangeError(`bigint ${text} does not fit a number`)
  return value
}

async function refuseUnlessRestricted(pool: pg.Pool, url: string): Promise<void> {
  const client = await pool.connect().catch((cause: unknown) => {
    throw new HubError('DB_UNAVAILABLE', `${withoutPassword(url)} does not accept a connection: ${String(cause)}`, {
      cause,
    })
  })
  try {
    const { rows } = await client.query<{ role: string; bypasses: boolean; owns: boolean }>(
      `SELECT current_user AS role,
              bool_or(r.rolsuper OR r.rolbypassrls) AS bypasses,
              EXISTS (SELECT FROM pg_class c WHERE c.relkind = 'r' AND c.relrowsecurity
                       AND pg_has_role(current_user, c.relowner, 'MEMBER')) AS owns
         FROM pg_roles r WHERE pg_has_role(current_user, r.oid, 'MEMBER')`,
    )
    const { role, bypasses, owns } = rows[0]!
    if (bypasses || owns) {
      throw new HubError(
        'DB_ROLE_BYPASSES_RLS',
        `The role "${role}" ${owns ? 'owns the tables' : 'is, or may become, a superuser or BYPASSRLS'}: row-level security ` +
          'would not hold. Give the hub a role of its own, or let it make one (docs: database roles).',
      )
    }
    const behind = await pendingMigrations(client, await readMigrations())
    if (behind.length > 0) {
      throw new HubError(
        'DB_VERSION',
        `The schema lacks ${behind.map((m) => m.id).join(', ')}. Start the hub with the owner's URL once.`,
      )
    }
  } finally {
    client.release()
  }
}
