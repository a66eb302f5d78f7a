import { createHmac } from 'node:crypto'
import pg from 'pg'
import { HubError, type Logger } from '#platform'
import { migrate, pendingMigrations, readMigrations } from './migrations.ts'

export interface PrepareOptions {
  /** The role that owns the tables (or will), or a restricted role of an already migrated database. */
  url: string
  /** The restricted role, when it is not to be made here. */
  appUrl?: string
  logger: Logger
}

/** `server_version_num` of the oldest server whose features we use (15: `UNIQUE NULLS`, public schema closed by default). */
const SERVER_VERSION_MIN = 150_000

interface Standing {
  role: string
  database: string
  version: number
  mayCreateRoles: boolean
  owns: boolean
}

/**
 * Makes a database ready for the hub: migrates it as its owner and sees to a restricted role,
 * because row-level security does not hold for superusers and owners.
 *
 * - `url` may create roles: it migrates, and the role `<database>_hub` is made and kept, its
 *   password derived from the owner's, so that every node with the same `url` finds the same.
 * - `appUrl` given: `url` migrates and grants; `appUrl` is used as it is.
 * - `url` is itself restricted and the schema is current: used as it is.
 *
 * Returns the URL to open. Throws `DB_UNAVAILABLE`, `DB_VERSION`, `DB_ROLE_BYPASSES_RLS`.
 */
export async function prepareDatabase(options: PrepareOptions): Promise<{ appUrl: string }> {
  const client = await connect(options.url)
  try {
    const standing = await ask(client)
    if (standing.version < SERVER_VERSION_MIN) {
      throw new HubError(
        'DB_VERSION',
        `PostgreSQL ${Math.floor(standing.version / 10_000)} is too old; the hub needs 15 or later.`,
      )
    }
    const role = options.appUrl ? userOf(options.appUrl) : `${standing.database}_hub`
    if (options.appUrl || standing.mayCreateRoles) {
      const applied = await migrate(options.url)
      if (applied.length > 0) options.logger.info({ applied }, 'the database schema was brought up to date')
      const appUrl = options.appUrl ?? (await ensureRole(client, options.url, role))
      await grant(client, role, standing.database)
      return { appUrl }
    }
    if (standing.owns) {
      throw new HubError(
        'DB_ROLE_BYPASSES_RLS',
        `The role "${standing.role}" owns the tables and may not create another. Give it CREATEROLE, or set ` +
          'DATABASE_OWNER_URL to it and DATABASE_URL to a role without rights of its own.',
      )
    }
    await requireCurrentSchema(client, standing.role)
    return { appUrl: options.url }
  } finally {
    await client.end()
  }
}

async function connect(url: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url, application_name: 'beforehand set-up' })
  await client.connect().catch((cause: unknown) => {
    throw new HubError('DB_UNAVAILABLE', `${withoutPassword(url)} does not accept a connection: ${String(cause)}`, {
      cause,
    })
  })
  return client
}

async function ask(client: pg.Client): Promise<Standing> {
  const { rows } = await client.query<Standing>(
    `SELECT current_user AS role, current_database() AS database,
            current_setting('server_version_num')::int AS version,
            rolsuper OR rolcreaterole AS "mayCreateRoles",
            EXISTS (SELECT FROM pg_class WHERE relname = 'brands' AND relowner = r.oid) AS owns
       FROM pg_roles r WHERE rolname = current_user`,
  )
  return rows[0]!
}

async function ensureRole(client: pg.Client, ownerUrl: string, role: string): Promise<string> {
  const password = derivedPassword(ownerUrl, role)
  const name = client.escapeIdentifier(role)
  const known = await client.query('SELECT FROM pg_roles WHERE rolname = $1', [role])
  if (known.rowCount === 0) {
    await client
      .query(`CREATE ROLE ${name} NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS`)
      .catch((error: unknown) => {
        // Another node made it in the same moment.
        if ((error as { code?: string }).code !== '42710' && (error as { code?: string }).code !== '23505') throw error
      })
  }
  await client.query(`ALTER ROLE ${name} LOGIN PASSWORD ${client.escapeLiteral(password)}`)
  const url = new URL(ownerUrl.replace('@/', '@host-by-parameter/'))
  url.username = encodeURIComponent(role)
  url.password = password
  return url.href.replace('@host-by-parameter/', '@/')
}

/** Known to whoever holds the owner's URL and to nobody else; the same on every node. */
function derivedPassword(ownerUrl: string, role: string): string {
  const url = new URL(ownerUrl.replace('@/', '@host-by-parameter/'))
  const secret = url.password || url.searchParams.get('password')
  if (!secret) {
    throw new HubError(
      'CONFIG_INVALID',
      "DATABASE_URL has no password to derive the restricted role's from. Add one, or set DATABASE_OWNER_URL and DATABASE_URL separately.",
    )
  }
  return createHmac('sha256', decodeURIComponent(secret)).update(`beforehand role ${role}`).digest('base64url')
}

/** What the hub's role may do: read and write rows. The audit trail can only grow. */
async function grant(client: pg.Client, role: string, database: string): Promise<void> {
  const name = client.escapeIdentifier(role)
  await client.query(`
    GRANT CONNECT, TEMPORARY ON DATABASE ${client.escapeIdentifier(database)} TO ${name};
    GRANT USAGE ON SCHEMA public TO ${name};
    GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO ${name};
    GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO ${name};
    REVOKE UPDATE, DELETE ON audit FROM ${name};
    REVOKE INSERT, UPDATE, DELETE ON schema_migrations FROM ${name};
  `)
}

async function requireCurrentSchema(client: pg.Client, role: string): Promise<void> {
  const behind = await readMigrations()
    .then((migrations) => pendingMigrations(client, migrations))
    .catch((error: unknown) => {
      if (['42P01', '42501'].includes((error as { code?: string }).code ?? '')) return null
      throw error
    })
  if (behind === null || behind.length > 0) {
    throw new HubError(
      'DB_VERSION',
      `The schema is not up to date, and the role "${role}" may not change it. Set DATABASE_OWNER_URL to the role that owns the tables.`,
    )
  }
}

const userOf = (url: string): string => decodeURIComponent(new URL(url.replace('@/', '@host-by-parameter/')).username)

/** A URL as it may appear in a message. */
export const withoutPassword = (url: string): string => url.replace(/:[^:@/]*@/, '@')
