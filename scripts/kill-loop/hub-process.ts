import { type HubConfig, readConfig, startHub } from '#app'

/** The hub that is killed: as people run it, but it sends somebody at once instead of after ten minutes. */
const config: HubConfig = readConfig(process.env)
const hub = await startHub(config, { policy: { settleMs: 0 } })
process.send?.(hub.addresses)
process.on('SIGTERM', () => {
  void hub.stop().then(() => process.exit(0))
})
void hub.failed.then((error) => {
  process.stderr.write(`${error.stack ?? error.message}\n`)
  process.exit(1)
})
