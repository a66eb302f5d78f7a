import { writeSync } from 'node:fs'
import { silentLogger, systemClock } from '#platform'
import { openTelemetryLog } from '../telemetry-log.ts'
import { numberedRecord } from './numbered-record.ts'

/**
 * A hub reduced to its log, to be killed, cut off and lied to by the tests. Tells each
 * acknowledgement on stdout the moment it has it: what it told, the log must still have.
 *
 * Arguments: folder, number of its first record, how many appends, bytes of each.
 */
const [dir, first, appends, bytes] = process.argv.slice(2)
/** Appends under way at once: some commits hold several, some one. */
const WINDOW = 6

const say = (line: string): void => {
  for (;;)
    try {
      writeSync(1, `${line}\n`)
      return
    } catch (error) {
      // The reader of the pipe has not kept up: lines this short go whole or not at all.
      if ((error as { code?: string }).code !== 'EAGAIN') throw error
    }
}

const log = await openTelemetryLog({
  dir: dir!,
  clock: systemClock,
  logger: silentLogger,
  diskReserveBytes: 0,
  idleTickMs: null,
  onFatal: (error) => {
    say(`fatal ${error.code} ${error.message}`)
    process.exit(3)
  },
})
say('open')

let next = Number(first)
const end = next + Number(appends)
async function source(): Promise<void> {
  while (next < end) {
    const number = next++
    try {
      const { firstSeq } = await log.append([numberedRecord(number, Number(bytes))])
      say(`ack ${firstSeq} ${number}`)
    } catch (error) {
      say(`refused ${(error as { code?: string }).code} ${number}`)
    }
  }
}
await Promise.all(Array.from({ length: WINDOW }, source))
await log.close()
say('closed')
