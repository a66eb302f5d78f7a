import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { type Figure, type Protocol, type ProtocolResult, withinBar } from './protocol.ts'
import { PROTOCOLS } from './protocols.ts'

export interface EvaluateOptions {
  /** The directory that holds one folder per data set. */
  dataDir: string
  /** Only these protocols, by key; all when absent. */
  only?: readonly string[]
  onProgress?(line: string): void
  signal: AbortSignal
}

/** A protocol that ran, one whose data are not there, or one whose data could not be read. */
export type ProtocolReport =
  | ({ key: string; title: string; outcome: 'scored'; seconds: number } & ProtocolResult)
  | { key: string; title: string; outcome: 'skipped'; reason: string }
  | { key: string; title: string; outcome: 'failed'; reason: string }

export interface EvaluationReport {
  /** Nothing in the models or protocols draws a chance: there is no seed to report, and the same data give the same figures. */
  seed: null
  seconds: number
  protocols: ProtocolReport[]
  /** Figures that miss a bar they must meet. */
  missed: { protocol: string; figure: Figure }[]
}

/** Runs every protocol whose data are there, one after the other. */
export function evaluate({ dataDir, only, onProgress, signal }: EvaluateOptions): EvaluationReport {
  const started = performance.now()
  const wanted = PROTOCOLS.filter(({ key }) => only === undefined || only.includes(key))
  const protocols = wanted.map((protocol) => {
    signal.throwIfAborted()
    return runOne(protocol, dataDir, { signal, progress: (line) => onProgress?.(`${protocol.key}: ${line}`) })
  })
  const missed = protocols.flatMap((report) =>
    report.outcome === 'scored'
      ? report.figures
          .filter(({ value, must }) => must && !withinBar(value, must))
          .map((figure) => ({ protocol: report.key, figure }))
      : [],
  )
  return { seed: null, seconds: secondsSince(started), protocols, missed }
}

function runOne(
  protocol: Protocol,
  dataDir: string,
  context: { signal: AbortSignal; progress(line: string): void },
): ProtocolReport {
  const { key, title } = protocol
  const folder = join(dataDir, protocol.folder)
  if (!existsSync(folder)) return { key, title, outcome: 'skipped', reason: `no folder ${protocol.folder}` }
  const started = performance.now()
  context.progress('reading')
  try {
    const result = protocol.run({ folder, ...context })
    return { key, title, outcome: 'scored', seconds: secondsSince(started), ...result }
  } catch (error) {
    context.signal.throwIfAborted()
    return { key, title, outcome: 'failed', reason: error instanceof Error ? error.message : String(error) }
  }
}

const secondsSince = (started: number): number => Math.round((performance.now() - started) / 10) / 100
