/** What has to come to rest before hub time may move. */
export interface SettleParts {
  headSeq(): number
  /** Each resolves when it has applied everything up to the position. */
  consumers: readonly { caughtUp(seq: number): Promise<void> }[]
  appender: { isIdle(): Promise<boolean>; nudge(): void }
  bridge: { nudge(): void; idle(): Promise<void> } | null
}

/** Effects may make changes, which make records, which make effects; no honest chain is this long. */
const ROUNDS_MAX = 1_000

/**
 * Waits until log, consumers, control outbox and bridge are all at rest at once: each may give
 * the others work, so one quiet round through all of them is needed.
 */
export async function settle({ headSeq, consumers, appender, bridge }: SettleParts): Promise<void> {
  for (let round = 0; round < ROUNDS_MAX; round++) {
    const head = headSeq()
    await Promise.all(consumers.map((consumer) => consumer.caughtUp(head)))
    if (bridge) {
      bridge.nudge()
      await bridge.idle()
    }
    if (!(await appender.isIdle())) {
      appender.nudge()
      await untilIdle(appender)
      continue
    }
    if (headSeq() === head) return
  }
  throw new Error('the hub does not come to rest: something gives itself new work for ever')
}

async function untilIdle(appender: SettleParts['appender']): Promise<void> {
  while (!(await appender.isIdle())) await new Promise<void>((resolve) => setImmediate(resolve))
}
