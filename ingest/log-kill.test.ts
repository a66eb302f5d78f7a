import { expect, test } from 'vitest'
import { seededRandom } from '#platform'
import { expectKept, type Ledger, noteAcknowledged } from './testing/ledger.ts'
import { openLog, openReader, reading, temporaryFolder } from './testing/parts.ts'
import { runChild } from './testing/run-child.ts'

const KILLS = 6
const RECORDS_PER_LIFE = 1_000_000

test('killed at any moment, the log has what it acknowledged and goes on behind it', async () => {
  const random = seededRandom(20_261_122)
  const dir = temporaryFolder()
  const ledger: Ledger = new Map()
  for (let life = 0; life < KILLS; life++) {
    const killAfter = 1 + random.int(400)
    const first = 1 + life * RECORDS_PER_LIFE
    const run = { dir, first, appends: RECORDS_PER_LIFE, bytes: 50 + random.int(20_000) }
    const { lines, signal, stderr } = await runChild(run, (told, child) => {
      if (told.length >= killAfter) child.kill('SIGKILL')
    })
    expect({ signal, stderr }).toEqual({ signal: 'SIGKILL', stderr: '' })
    noteAcknowledged(ledger, lines)
    const reader = openReader(dir)
    expectKept(reader, ledger)
    reader.close()
  }
  const { log } = await openLog({ dir })
  const { firstSeq } = await log.append([reading()])
  expect(firstSeq).toBeGreaterThan(Math.max(...ledger.keys()))
  expectKept(openReader(dir), ledger)
})

test('the child that lives to the end loses nothing either', async () => {
  const dir = temporaryFolder()
  const { lines, code } = await runChild({ dir, first: 1, appends: 200, bytes: 300 })
  expect(code).toBe(0)
  const ledger: Ledger = new Map()
  noteAcknowledged(ledger, lines)
  expect(ledger.size).toBe(200)
  expectKept(openReader(dir), ledger)
})
