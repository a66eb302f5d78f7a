import { Worker } from 'node:worker_threads'
import { jobTemplate } from '#catalog'
import type { AlertEffect, InstanceView } from '#contracts'
import { openLogReader } from '#ingest'
import { createRulesRunner, type RulesPosition } from '#pipeline'
import { type Clock, type Logger, SecretBox, systemRandom } from '#platform'
import { createEvaluator, type ViewFilter } from '#rules'
import { type BridgeChange, createServiceBridge } from '#service-bridge'
import type { Database } from '#store'
import { startOwnThread } from '../workers/own-thread.ts'
import type { RulesSettings } from './settings.ts'

/** The evaluator following the log, wherever it runs. */
export interface RulesPart {
  caughtUp(seq: number): Promise<void>
  position(): Promise<RulesPosition>
  views(filter: ViewFilter): Promise<InstanceView[]>
  stop(): Promise<void>
}

/** What the rest of the hub is told. */
export interface RulesEvents {
  /** Effects and what follows from them are committed. */
  onCommitted(effects: readonly AlertEffect[]): void
  /** A case opened, changed, recovered. */
  onChanged(change: BridgeChange): void
  onFatal(error: Error): void
}

/** Runs the rules in this thread: tests, the stepped clock, and the inside of the rules thread. */
export async function startRulesHere(
  settings: RulesSettings,
  parts: { db: Database; clock: Clock; logger: Logger },
  events: RulesEvents,
): Promise<RulesPart> {
  const { db, clock, logger } = parts
  const reader = openLogReader({ dir: settings.logDir })
  // Only the part of the bridge that works inside the runner's transaction; timers and deliveries run elsewhere.
  const bridge = createServiceBridge({
    db,
    box: new SecretBox(settings.secretKey),
    clock,
    random: systemRandom,
    logger,
    publicUrl: settings.publicUrl,
    allowLoopback: settings.allowLoopback,
    jobTemplateOf: jobTemplate,
    policy: settings.policy,
    onChanged: events.onChanged,
  })
  const runner = createRulesRunner({
    reader,
    db,
    evaluator: createEvaluator(),
    clock,
    logger,
    onEffects: (tx, effects) => bridge.onEffects(tx, effects),
    onCommitted: events.onCommitted,
    onFatal: events.onFatal,
  })
  await runner.start()
  return {
    caughtUp: (seq) => runner.caughtUp(seq),
    position: async () => runner.position(),
    views: async (filter) => runner.views(filter),
    async stop() {
      await runner.stop()
      reader.close()
    },
  }
}

/** Runs them in a thread of their own, so that deciding and receiving share the cores. */
export async function startRulesThread(settings: RulesSettings, events: RulesEvents): Promise<RulesPart> {
  const worker = new Worker(new URL('../workers/rules-worker.ts', import.meta.url), {
    workerData: settings,
    name: 'rules',
  })
  const { calls, stop } = await startOwnThread(worker, 'the rules', events, (name, value) => {
    if (name === 'committed') events.onCommitted(value as AlertEffect[])
    else if (name === 'changed') events.onChanged(value as BridgeChange)
  })
  return {
    caughtUp: (seq) => calls.call('caughtUp', seq),
    position: () => calls.call('position'),
    views: (filter) => calls.call('views', filter),
    stop,
  }
}
