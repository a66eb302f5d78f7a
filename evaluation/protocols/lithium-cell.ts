import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { mean } from 'simple-statistics'
import { remainingUse } from '#models'
import { LITHIUM_CELL } from '../kinds.ts'
import { type LifeRun, lastCourse, learn, saidAfterEach } from '../life-run.ts'
import type { Protocol } from '../protocol.ts'
import { readTable } from '../read-table.ts'

/** One laboratory's cells: where capacity counts as spent, and how many cycles a forecast is given. */
interface CellSet {
  key: string
  folder: string
  endAh: number
  cyclesGiven: number
  published: Record<string, number>
}

/** A cell's own start: its first cycles, before which nothing is asked of it. */
const CYCLES_OF_START = 5
/** Of a cell that does end, this much of its life is surely life. */
const ALIVE_SHARE = 0.8

/** Protocol E: leave one cell out, forecast its end from its first cycles. */
const lithiumCells = ({ key, folder, endAh, cyclesGiven, published }: CellSet): Protocol => ({
  key,
  title: `Lithium-ion cell (protocol E, first ${cyclesGiven} cycles)`,
  folder,
  run({ folder: path }) {
    const cells = readdirSync(path)
      .filter((file) => file.endsWith('.csv'))
      .map((file) => readCell(join(path, file), endAh))
    const endless = cells.filter(({ endUse }) => endUse === null)
    const judged = cells.map((cell) => {
      const learned = learn(
        LITHIUM_CELL,
        cells.filter((other) => other !== cell),
      )
      const early = remainingUse(learned.model, lastCourse(learned, cell, cyclesGiven))
      // A cell that lives must not be called spent: not at any cycle of one that never ends, nor in the first part of another's life.
      const alive = cell.endUse === null ? cell.use.length : Math.floor(ALIVE_SHARE * cell.use.length)
      const calledSpent = saidAfterEach(learned, cell, alive).some((said) => said.known && said.p50 < 1)
      return { cell, end: early.known ? cyclesGiven + early.p50 : null, calledSpent }
    })
    const errors = judged.flatMap(({ cell, end }) =>
      cell.endUse === null ? [] : [end === null ? 1 : Math.abs(end - cell.endUse) / cell.endUse],
    )
    return {
      figures: [
        { name: 'relative error of the end of life', value: mean(errors), unit: '', published },
        {
          name: 'living cells called spent',
          value: judged.filter(({ calledSpent }) => calledSpent).length,
          unit: '',
          must: { most: 0 },
        },
      ],
      notes: [`${cells.length} cells, ${endless.length} of them never reach their end in the record.`],
    }
  },
})

export const nasaCells = lithiumCells({
  key: 'battery-nasa-pcoe',
  folder: 'battery-nasa-pcoe',
  endAh: 1.4,
  cyclesGiven: 16,
  published: { Transformer: 0.179, AttMoE: 0.2, 'mean of the others': 0.281, 'own line': 0.281 },
})

export const calceCells = lithiumCells({
  key: 'battery-calce-cs2',
  folder: 'battery-calce-cs2',
  endAh: 0.77,
  cyclesGiven: 64,
  published: { Transformer: 0.049, AttMoE: 0.07, 'mean of the others': 0.101, 'own line': 0.464 },
})

/**
 * Use is full cycles; level is what is left of the way from the cell's own first capacity (1) to the end (0): cells
 * of one type differ more when new than in how they fade.
 */
function readCell(file: string, endAh: number): LifeRun {
  const table = readTable(file)
  const [use, capacity] = [table.column('cycle'), table.column('capacity_ah')]
  const startAh = mean([...capacity.subarray(0, CYCLES_OF_START)])
  const end = capacity.findIndex((ah) => ah <= endAh)
  const rows = end === -1 ? capacity.length : end + 1
  return {
    name: file,
    use: use.subarray(0, rows),
    value: capacity.subarray(0, rows).map((ah) => (ah - endAh) / (startAh - endAh)),
    endUse: end === -1 ? null : use[end]!,
    covariates: [],
  }
}
