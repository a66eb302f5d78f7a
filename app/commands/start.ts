import { type Command, EXIT } from '../cli.ts'
import { readConfig } from '../config.ts'
import { startHub } from '../hub.ts'
import { readOptions } from '../options.ts'

export const start: Command = {
  name: 'start',
  summary: 'the hub for real devices; the first run makes the data folder and shows the administrator key once',
  usage: `Usage: beforehand start [--json]

Runs the hub until it is stopped (Ctrl-C, SIGTERM). Everything is set by the environment and .env.
With --json the addresses, and the key if it was just made, are printed as one JSON document once the hub is ready;
the log then goes to standard error.`,
  async run({ args, env, cwd, json, say, answer, signal }) {
    readOptions(args, {})
    const config = readConfig(env, cwd)
    say(`Starting a hub in ${config.dataDir} …`)
    const hub = await startHub(config, { logTo: json ? 'stderr' : 'stdout' })
    const { httpUrl, mqttUrl, listeners } = hub.addresses
    answer({ ready: true, pid: process.pid, httpUrl, mqttUrl, listeners, adminKey: hub.newAdminKey })
    say(`The hub is ready (process ${process.pid}).`)
    say(`  API and pages  ${httpUrl}  (documentation: ${httpUrl}/docs)`)
    for (const [kind, url] of Object.entries(listeners)) say(`  ${kind.padEnd(14)} ${url}`)
    if (hub.newAdminKey !== null) {
      say(`  Data folder    ${config.dataDir}`)
      say('')
      say(`  Administrator key, shown this once: ${hub.newAdminKey}`)
    }
    const stopped = new Promise<null>((resolve) => {
      if (signal.aborted) resolve(null)
      signal.addEventListener('abort', () => resolve(null), { once: true })
    })
    const failure = await Promise.race([stopped, hub.failed])
    if (failure === null) say('Stopping; what was acknowledged is kept.')
    await hub.stop()
    if (failure !== null) throw failure
    return EXIT.done
  },
}
