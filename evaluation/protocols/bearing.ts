import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { driftOf, NO_DRIFT } from '#models'
import type { Protocol } from '../protocol.ts'
import { readTable } from '../read-table.ts'

/** A drift of this many standard deviations is told. */
const TOLD = 5
const HOUR_MS = 3_600_000

/** Four bearings on one shaft until the first fails: who is flagged first, and how long before the end. */
export const bearing: Protocol = {
  key: 'ims-bearing',
  title: 'Bearings (IMS, test 2)',
  folder: 'ims-bearing',
  run({ folder }) {
    const [file] = readdirSync(folder).filter((name) => name.endsWith('.csv'))
    if (file === undefined) throw new Error(`${folder} holds no CSV file.`)
    const table = readTable(join(folder, file))
    const times = table.texts(table.names[0]!).map((text) => Date.parse(`${text.replace(' ', 'T')}Z`))
    const ahead = table.names.slice(1).map((name) => {
      const state = structuredClone(NO_DRIFT)
      const first = table.column(name).findIndex((value) => (driftOf(state, value) ?? 0) >= TOLD)
      return first === -1 ? 0 : (times.at(-1)! - times[first]!) / HOUR_MS
    })
    const [failing = 0, ...others] = ahead
    return {
      figures: [
        {
          name: 'failing bearing flagged before the end',
          value: failing,
          unit: 'h',
          published: { 'EWMA of robust z': 73 },
        },
        {
          name: 'other bearings flagged before it',
          value: others.filter((hours) => hours > failing).length,
          unit: '',
          must: { most: 0 },
        },
        { name: 'next bearing flagged before the end', value: Math.max(...others), unit: 'h' },
      ],
      notes: ['Test 2 ran until bearing 1 failed in its outer race; the others are shaken by it towards the end.'],
    }
  },
}
