import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { mean } from 'simple-statistics'
import { PRIMARY_BATTERY } from '../kinds.ts'
import type { LifePlotPoint } from '../life-plot.ts'
import { type LifeRun, learn, predictRun } from '../life-run.ts'
import { intervalScore, rmse } from '../life-scores.ts'
import type { Protocol } from '../protocol.ts'
import { readTable } from '../read-table.ts'

const END_V = 6
/** Loads are compared as rounded to this many watts. */
const LOAD_STEP_W = 0.1
const PREDICTIONS_PER_LIFE = 200
/** A prediction counts as good within a fifth of the truth. */
const GOOD_SHARE = 0.2

/** Protocol D: primary 9 V batteries at constant power, each judged by the others at its load. */
export const primaryBattery: Protocol = {
  key: 'battery-9v-primary',
  title: 'Primary battery (protocol D)',
  folder: 'battery-9v-primary',
  run({ folder }) {
    const cells = readdirSync(folder)
      .filter((file) => file.endsWith('.csv'))
      .map((file) => readCell(join(folder, file)))
    const scored = cells.flatMap((cell) => {
      const alike = cells.filter((other) => other !== cell && other.loadW === cell.loadW)
      return alike.length === 0 ? [] : [predict(cell, alike)]
    })
    const errors = scored.map(rmse)
    const late = scored.flat().filter(({ truth }) => truth < 0.5)
    const good = late.filter(({ truth, predicted }) => Math.abs(predicted - truth) <= GOOD_SHARE * truth)
    return {
      figures: [
        {
          name: 'RMSE / life',
          value: mean(errors),
          unit: '',
          must: { most: 0.135 },
          aim: { most: 0.1 },
          published: { 'level-match': 0.107, 'mean life': 0.186, 'own line': 0.352 },
        },
        { name: 'RMSE / life, worst cell', value: Math.max(...errors), unit: '', aim: { most: 0.3 } },
        {
          name: 'second half: share within ±20 %',
          value: good.length / late.length,
          unit: '',
          published: { 'level-match': 0.61, 'mean life': 0.34, 'own line': 0.06 },
        },
        { name: '90 % interval: coverage', value: intervalScore(scored.flat()).coverage, unit: '' },
      ],
      plots: [{ name: 'Primary battery', unit: 'share of life', points: scored.flat() }],
      notes: [`${scored.length} cells; predictions evenly over each life.`],
    }
  },
}

type Cell = LifeRun & { loadW: number; seconds: Float64Array }

function predict(cell: Cell, alike: readonly Cell[]): LifePlotPoint[] {
  const rows = cell.seconds.length
  const life = cell.seconds.at(-1)!
  const powerW = (row: number) => cell.use[row]! / cell.seconds[row]!
  return predictRun(learn(PRIMARY_BATTERY, alike), cell, {
    rows: Array.from({ length: PREDICTIONS_PER_LIFE - 2 }, (_, k) =>
      Math.floor(((k + 1) * rows) / PREDICTIONS_PER_LIFE),
    ),
    timeOf: (use, row) => use / powerW(row) / life,
    truth: (row) => (life - cell.seconds[row]!) / life,
  })
}

/** Use is energy drawn. */
function readCell(file: string): Cell {
  const table = readTable(file)
  const [seconds, volts, watts] = ['t_s', 'voltage_v', 'power_w'].map((name) => table.column(name))
  const firstBelow = volts!.findIndex((volt) => volt <= END_V)
  const rows = firstBelow === -1 ? volts!.length : firstBelow + 1
  let drawn = 0
  const use = Array.from(
    { length: rows },
    (_, row) => (drawn += watts![row]! * (seconds![row]! - (row > 0 ? seconds![row - 1]! : 0))),
  )
  const loadW = Math.round(mean([...watts!.subarray(0, rows)]) / LOAD_STEP_W) * LOAD_STEP_W
  return { name: file, use, value: volts!, endUse: drawn, covariates: [], loadW, seconds: seconds!.subarray(0, rows) }
}
