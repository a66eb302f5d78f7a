import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import type { TestProject } from 'vitest/node'
import { silentLogger } from '#platform'
import { removeEmbeddedPostgres, startEmbeddedPostgres } from '../embedded/embedded-postgres.ts'
import { prepareDatabase } from '../prepare-database.ts'

declare module 'vitest' {
  export interface ProvidedContext {
    /** The owner's and the restricted role's URLs of the run's template database. */
    postgresOwnerUrl: string
    postgresAppUrl: string
  }
}

const PREFIX = 'beforehand-test-'
export const TEMPLATE = 'beforehand'

/** One cluster for the whole run, its first database migrated: what `testDatabase` copies. */
export default async function setUp(project: TestProject): Promise<() => Promise<void>> {
  await removeLeftOvers()
  const dir = mkdtempSync(join(tmpdir(), `${PREFIX}${process.pid}-`))
  const database = join(dir, 'postgres')
  const cluster = await startEmbeddedPostgres({
    dir: database,
    logger: silentLogger,
    durable: false,
    connectionsMax: 200,
  })
  await prepareDatabase({ url: cluster.ownerUrl, appUrl: cluster.appUrl, logger: silentLogger })
  project.provide('postgresOwnerUrl', cluster.ownerUrl)
  project.provide('postgresAppUrl', cluster.appUrl)
  return async () => {
    await cluster.stop()
    rmSync(dir, { recursive: true, force: true })
  }
}

/** Clusters of runs that were killed before they could tidy up. */
async function removeLeftOvers(): Promise<void> {
  for (const name of readdirSync(tmpdir())) {
    const owner = new RegExp(`^${PREFIX}(\\d+)-`).exec(name)?.[1]
    if (!owner || isAlive(Number(owner))) continue
    await removeEmbeddedPostgres(join(tmpdir(), name, 'postgres'), silentLogger)
    rmSync(join(tmpdir(), name), { recursive: true, force: true })
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

/** Runs one statement in the maintenance database of the cluster. */
export async function inMaintenance(ownerUrl: string, sql: string): Promise<void> {
  const client = new pg.Client(ownerUrl.replace(`/${TEMPLATE}?`, '/postgres?'))
  await client.connect()
  try {
    await client.query(sql)
  } finally {
    await client.end()
  }
}
