import { parentPort, workerData } from 'node:worker_threads'
import { createLogger, systemClock } from '#platform'
import type { ViewFilter } from '#rules'
import { openDatabase } from '#store'
import { type RulesPart, startRulesHere } from '../parts/rules-part.ts'
import type { RulesSettings } from '../parts/settings.ts'
import { carryError, serveCalls } from './thread-calls.ts'

/** The runner uses one session for effects and one for the state; one more for what the bridge looks up. */
const POOL_SIZE = 3

const settings = workerData as RulesSettings
const logger = createLogger(settings.logLevel, settings.logTo)
const db = await openDatabase({ url: settings.databaseUrl, poolSize: POOL_SIZE, logger })
let rules: RulesPart | null = null

const main = serveCalls(parentPort!, {
  async start() {
    rules = await startRulesHere(
      settings,
      { db, clock: systemClock, logger },
      {
        onCommitted: (effects) => main.note('committed', effects),
        onChanged: (change) => main.note('changed', change),
        onFatal: (error) => main.note('fatal', carryError(error)),
      },
    )
  },
  caughtUp: (seq: number) => rules!.caughtUp(seq),
  position: () => rules!.position(),
  views: (filter: ViewFilter) => rules!.views(filter),
  async stop() {
    await rules?.stop()
    await db.close()
  },
})
