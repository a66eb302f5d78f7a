import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import pg from 'pg'
import { HubError, realClock, sha256Hex } from '#platform'

export interface Migration {
  id: string
  sql: string
  sha256: string
}

const FOLDER = join(import.meta.dirname, 'migrations')
const FILE_NAME = /^\d{4}_[a-z0-9_]+\.sql$/
/** Any number, as long as every hub uses the same: two starting at once migrate one after the other. */
const ADVISORY_LOCK = 4_810_720_261

export async function readMigrations(folder = FOLDER): Promise<Migration[]> {
  const names = (await readdir(folder)).filter((name) => FILE_NAME.test(name)).sort()
  return Promise.all(
    names.map(async (name) => {
      const sql = await readFile(join(folder, name), 'utf8')
      return { id: name.replace(/\.sql$/, ''), sql, sha256: sha256Hex(sql) }
    }),
  )
}

export interface MigrateOptions {
  migrations?: readonly Migration[]
}

/**
 * Brings the schema forward, each migration in a transaction with the row that says it was
 * applied, so that a run that broke off goes on where it stopped. There is no way back.
 *
 * Throws `DB_VERSION` when the database knows a migration this release does not, or knows
 * one under the same name with another text. Returns the ids applied now.
 */
export async function migrate(ownerUrl: string, options: MigrateOptions = {}): Promise<string[]> {
  const migrations = options.migrations ?? (await readMigrations())
  const client = new pg.Client({ connectionString: ownerUrl, application_name: 'beforehand migrations' })
  await client.connect().catch((cause: unknown) => {
    throw new HubError('DB_UNAVAILABLE', `The database does not accept the owner's connection: ${String(cause)}`, {
      cause,
    })
  })
  try {
    await client.query('SELECT pg_advisory_lock($1)', [ADVISORY_LOCK])
    await client.query(
      `CREATE TABLE IF NOT EXISTS schema_migrations (id text PRIMARY KEY, sha256 text NOT NULL, applied_at_ms bigint NOT NULL)`,
    )
    const pending = await pendingMigrations(client, migrations)
    for (const migration of pending) await apply(client, migration)
    return pending.map((migration) => migration.id)
  } finally {
    await client.end()
  }
}

/** What is still to be applied. Also used at opening, by the restricted role, to refuse an old schema. */
export async function pendingMigrations(
  client: Pick<pg.ClientBase, 'query'>,
  migrations: readonly Migration[],
): Promise<Migration[]> {
  const { rows } = await client.query<{ id: string; sha256: string }>('SELECT id, sha256 FROM schema_migrations')
  const known = new Map(migrations.map((migration) => [migration.id, migration]))
  for (const { id, sha256 } of rows) {
    const ours = known.get(id)
    if (!ours) {
      throw new HubError(
        'DB_VERSION',
        `The database has migration ${id}, which this release does not know. Use the newer release.`,
      )
    }
    if (ours.sha256 !== sha256) {
      throw new HubError(
        'DB_VERSION',
        `Migration ${id} was applied with another text. An applied migration is never edited.`,
      )
    }
  }
  const applied = new Set(rows.map((row) => row.id))
  return migrations.filter((migration) => !applied.has(migration.id))
}

async function apply(client: pg.Client, migration: Migration): Promise<void> {
  await client.query('BEGIN')
  try {
    // Forced row-level security holds for a table's owner too: moving data needs the hub's view.
    await client.query(`SELECT set_config('hub.scope', 'hub', true)`)
    await client.query(migration.sql)
    await client.query('INSERT INTO schema_migrations VALUES ($1, $2, $3)', [
      migration.id,
      migration.sha256,
      realClock.nowMs(),
    ])
    await client.query('COMMIT')
  } catch (error) {
    await client.query('ROLLBACK').catch(() => undefined)
    throw new Error(`migration ${migration.id} failed: ${String(error)}`, { cause: error })
  }
}
