import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { newSecret, silentLogger } from '#platform'
import { runDemo } from '#simulators'
import { removeEmbeddedPostgres } from '#store'
import { type Command, type CommandContext, EXIT, type ExitCode } from '../cli.ts'
import { type HubConfig, readConfig } from '../config.ts'
import { startHub } from '../hub.ts'
import { describeOptions, readOptions, wholeNumber } from '../options.ts'

const OPTIONS = {
  once: {
    type: 'boolean',
    help: 'end with 0 after the first verified repair, with 1 if there is none within 5 minutes',
  },
  seed: { type: 'string', value: 'N', help: 'repeat a season exactly (1)' },
  devices: { type: 'string', value: 'N', help: 'how many appliances and locks' },
  days: { type: 'string', value: 'N', help: 'days of hub time to play' },
  truth: { type: 'string', value: 'FILE', help: 'write what really wore and failed, one JSON object a line' },
} as const

/** A season in about two minutes; the ceiling is never what slows it on a usual machine. */
const TIME_SCALE = 1_000_000
const GIVE_UP_MS = 5 * 60_000

export const demo: Command = {
  name: 'demo',
  summary: 'a season in two minutes: hub, simulated fleet, homeowners and partner, told as it happens',
  usage: `Usage: beforehand demo [options] [--json]

${describeOptions(OPTIONS)}

Everything runs on this machine, in a folder that is removed afterwards, on free ports. Started by root, it may
leave PostgreSQL's programs in /var/lib/beforehand for the next run: remove that folder if no hub uses it.`,
  async run({ args, say, answer, json, signal, env }) {
    const { values } = readOptions(args, OPTIONS)
    const seed = wholeNumber('seed', values.seed) ?? 1
    const devices = wholeNumber('devices', values.devices, 1)
    const days = wholeNumber('days', values.days, 1)
    const folder = mkdtempSync(join(tmpdir(), 'beforehand-demo-'))
    // The database's own user, when the demo runs as root, has to pass through.
    chmodSync(folder, 0o711)
    const adminKey = newSecret()
    const config = readConfig({
      HUB_DATA_DIR: join(folder, 'data'),
      HUB_HTTP_PORT: '0',
      HUB_MQTT_PORT: '0',
      HUB_TIME_SCALE: String(TIME_SCALE),
      HUB_ALLOW_LOOPBACK: 'yes',
      HUB_ADMIN_KEY: adminKey,
      // The story is the output; a season of log lines would bury it.
      HUB_LOG_LEVEL: env.HUB_LOG_LEVEL ?? 'error',
    })
    try {
      return await play(config, { adminKey, say, answer, json, signal, values, seed, devices, days })
    } finally {
      await removeEmbeddedPostgres(join(folder, 'data', 'postgres'), silentLogger)
      rmSync(folder, { recursive: true, force: true })
    }
  },
}

interface Season extends Pick<CommandContext, 'say' | 'answer' | 'json' | 'signal'> {
  adminKey: string
  values: { once?: boolean; truth?: string }
  seed: number
  devices: number | undefined
  days: number | undefined
}

async function play(config: HubConfig, season: Season): Promise<ExitCode> {
  const { adminKey, say, answer, json, signal, values, seed, devices, days } = season
  say('Starting a hub with its own database …')
  const hub = await startHub(config, { logTo: json ? 'stderr' : 'stdout' })
  const giveUp = AbortSignal.any([signal, ...(values.once ? [AbortSignal.timeout(GIVE_UP_MS)] : [])])
  try {
    const story = runDemo({
      hubUrl: hub.addresses.httpUrl,
      mqttUrl: hub.addresses.mqttUrl,
      platformKey: adminKey,
      seed,
      ...(devices === undefined ? {} : { devices }),
      ...(days === undefined ? {} : { days }),
      once: values.once ?? false,
      giveUpMs: GIVE_UP_MS,
      ...(values.truth === undefined ? {} : { truthFile: values.truth }),
      print: json ? () => undefined : say,
      signal: giveUp,
    })
    const failed = hub.failed.then((error) => {
      throw error
    })
    const result = await Promise.race([story, failed])
    answer({ seed, ...result })
    return values.once && result.verified === 0 ? EXIT.checkFailed : EXIT.done
  } finally {
    await hub.stop()
  }
}
