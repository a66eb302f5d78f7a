import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { seededRandom } from '#platform'
import { BlockEncoder } from './block-encoder.ts'
import { LogFile } from './log-file.ts'
import { expectKept, type Ledger, noteAcknowledged } from './testing/ledger.ts'
import { openReader, temporaryFolder } from './testing/parts.ts'
import { readTrace, TRACED_CALLS, TracedDisk } from './testing/power-cut.ts'
import { runChild, straceWorks } from './testing/run-child.ts'

const SEED = 20_261_122
const CUTS = 50

describe.skipIf(!straceWorks())('a power cut', () => {
  // The second load is large enough for the write-ahead log to be folded into the file on the way.
  test.for([
    ['small records', { appends: 60, bytes: 300 }],
    ['large records', { appends: 120, bytes: 50_000 }],
  ] as const)(
    'at any call, whatever of the unsynced was lost, leaves all that was acknowledged: %s',
    async ([, load]) => {
      const folder = temporaryFolder()
      const dir = join(folder, 'log')
      const traceFile = join(folder, 'trace')
      const under = [
        'strace',
        '-f',
        '-qqq',
        '-y',
        '-xx',
        '-s',
        '1000000',
        '-o',
        traceFile,
        '-e',
        `trace=${TRACED_CALLS}`,
      ]
      const ended = await runChild({ dir, first: 1, ...load, under })
      expect(ended.lines.at(-1), ended.stderr).toBe('closed')
      const events = readTrace(traceFile, dir)
      expect(events.filter(({ kind }) => kind === 'told')).toHaveLength(ended.lines.length)

      const random = seededRandom(SEED)
      const opened = events.findIndex((event) => event.kind === 'told' && event.line === 'open')
      const cuts = new Set(Array.from({ length: CUTS }, () => opened + random.int(events.length - opened)))
      const disk = new TracedDisk()
      for (const [at, event] of events.entries()) {
        disk.play(event)
        if (!cuts.has(at)) continue
        const into = join(folder, `cut-${at}`)
        disk.cut(random, into)
        expectRecovered(into, disk.told)
      }
    },
  )
})

/** Opened as its owner does, on this thread: recovery is the same, and forty threads are not started. */
function expectRecovered(dir: string, told: readonly string[]): void {
  const ledger: Ledger = new Map()
  noteAcknowledged(ledger, told)
  const file = new LogFile(dir)
  const encoder = new BlockEncoder()
  encoder.add({ kind: 'tick' }, file.receivedAtMs)
  const seq = file.headSeq + 1
  file.append({ firstSeq: seq, lastSeq: seq, receivedAtMs: file.receivedAtMs, bytes: encoder.finish() })
  const reader = openReader(dir)
  expectKept(reader, ledger)
  reader.close()
  file.close()
}
