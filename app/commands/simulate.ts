import { existsSync, readFileSync } from 'node:fs'
import { durationMs, HubError } from '#platform'
import { runSimulate, SCENARIOS, type Scenario, type SimulateOptions } from '#simulators'
import { type Command, EXIT } from '../cli.ts'
import { describeOptions, readOptions, wholeNumber } from '../options.ts'

const OPTIONS = {
  url: { type: 'string', value: 'URL', help: 'any MQTT broker, mqtt:// or mqtts:// (mqtt://127.0.0.1:1883)' },
  devices: { type: 'string', value: 'N|FILE', help: 'how many, or NDJSON of {serial, token, category?} (10)' },
  'token-prefix': { type: 'string', value: 'TEXT', help: 'with a number: a device’s token is this and its serial' },
  register: { type: 'boolean', help: 'make them known to the hub at HUB_URL first, with the operator’s HUB_KEY' },
  rate: { type: 'string', value: 'N', help: 'messages per second of the whole fleet (each device on its own beat)' },
  seed: { type: 'string', value: 'N', help: 'repeat the same fleet (1)' },
  scenario: { type: 'string', value: 'NAME', help: `one of ${Object.keys(SCENARIOS).join(', ')}` },
  for: { type: 'string', value: 'DURATION', help: 'end after this, as 30s or PT5M (until stopped)' },
  truth: { type: 'string', value: 'FILE', help: 'write what really wore and failed, one JSON object a line' },
  ca: { type: 'string', value: 'FILE', help: 'PEM of a private authority, for mqtts' },
} as const

export const simulate: Command = {
  name: 'simulate',
  summary: 'a seeded fleet of appliances and locks against any broker',
  usage: `Usage: beforehand simulate [options] [--json]

${describeOptions(OPTIONS)}`,
  async run({ args, env, json, say, answer, signal }) {
    const { values } = readOptions(args, OPTIONS)
    const rate = wholeNumber('rate', values.rate, 1)
    const seed = wholeNumber('seed', values.seed)
    const forMs = values.for === undefined ? undefined : durationMs(values.for)
    if (forMs === null) throw new HubError('USAGE', `--for takes a duration as 30s or PT5M, not "${values.for}".`)
    const register = values.register ? hubOf(env, values.devices) : null
    const options: SimulateOptions = {
      url: values.url ?? 'mqtt://127.0.0.1:1883',
      devices: devicesOf(values.devices),
      signal,
      ...(values['token-prefix'] === undefined ? {} : { tokenPrefix: values['token-prefix'] }),
      ...(register === null ? {} : { register }),
      ...(rate === undefined ? {} : { rate }),
      ...(seed === undefined ? {} : { seed }),
      ...(values.scenario === undefined ? {} : { scenario: values.scenario as Scenario }),
      ...(forMs === undefined ? {} : { durationMs: forMs }),
      ...(values.truth === undefined ? {} : { truthFile: values.truth }),
      ...(values.ca === undefined ? {} : { ca: textOf(values.ca) }),
    }
    const progress = process.stderr.isTTY && !json
    const result = await runSimulate({
      ...options,
      ...(progress ? { onProgress: (counts) => void process.stderr.write(`\r${JSON.stringify(counts)}`) } : {}),
    })
    if (progress) process.stderr.write('\n')
    say(
      Object.entries(result)
        .map(([name, value]) => `${name} ${value}`)
        .join(', '),
    )
    answer(result)
    return EXIT.done
  },
}

/** Only a number of devices can be registered: a file names devices that a hub knows already. */
function hubOf(env: Record<string, string | undefined>, devices = '10'): { hubUrl: string; key: string } {
  if (!/^\d+$/.test(devices)) throw new HubError('USAGE', '--register goes with a number of devices, not with a file.')
  const { HUB_URL: hubUrl, HUB_KEY: key } = env
  if (!hubUrl || !key) throw new HubError('USAGE', '--register needs HUB_URL and HUB_KEY, an operator’s key.')
  return { hubUrl, key }
}

function devicesOf(text = '10'): SimulateOptions['devices'] {
  if (/^\d+$/.test(text)) return Number(text)
  const lines = textOf(text)
    .split('\n')
    .filter((line) => line.trim() !== '')
  return lines.map((line, i) => {
    const device = parsed(line)
    if (typeof device?.serial === 'string' && typeof device.token === 'string') return device
    throw new HubError('USAGE', `${text}, line ${i + 1}: needs an object with "serial" and "token".`)
  })
}

function parsed(line: string): { serial: string; token: string; category?: string } | null {
  try {
    return JSON.parse(line)
  } catch {
    return null
  }
}

function textOf(file: string): string {
  if (!existsSync(file)) throw new HubError('USAGE', `There is no file ${file}.`)
  return readFileSync(file, 'utf8')
}
