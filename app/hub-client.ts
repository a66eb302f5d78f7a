import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { HubError, toError } from '#platform'
import type { CommandContext } from './cli.ts'
import { readConfig } from './config.ts'
import { startHub } from './hub.ts'

/** A hub a command talks to: one that runs, or the data folder opened for as long as the command takes. */
export interface HubClient extends AsyncDisposable {
  readonly url: string
  /** One call; answers of 300 and above throw what the hub says. */
  call(method: string, path: string, body?: unknown): Promise<Record<string, unknown>>
  /** The same with a body or an answer that is no JSON document. */
  send(
    method: string,
    path: string,
    options: { type?: string; body?: string | Uint8Array; signal?: AbortSignal },
  ): Promise<Response>
}

/**
 * Commands that need data ask the running hub (`HUB_URL` and `HUB_KEY`, or the address it leaves in
 * the data folder); with none running they open the folder themselves.
 *
 * @param brand key of the brand whose data are meant; needed where there are several
 */
export async function connectHub({ env, cwd }: CommandContext, brand?: string): Promise<HubClient> {
  const { HUB_URL: url, HUB_KEY: key } = env
  if (url) return clientOf(url, neededKey(key))
  const config = readConfig({ ...env, HUB_HTTP_PORT: '0', HUB_MQTT_PORT: '0' }, cwd)
  const running = runningHub(config.dataDir)
  if (running) return clientOf(running, neededKey(key))
  const hub = await startHub(
    { ...config, logLevel: env.HUB_LOG_LEVEL ? config.logLevel : 'error' },
    { logTo: 'stderr' },
  )
  try {
    const client = clientOf(hub.addresses.httpUrl, await hub.brandKey(brand))
    return { ...client, [Symbol.asyncDispose]: () => hub.stop() }
  } catch (error) {
    await hub.stop()
    throw error
  }
}

function neededKey(key: string | undefined): string {
  if (key) return key
  throw new HubError('MISSING_DEPENDENCY', 'A hub is running: set HUB_KEY to an author’s or admin’s key of the brand.')
}

/** Where a hub of this folder answers now. */
function runningHub(dataDir: string): string | null {
  const file = join(dataDir, 'hub.json')
  if (!existsSync(file)) return null
  try {
    const { pid, httpUrl } = JSON.parse(readFileSync(file, 'utf8')) as { pid: number; httpUrl: string }
    process.kill(pid, 0)
    return httpUrl || null
  } catch {
    return null // It was killed and left its address.
  }
}

function clientOf(base: string, key: string): HubClient {
  const url = base.replace(/\/$/, '')
  const send: HubClient['send'] = async (method, path, { type, body, signal }) => {
    const headers = { authorization: `Bearer ${key}`, ...(type === undefined ? {} : { 'content-type': type }) }
    const answer = await fetch(url + path, {
      method,
      headers,
      ...(body === undefined ? {} : { body: body as BodyInit }),
      ...(signal ? { signal } : {}),
    }).catch((cause: unknown) => {
      if (signal?.aborted) throw signal.reason
      throw new HubError('MISSING_DEPENDENCY', `No hub answers at ${url}: ${toError(cause).message}.`, { cause })
    })
    if (answer.status < 300) return answer
    const problem = (await answer.json().catch(() => ({}))) as { code?: string; detail?: string }
    throw new HubAnswer(
      answer.status,
      problem.code ?? 'INTERNAL',
      problem.detail ?? `${method} ${path}: ${answer.status}`,
    )
  }
  return {
    url,
    send,
    async call(method, path, body) {
      const json = body === undefined ? {} : { type: 'application/json', body: JSON.stringify(body) }
      return (await send(method, path, json)).json() as Promise<Record<string, unknown>>
    },
    [Symbol.asyncDispose]: async () => undefined,
  }
}

/** What a hub answered instead of doing what it was asked. */
export class HubAnswer extends Error {
  override readonly name = 'HubAnswer'
  readonly status: number
  readonly code: string

  constructor(status: number, code: string, detail: string) {
    super(detail)
    this.status = status
    this.code = code
  }
}
