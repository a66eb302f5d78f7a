import { expect } from 'vitest'
import type { LogReader } from '#contracts'
import { numberedRecord } from './numbered-record.ts'

/** What a killed child had told before: position → number of the record. */
export type Ledger = Map<number, number>

export function noteAcknowledged(ledger: Ledger, lines: readonly string[]): void {
  for (const line of lines) {
    const [word, seq, number] = line.split(' ')
    if (word === 'ack') ledger.set(Number(seq), Number(number))
  }
}

/** Everything acknowledged is in the log, whole and in its place, and the positions have no gap. */
export function expectKept(reader: LogReader, ledger: Ledger): void {
  const left = new Map(ledger)
  let after = 0
  for (;;) {
    const records = reader.read(after, { records: 500 })
    if (records.length === 0) break
    for (const record of records) {
      if (record.seq !== after + 1) expect.fail(`position ${record.seq} follows ${after}`)
      after = record.seq
      if (record.kind !== 'quarantined') continue
      const number = Number(record.pointer.slice(1))
      if (!Buffer.from(numberedRecord(number, record.payload.length).payload).equals(record.payload)) {
        expect.fail(`record ${number} at position ${record.seq} is not whole`)
      }
      if (left.get(record.seq) === number) left.delete(record.seq)
    }
  }
  expect([...left], 'acknowledged and not in the log').toEqual([])
}
