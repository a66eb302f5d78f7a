import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { medianSorted } from 'simple-statistics'
import { batteryStateOf, NEW_BATTERY, sawReset } from '#models'
import { LITHIUM_PRIMARY } from '../kinds.ts'
import type { Protocol } from '../protocol.ts'
import { readTable } from '../read-table.ts'

/** Charge below which a battery is told to be low. */
const LOW_CHARGE = 0.1
/** Readings before anything is said. */
const SETTLED = 24
/** Silence beyond three reports is an outage, as for any device; a gap of years is a wrong clock, which ingest refuses. */
const OUTAGE_REPORTS = 3
const OUTAGE_LEAST_S = 3600
const CLOCK_WRONG_S = 366 * 86_400

/** Battery nodes in the weather that never fail: whatever is told of the battery is false. */
export const batteryNodes: Protocol = {
  key: 'battery-hast-lora',
  title: 'Battery nodes that never fail (HAST)',
  folder: 'battery-hast-lora',
  run({ folder }) {
    const nodes = readdirSync(folder)
      .filter((file) => file.endsWith('.csv'))
      .map((file) => watch(join(folder, file)))
    const sum = (of: (node: Watched) => number) => nodes.reduce((all, node) => all + of(node), 0)
    return {
      figures: [
        { name: 'low-battery alerts', value: sum(({ low }) => low), unit: '', must: { most: 0 } },
        { name: 'batteries taken for replaced', value: sum(({ replaced }) => replaced), unit: '', must: { most: 0 } },
        { name: 'outages, each told once as communications', value: sum(({ outages }) => outages), unit: '' },
        {
          name: 'lowest charge said of a good battery',
          value: Math.min(...nodes.map(({ lowest }) => lowest)),
          unit: '',
        },
      ],
      notes: nodes.map(
        ({ readings, refused, voltsPerC }) =>
          `${readings} readings, ${refused} refused for their clock; ${(1000 * voltsPerC).toFixed(1)} mV per °C learned.`,
      ),
    }
  },
}

interface Watched {
  low: number
  replaced: number
  outages: number
  lowest: number
  readings: number
  refused: number
  voltsPerC: number
}

function watch(file: string): Watched {
  const table = readTable(file)
  const [at, volts, celsius] = ['Msg Time (Unix)', 'Bat V', 'Temp C'].map((name) => table.column(name))
  const steps = [...at!].slice(1).map((time, i) => time - at![i]!)
  const usual = medianSorted([...steps].sort((a, b) => a - b))
  const watched: Watched = {
    low: 0,
    replaced: 0,
    outages: 0,
    lowest: 1,
    readings: table.rows,
    refused: 0,
    voltsPerC: 0,
  }
  const state = { ...NEW_BATTERY }
  const positions = { recent: [] as number[] }
  let lastS = at![0]!
  let wasLow = false
  for (let row = 0; row < table.rows; row++) {
    const gap = at![row]! - lastS
    if (gap < 0 || gap > CLOCK_WRONG_S) {
      watched.refused += 1
      continue
    }
    lastS = at![row]!
    if (gap > Math.max(OUTAGE_REPORTS * usual, OUTAGE_LEAST_S)) watched.outages += 1
    const said = batteryStateOf(LITHIUM_PRIMARY, state, volts![row]!, celsius![row]!)
    if (said === null || state.count <= SETTLED) continue
    const isLow = said.charge < LOW_CHARGE
    if (isLow && !wasLow) watched.low += 1
    wasLow = isLow
    if (sawReset(positions, 1 - said.charge)) watched.replaced += 1
    watched.lowest = Math.min(watched.lowest, said.charge)
    watched.voltsPerC = said.voltsPerC
  }
  return watched
}
