/**
 * Trials of what the hub promises, each one command with a table at its end: see prove/README.md.
 *
 *   npm run prove -- demotion|fakes|kills|storm|year [options] [--json] [--keep]
 */
import { parseArgs } from 'node:util'
import { table } from './prove/table.ts'
import { trialHub } from './prove/trial-hub.ts'
import { TRIALS } from './prove/trials.ts'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    jobs: { type: 'string' },
    homes: { type: 'string' },
    days: { type: 'string' },
    kills: { type: 'string' },
    seed: { type: 'string' },
    json: { type: 'boolean', default: false },
    keep: { type: 'boolean', default: false },
  },
})
const trial = TRIALS[positionals[0] ?? '']
if (!trial || positionals.length > 1) {
  process.stderr.write(
    `usage: npm run prove -- ${Object.keys(TRIALS).join('|')} [options]; see scripts/prove/README.md\n`,
  )
  process.exit(2)
}
const numbers: Record<string, number> = {}
for (const name of ['jobs', 'homes', 'days', 'kills', 'seed'] as const) {
  const given = values[name]
  if (given === undefined) continue
  if (!/^[1-9]\d{0,8}$/.test(given)) {
    process.stderr.write(`--${name} is a whole number from 1\n`)
    process.exit(2)
  }
  numbers[name] = Number(given)
}

const stop = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.on(signal, () => (stop.signal.aborted ? process.exit(1) : stop.abort()))
const say = (line: string): void => void process.stderr.write(`${line}\n`)
const hub = await trialHub({
  // The hub is killed, never its database; and only the year times what a commit takes part in.
  durable: positionals[0] === 'year',
  ...(values.keep ? { keep: (folder: string) => say(`kept ${folder}`) } : {}),
})
let failures: string[] = []
try {
  const outcome = await trial({ hub, numbers, say, signal: stop.signal })
  failures = outcome.failures
  if (values.json) process.stdout.write(`${JSON.stringify({ ...outcome.result, failures })}\n`)
  else {
    process.stdout.write(`${table(outcome.rows).join('\n')}\n`)
    for (const failure of failures.slice(0, 50)) process.stdout.write(`✘ ${failure}\n`)
    if (failures.length > 50) process.stdout.write(`✘ … and ${failures.length - 50} more\n`)
  }
} finally {
  await hub.close()
}
process.exit(failures.length === 0 ? 0 : 1)
