import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { realSleep } from '#platform'

export interface TestInflux {
  url: string
  stop(): Promise<void>
}

/** A server that can be taken away and comes back with what it had. */
export interface OwnInflux extends TestInflux {
  /** Connections stay open and nothing answers any more, as with a machine that hangs. */
  hang(): void
  wake(): void
  kill(): Promise<void>
  start(): Promise<void>
}

/** Whether a real server can be had: one given by `INFLUX_URL`, or `influxd` on the path. */
export function influxAvailable(): boolean {
  return Boolean(process.env.INFLUX_URL) || spawnSync('influxd', ['version']).status === 0
}

/** A server of the test's own in a temporary folder, or the one `INFLUX_URL` names. */
export async function startTestInflux(): Promise<TestInflux> {
  const given = process.env.INFLUX_URL
  return given ? { url: given, stop: async () => undefined } : startOwnInflux()
}

/** `influxd` from the path, on free ports and a folder of its own. */
export async function startOwnInflux(): Promise<OwnInflux> {
  const dir = await mkdtemp(join(tmpdir(), 'beforehand-influx-'))
  const [http, rpc] = [await freePort(), await freePort()]
  const config = join(dir, 'influxdb.conf')
  await writeFile(
    config,
    `reporting-disabled = true
bind-address = "127.0.0.1:${rpc}"
[meta]
  dir = "${dir}/meta"
[data]
  dir = "${dir}/data"
  wal-dir = "${dir}/wal"
  query-log-enabled = false
[monitor]
  store-enabled = false
[http]
  bind-address = "127.0.0.1:${http}"
  log-enabled = false
`,
  )
  const url = `http://127.0.0.1:${http}`
  const answers = (): Promise<boolean> =>
    fetch(`${url}/ping`).then(
      (answer) => answer.ok,
      () => false,
    )
  let child: ChildProcess
  async function start(): Promise<void> {
    child = spawn('influxd', ['run', '-config', config], { stdio: 'ignore' })
    while (child.exitCode === null && !(await answers())) await realSleep(50)
    if (child.exitCode !== null) throw new Error(`influxd ended with ${child.exitCode}`)
  }
  async function kill(): Promise<void> {
    child.kill('SIGKILL')
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
  }
  await start()
  return {
    url,
    start,
    kill,
    hang: () => void child.kill('SIGSTOP'),
    wake: () => void child.kill('SIGCONT'),
    async stop() {
      await kill()
      await rm(dir, { recursive: true, force: true })
    },
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  server.close()
  await once(server, 'close')
  return port
}
