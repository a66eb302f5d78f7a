import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { expectKept, type Ledger, noteAcknowledged } from './testing/ledger.ts'
import { openLog, openReader, reading, temporaryFolder } from './testing/parts.ts'
import { type EndedChild, runChild, straceWorks } from './testing/run-child.ts'

/** Large enough that the write-ahead log is folded into the file several times. */
const LARGE = { appends: 200, bytes: 60_000 }
const SMALL = { appends: 120, bytes: 200 }

/** Lets the nth such call on one file fail, once: a log that tried again would not notice. */
function failing(file: string, call: string, error: string, when: string): string[] {
  return [
    'strace',
    '-f',
    '-qqq',
    '-o',
    '/dev/null',
    '-P',
    file,
    '-e',
    `trace=${call}`,
    '-e',
    `inject=${call}:error=${error}:when=${when}`,
  ]
}

async function recovered(dir: string, { lines }: EndedChild): Promise<Ledger> {
  const ledger: Ledger = new Map()
  noteAcknowledged(ledger, lines)
  const { log } = await openLog({ dir })
  await log.append([reading()])
  expectKept(openReader(dir), ledger)
  return ledger
}

describe.skipIf(!straceWorks())('a disk that fails', () => {
  // Making the files takes some calls of each kind; these are among those that follow.
  test.for([
    ['sync of the write-ahead log', 'telemetry.db-wal', 'fsync,fdatasync', [5, 9], SMALL],
    ['write of the write-ahead log', 'telemetry.db-wal', 'pwrite64', [15, 24], SMALL],
    ['sync of the file itself', 'telemetry.db', 'fsync,fdatasync', [3, 4], LARGE],
    ['write of the file itself', 'telemetry.db', 'pwrite64', [6, 900], LARGE],
  ] as const)(
    'in a %s ends the hub with the name of the file, and nothing acknowledged is lost',
    async ([, name, call, calls, load]) => {
      for (const nth of calls) {
        const dir = temporaryFolder()
        const file = join(dir, name)
        const ended = await runChild({ dir, first: 1, ...load, under: failing(file, call, 'EIO', String(nth)) })
        const fatal = ended.lines.find((line) => line.startsWith('fatal'))
        expect(fatal, ended.stderr + ended.lines.slice(-3).join('\n')).toContain(
          `STORAGE_SYNC_FAILED Writing or syncing ${join(dir, 'telemetry.db')}`,
        )
        expect(ended.code).toBe(3)
        const afterwards = ended.lines.slice(ended.lines.indexOf(fatal!))
        expect(afterwards.filter((line) => line.startsWith('ack'))).toEqual([])
        await recovered(dir, ended)
      }
    },
  )

  test('while the log is opened is told as such, and the next start goes on', async () => {
    const dir = temporaryFolder()
    const under = failing(join(dir, 'telemetry.db-wal'), 'fsync,fdatasync', 'EIO', '1')
    const ended = await runChild({ dir, first: 1, ...SMALL, under })
    expect(ended.lines).toEqual([])
    expect(ended.stderr).toContain(`Writing or syncing ${join(dir, 'telemetry.db')}`)
    expect((await recovered(dir, ended)).size).toBe(0)
  })

  test.for([
    ['telemetry.db-wal', SMALL],
    ['telemetry.db', LARGE],
  ] as const)(
    'for lack of room in %s delays: refused appends are not in the log, later ones are taken',
    async ([name, load]) => {
      const dir = temporaryFolder()
      const under = failing(join(dir, name), 'pwrite64', 'ENOSPC', '20..24')
      const ended = await runChild({ dir, first: 1, ...load, under })
      expect(ended.lines.at(-1), ended.stderr).toBe('closed')
      const refusals = ended.lines.filter((line) => line.startsWith('refused'))
      expect(refusals.every((line) => line.startsWith('refused DISK_FULL'))).toBe(true)
      // A full disk while the file is rewritten refuses nobody: the records are safe in the write-ahead log.
      if (name === 'telemetry.db-wal') expect(refusals.length).toBeGreaterThan(0)
      const ledger = await recovered(dir, ended)
      expect(ledger.size + refusals.length).toBe(load.appends)
      expect(ledger.size).toBeGreaterThan(refusals.length)
    },
  )
})
