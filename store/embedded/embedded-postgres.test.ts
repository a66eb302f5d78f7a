import { spawnSync } from 'node:child_process'
import { chmod, cp, mkdir, mkdtemp, readFile, readlink, rename, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import pg from 'pg'
import { expect, onTestFinished, test, vi } from 'vitest'
import { silentLogger } from '#platform'
import { locate, readyBinaries } from './binaries.ts'
import {
  type EmbeddedPostgres,
  type EmbeddedPostgresOptions,
  removeEmbeddedPostgres,
  startEmbeddedPostgres,
} from './embedded-postgres.ts'
import { operatingUser } from './operating-user.ts'

const isRoot = process.getuid?.() === 0

async function temporaryFolder(): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'beforehand-pg-'))
  // A temporary folder is its maker's alone; the server's user has to pass through it.
  await chmod(dir, 0o711)
  onTestFinished(() => rm(dir, { recursive: true, force: true }))
  return dir
}

async function dataFolder(): Promise<string> {
  return join(await temporaryFolder(), 'data', 'postgres')
}

async function started(dir: string, options: Partial<EmbeddedPostgresOptions> = {}): Promise<EmbeddedPostgres> {
  const postgres = await startEmbeddedPostgres({ dir, logger: silentLogger, durable: false, ...options })
  onTestFinished(() => postgres.stop())
  return postgres
}

async function query<T extends object>(url: string, sql: string): Promise<T[]> {
  const client = new pg.Client(url)
  await client.connect()
  try {
    return (await client.query<T>(sql)).rows
  } finally {
    await client.end()
  }
}

test('a first start makes a cluster, its roles and its database; a second finds them', async () => {
  const dir = await dataFolder()
  const first = await started(dir)
  expect(await query(first.ownerUrl, 'CREATE TABLE kept AS SELECT 42 AS n')).toEqual([])
  await first.stop()
  const second = await started(dir)
  expect(second.adopted).toBe(false)
  expect(await query(second.ownerUrl, 'SELECT n FROM kept')).toEqual([{ n: 42 }])
  const [role] = await query(
    second.appUrl,
    'SELECT rolsuper, rolbypassrls, rolcreaterole FROM pg_roles WHERE rolname = current_user',
  )
  expect(role).toEqual({ rolsuper: false, rolbypassrls: false, rolcreaterole: false })
})

test('it listens nowhere on the network, and its passwords are for the hub alone', async () => {
  const dir = await dataFolder()
  const { ownerUrl } = await started(dir)
  expect(await query(ownerUrl, 'SHOW listen_addresses')).toEqual([{ listen_addresses: '' }])
  expect((await stat(join(dir, 'credentials.json'))).mode & 0o777).toBe(0o600)
  await expect(query(ownerUrl.replace(/:[^:@]+@/, ':wrong@'), 'SELECT 1')).rejects.toMatchObject({ code: '28P01' })
})

test('unless told otherwise it is durable', async () => {
  const { ownerUrl } = await started(await dataFolder(), { durable: true })
  const settings = `SELECT name, setting FROM pg_settings WHERE name IN ('fsync', 'synchronous_commit', 'full_page_writes')`
  expect((await query<{ setting: string }>(ownerUrl, settings)).map(({ setting }) => setting)).toEqual([
    'on',
    'on',
    'on',
  ])
})

test('a server that a killed hub left running is taken over', async () => {
  const dir = await dataFolder()
  const left = await started(dir)
  const next = await started(dir)
  expect(next.adopted).toBe(true)
  expect(next.pid).toBe(left.pid)
  await next.stop()
  await expect(query(next.ownerUrl, 'SELECT 1')).rejects.toThrow()
})

test('one left running with other settings is replaced', async () => {
  const dir = await dataFolder()
  const left = await started(dir)
  const next = await started(dir, { connectionsMax: 17 })
  expect(next.adopted).toBe(false)
  expect(next.pid).not.toBe(left.pid)
  expect(await query(next.ownerUrl, 'SHOW max_connections')).toEqual([{ max_connections: '17' }])
})

test('after the server itself was killed, the next start recovers what was committed', async () => {
  const dir = await dataFolder()
  const first = await started(dir, { durable: true })
  await query(first.ownerUrl, 'CREATE TABLE kept AS SELECT 7 AS n')
  process.kill(first.pid, 'SIGKILL')
  const second = await started(dir, { durable: true })
  expect(await query(second.ownerUrl, 'SELECT n FROM kept')).toEqual([{ n: 7 }])
})

test('kept running, a server that was killed is back at the same address with what was committed', async () => {
  const dir = await dataFolder()
  const kept = await started(dir, { durable: true, keepRunning: true })
  await query(kept.ownerUrl, 'CREATE TABLE kept AS SELECT 7 AS n')
  const killed = kept.pid
  process.kill(killed, 'SIGKILL')
  await vi.waitUntil(() => kept.pid !== killed, { timeout: 30_000 })
  expect(await query(kept.ownerUrl, 'SELECT n FROM kept')).toEqual([{ n: 7 }])
  await kept.stop()
  await expect(query(kept.ownerUrl, 'SELECT 1')).rejects.toThrow()
})

test('kept running, one that cannot start is tried again until it can, and stopped meanwhile if asked', async () => {
  const dir = await dataFolder()
  const kept = await started(dir, { keepRunning: true })
  const control = join(dir, 'cluster', 'global', 'pg_control')
  await rename(control, `${control}.away`)
  const killed = kept.pid
  process.kill(killed, 'SIGKILL')
  await vi.waitUntil(async () => (await readFile(join(dir, 'server.log'), 'utf8')).includes('pg_control'), 30_000)
  await rename(`${control}.away`, control)
  await vi.waitUntil(() => kept.pid !== killed, { timeout: 30_000 })
  expect(await query(kept.ownerUrl, 'SELECT 1 AS n')).toEqual([{ n: 1 }])
  await rename(control, `${control}.away`)
  process.kill(kept.pid, 'SIGKILL')
  await kept.stop()
})

test('a pid file naming what is another program by now does not keep it from starting', async () => {
  const dir = await dataFolder()
  const first = await started(dir)
  const pidFile = await readFile(join(dir, 'cluster', 'postmaster.pid'), 'utf8')
  await first.stop()
  await writeFile(join(dir, 'cluster', 'postmaster.pid'), pidFile.replace(/^\d+/, String(process.pid)))
  const second = await started(dir)
  expect(second.pid).not.toBe(process.pid)
})

test('a cluster of another major version is named, not touched', async () => {
  const dir = await dataFolder()
  await (await started(dir)).stop()
  await writeFile(join(dir, 'cluster', 'PG_VERSION'), '13\n')
  await expect(started(dir)).rejects.toMatchObject({
    code: 'EMBEDDED_DB_FAILED',
    message: expect.stringContaining('PostgreSQL 13'),
  })
})

test('when the server cannot start, its own words are in the error', async () => {
  const dir = await dataFolder()
  await (await started(dir)).stop()
  await rm(join(dir, 'cluster', 'global', 'pg_control'))
  await expect(started(dir)).rejects.toMatchObject({
    code: 'EMBEDDED_DB_FAILED',
    message: expect.stringContaining('pg_control'),
  })
})

test('a data folder with a very long path still gets a socket', async () => {
  const dir = join(await temporaryFolder(), 'a'.repeat(120), 'postgres')
  const { ownerUrl } = await started(dir)
  expect(await query(ownerUrl, 'SELECT 1 AS n')).toEqual([{ n: 1 }])
  await removeEmbeddedPostgres(dir, silentLogger)
})

test.skipIf(!isRoot)(
  'root: below a folder only root may enter, the cluster is kept elsewhere and linked to',
  async () => {
    const home = await temporaryFolder()
    await chmod(home, 0o700)
    const stageRoot = await temporaryFolder()
    await chmod(stageRoot, 0o755)
    const dir = join(home, 'clone', 'data', 'postgres')
    const first = await started(dir, { stageRoot })
    await query(first.ownerUrl, 'CREATE TABLE kept AS SELECT 1 AS n')
    await first.stop()
    const cluster = await readlink(join(dir, 'cluster'))
    expect(dirname(dirname(cluster))).toBe(stageRoot)
    expect((await stat(home)).mode & 0o777).toBe(0o700)
    const second = await started(dir, { stageRoot })
    expect(await query(second.ownerUrl, 'SELECT n FROM kept')).toEqual([{ n: 1 }])
    await second.stop()
    await rm(dirname(cluster), { recursive: true })
    await expect(started(dir, { stageRoot })).rejects.toMatchObject({
      code: 'EMBEDDED_DB_FAILED',
      message: expect.stringContaining('which is gone'),
    })
  },
)

test.skipIf(!isRoot)('root: programs only root may enter are copied to where the server can run them', async () => {
  const home = await temporaryFolder()
  await chmod(home, 0o700)
  const stageRoot = await temporaryFolder()
  await chmod(stageRoot, 0o755)
  const found = locate()
  await mkdir(join(home, 'package'))
  await cp(found.native, join(home, 'package', 'native'), { recursive: true, verbatimSymlinks: true })
  const user = operatingUser()
  const { postgres } = await readyBinaries(user, stageRoot, { ...found, native: join(home, 'package', 'native') })
  expect(postgres.startsWith(stageRoot)).toBe(true)
  const answer = spawnSync(postgres, ['--version'], { ...user, cwd: '/', encoding: 'utf8' })
  expect(answer.stdout).toContain('PostgreSQL')
})

test('library links that an install script would have made are made at the start', async () => {
  const dir = await temporaryFolder()
  await chmod(dir, 0o755)
  const found = locate()
  const native = join(dir, 'package', 'native')
  await cp(found.native, native, { recursive: true, verbatimSymlinks: true })
  const links = JSON.parse(await readFile(join(native, 'pg-symlinks.json'), 'utf8')) as { target: string }[]
  for (const { target } of links) await rm(join(dir, 'package', target), { force: true })
  const { postgres } = await readyBinaries(operatingUser(), dir, { ...found, native })
  expect(postgres.startsWith(native)).toBe(true)
  expect(spawnSync(postgres, ['--version'], { encoding: 'utf8' }).stdout).toContain('PostgreSQL')
})
