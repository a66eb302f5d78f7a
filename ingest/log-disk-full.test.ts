import { spawnSync } from 'node:child_process'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { TelemetryLog } from '#contracts'
import { expectKept, type Ledger } from './testing/ledger.ts'
import { numberedRecord } from './testing/numbered-record.ts'
import { openLog, openReader, temporaryFolder } from './testing/parts.ts'

const DISK_BYTES = 24 * 1_048_576
const RECORD_BYTES = 100_000
const RECORDS_MAX = 400

/** A disk of its own, small enough to fill; `null` where this user may not mount one. */
function smallDisk(): string | null {
  const dir = join(temporaryFolder(), 'disk')
  mkdirSync(dir)
  if (spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${DISK_BYTES}`, 'tmpfs', dir]).status !== 0) return null
  onTestFinished(() => void spawnSync('umount', ['-l', dir]))
  return dir
}

function mayMount(): boolean {
  return process.platform === 'linux' && process.getuid?.() === 0 && spawnSync('unshare', ['-m', 'true']).status === 0
}

/** Appends until refused; what was acknowledged goes into the ledger. */
async function fill(log: TelemetryLog, ledger: Ledger): Promise<unknown> {
  for (let number = 1; number <= RECORDS_MAX; number++) {
    try {
      const { firstSeq } = await log.append([numberedRecord(number, RECORD_BYTES)])
      ledger.set(firstSeq, number)
    } catch (error) {
      return error
    }
  }
  return null
}

describe.skipIf(!mayMount())('a full disk', () => {
  test.for([
    ['reaches its reserve', 8 * 1_048_576],
    ['has no byte left', 0],
  ] as const)(
    'that %s stops acknowledging, and takes records again when there is room',
    async ([, diskReserveBytes]) => {
      const disk = smallDisk()
      expect(disk, 'mounting a tmpfs').not.toBeNull()
      const filler = join(disk!, 'something-else')
      writeFileSync(filler, new Uint8Array(8 * 1_048_576))
      const { log } = await openLog({ dir: join(disk!, 'log'), diskReserveBytes })
      const ledger: Ledger = new Map()

      expect(await fill(log, ledger)).toMatchObject({ code: 'DISK_FULL' })
      expect(log.health()).toMatchObject({ ok: false, code: 'DISK_FULL' })
      const taken = ledger.size
      expect(taken).toBeGreaterThan(5)
      await expect(log.append([numberedRecord(900, RECORD_BYTES)])).rejects.toMatchObject({ code: 'DISK_FULL' })

      rmSync(filler)
      const { firstSeq } = await log.append([numberedRecord(901, RECORD_BYTES)])
      expect(firstSeq).toBe(taken + 1)
      ledger.set(firstSeq, 901)
      expect(log.health()).toEqual({ ok: true })
      const reader = openReader(join(disk!, 'log'))
      expectKept(reader, ledger)
      reader.close()
      await log.close()
      const { log: again } = await openLog({ dir: join(disk!, 'log') })
      expect(again.headSeq()).toBe(taken + 1)
      await again.close()
    },
  )
})

test('dropping old ranges makes room on a disk at its reserve', async ({ skip }) => {
  const disk = mayMount() ? smallDisk() : null
  if (disk === null) return skip('this user may not mount a small disk')
  const { log } = await openLog({ dir: join(disk, 'log'), diskReserveBytes: 8 * 1_048_576 })
  const ledger: Ledger = new Map()
  expect(await fill(log, ledger)).toMatchObject({ code: 'DISK_FULL' })
  await log.dropThrough(log.headSeq() - 5)
  expect(log.health()).toEqual({ ok: true })
  const { firstSeq } = await log.append([numberedRecord(901, RECORD_BYTES)])
  expect(firstSeq).toBe(ledger.size + 1)
  await log.close()
})
