import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'

const root = join(import.meta.dirname, '..')
const CI = process.env.CI === 'true'

/** A section of the walk-through: its heading and the commands a reader pastes. */
interface Section {
  title: string
  commands: string
}

function walkThrough(): Section[] {
  const guide = readFileSync(join(root, 'docs/operating.md'), 'utf8')
  const walk = guide.slice(guide.indexOf('## Walk-through'), guide.indexOf('\n## Configuration'))
  return walk
    .split(/^### /m)
    .slice(1)
    .map((text) => ({
      title: text.slice(0, text.indexOf('\n')),
      commands: [...text.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map(([, block]) => block).join('\n'),
    }))
}

function runs(command: string, ...args: string[]): boolean {
  try {
    execFileSync(command, args, { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

const hasBash = runs('bash', '-c', 'curl --version')
const hasMosquitto = hasBash && runs('bash', '-c', 'command -v mosquitto_pub')
const hasPaho = runs('python3', '-c', 'from paho.mqtt.client import CallbackAPIVersion')

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  await new Promise((resolve) => server.close(resolve))
  return port
}

/** One shell for all sections, as one terminal: what a block defines, later ones use. */
class Terminal {
  readonly #shell: ChildProcess
  readonly #lines: string[] = []
  #heard: () => void = () => undefined
  #ended = false

  constructor(env: NodeJS.ProcessEnv) {
    // Both streams into one pipe, so that an error is read where it happened. Not `-i`: that would want a terminal.
    this.#shell = spawn('bash', ['-c', 'exec 2>&1; exec bash'], {
      cwd: root,
      env,
      stdio: ['pipe', 'pipe', 'inherit'],
      // A group of its own, to be ended with everything it started.
      detached: true,
    })
    createInterface({ input: this.#shell.stdout! }).on('line', (line) => {
      this.#lines.push(line)
      this.#heard()
    })
    this.#shell.once('exit', () => {
      this.#ended = true
      this.#heard()
    })
  }

  /** Runs the commands as pasted and answers with what they printed; throws it when one failed. */
  async paste(commands: string): Promise<string> {
    const end = `end-of-section-${this.#lines.length}`
    // A reader stops at the first error, so the shell does too, here with its number.
    this.#shell.stdin!.write(
      `trap 'echo; echo "failed in line $LINENO: $BASH_COMMAND"' ERR\nset -eEu -o pipefail\n${commands}\nset +e\necho\necho ${end}\n`,
    )
    const from = this.#lines.length
    for (;;) {
      const at = this.#lines.indexOf(end, from)
      if (at >= 0) return this.#lines.slice(from, at).join('\n')
      if (this.#ended) throw new Error(`the shell ended:\n${this.#lines.slice(from).join('\n')}`)
      await new Promise<void>((resolve) => {
        this.#heard = resolve
      })
    }
  }

  /** Ends whatever a failed section left running, the hub in its own way. */
  async end(): Promise<void> {
    const group = -this.#shell.pid!
    const left = (signal: NodeJS.Signals | 0): boolean => {
      try {
        return process.kill(group, signal)
      } catch {
        return false
      }
    }
    this.#shell.stdin!.end()
    left('SIGTERM')
    await vi.waitUntil(() => !left(0), { timeout: 30_000 }).finally(() => left('SIGKILL'))
  }
}

test('the guide has its walk-through, and every block of it is run here', () => {
  const sections = walkThrough()
  expect(sections.map((section) => section.title[0])).toEqual(['1', '2', '3', '4', '5', '6', '7', '8', '9', '1', '1'])
  for (const { title, commands } of sections) expect(commands, title).not.toBe('')
})

describe.skipIf(!CI && !hasMosquitto)('the walk-through (needs curl and mosquitto_pub)', () => {
  const folder = mkdtempSync(join(tmpdir(), 'beforehand-walk-'))
  const sections = walkThrough()
  let terminal: Terminal
  let ports: { http: number; partner: number }

  beforeAll(async () => {
    // The embedded server may run as another user, who has to get in.
    execFileSync('chmod', ['755', folder])
    const [http, mqtt, partner] = [await freePort(), await freePort(), await freePort()]
    ports = { http, partner }
    const { HOME, PATH } = process.env
    terminal = new Terminal({
      ...{ HOME, PATH, LANG: 'C.UTF-8' },
      WALK: folder,
      HUB_HTTP_PORT: String(http),
      HUB_MQTT_PORT: String(mqtt),
      PARTNER_PORT: String(partner),
    })
  })
  afterAll(async () => {
    await terminal.end()
    rmSync(folder, { recursive: true, force: true })
  })

  /** Runs the section whose number it is; an earlier one that failed leaves the later ones nothing to stand on. */
  const run = (number: number): Promise<string> => terminal.paste(sections[number - 1]!.commands)
  const order = () => JSON.parse(readFileSync(join(folder, 'order.json'), 'utf8'))
  const partnerLog = () => readFileSync(join(folder, 'partner.log'), 'utf8').trim().split('\n')

  test('1: the hub starts and shows its key once', async () => {
    expect(await run(1)).toContain(`http://127.0.0.1:${ports.http}`)
  }, 120_000)

  test('2: brand and partner; the partner takes what is signed and nothing else', async () => {
    expect(await run(2)).toContain('"ok":true')
    expect(partnerLog()).toEqual(['signature good: beforehand.partner.test'])
    const forged = await fetch(`http://127.0.0.1:${ports.partner}/`, {
      method: 'POST',
      headers: {
        'webhook-id': 'msg_forged',
        'webhook-timestamp': String(Math.floor(Date.now() / 1_000)),
        'webhook-signature': `v1,${Buffer.alloc(32).toString('base64')}`,
      },
      body: JSON.stringify({ type: 'beforehand.work_order.created', data: {} }),
    })
    expect(forged.status).toBe(401)
  }, 60_000)

  test('3 to 5: product, part, agreement, home, consents, device, rule', async () => {
    for (const number of [3, 4, 5]) await run(number)
  })

  test('6: a reading by mosquitto_pub becomes an alert and an offer; a wrong one is explained', async () => {
    const shown = await run(6)
    expect(shown).toContain('"state":"firing"')
    expect(shown).toContain('"state":"offered"')
    expect(shown).toContain('"code":"WRONG_TYPE","pointer":"/filter_dp_pa"')
  }, 60_000)

  test('7: accepted, and the partner has one correctly signed work order without an address', async () => {
    await run(7)
    expect(partnerLog().at(-1)).toBe('signature good: beforehand.work_order.created')
    expect(order().items).toMatchObject([
      { job: { code: 'replace-hepa' }, diagnosis: { evidence: [{ value: 262.1, limit: 250 }] } },
    ])
    expect(JSON.stringify(order())).not.toContain('示例街道')
  }, 60_000)

  test('8: the address comes after accepting, and every answer is taken', async () => {
    const shown = await run(8)
    expect(shown.indexOf('STATE_FORBIDS')).toBeGreaterThanOrEqual(0)
    expect(shown.indexOf('示例街道')).toBeGreaterThan(shown.indexOf('accepted 200'))
    for (const status of ['accepted', 'appointed', 'en_route', 'arrived', 'completed'])
      expect(shown).toContain(`${status} 200 {"disposition":"applied"}`)
  }, 60_000)

  test('9: telemetry proves the repair, and the partner is told', async () => {
    const shown = await run(9)
    expect(shown).toContain('"state":"closed","end":"verified"')
    expect(partnerLog().filter((line) => line.includes('work_order.verified'))).toHaveLength(1)
  }, 60_000)

  test.skipIf(!hasPaho)(
    '10: published from Python under a standing consent, the order leaves by itself (needs paho-mqtt 2)',
    async () => {
      await run(10)
      expect(order().items).toMatchObject([{ diagnosis: { component: 'fan', evidence: [{ value: 9.4 }] } }])
      expect(partnerLog().filter((line) => line.includes('work_order.created'))).toHaveLength(2)
    },
    60_000,
  )

  test('11: the hub stops when told and says so', async () => {
    expect(await run(11)).toContain('what was acknowledged is kept')
  }, 60_000)
})
