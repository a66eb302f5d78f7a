import { join } from 'node:path'
import { mean } from 'simple-statistics'
import { countsDown, timeForUse, type UseProfile } from '#models'
import { GAS_FILTER } from '../kinds.ts'
import type { LifePlotPoint } from '../life-plot.ts'
import { type LearnedKind, type LifeRun, learn, predictRun } from '../life-run.ts'
import { intervalScore, rmse } from '../life-scores.ts'
import type { Protocol } from '../protocol.ts'
import { readTable } from '../read-table.ts'

/** As on the clean data of the same rig: rows before this one are not scored. */
const FIRST_ROW = 124
const PARTS = 5
/** Use is compared second by second; rows come at 10 Hz. */
const ROWS_PER_STEP = 10

/** The gas filters' rig with noisy and biased sensors and a load that changes within a run. */
export const biasedFilter: Protocol = {
  key: 'filter-hse-dataquality',
  title: 'Gas filter, biased and noisy sensors, changing load',
  folder: 'filter-hse-dataquality',
  run({ folder, progress, signal }) {
    const { runs, swapped } = readRuns(join(folder, 'Train_Data_CSV.csv'))
    const scored: LifePlotPoint[][] = []
    for (let part = 0; part < PARTS; part++) {
      signal.throwIfAborted()
      progress(`part ${part + 1} of ${PARTS}`)
      const known = runs.filter((_, i) => i % PARTS !== part)
      const learned = learn(GAS_FILTER, known)
      for (const run of runs.filter((_, i) => i % PARTS === part)) scored.push(predict(learned, run, known))
    }
    const { coverage, width } = intervalScore(scored.flat())
    return {
      figures: [
        { name: 'RMSE', value: mean(scored.map(rmse)), unit: 's', must: { most: 12.4 }, aim: { most: 8 } },
        { name: '90 % interval: coverage', value: coverage, unit: '' },
        { name: '90 % interval: mean width', value: width, unit: 's' },
      ],
      plots: [{ name: 'Gas filter, biased and noisy sensors', unit: 's', points: scored.flat() }],
      notes: [
        `Runs are dealt into ${PARTS} parts; each is judged by what the others teach, from row ${FIRST_ROW + 1} on.`,
        ...(swapped
          ? [
              'The headings of remaining life and dust feed are swapped in the file; the column that counts down was taken.',
            ]
          : []),
      ],
    }
  },
}

type BiasedRun = LifeRun & { truth: number[]; profile: UseProfile }

function predict(learned: LearnedKind, run: BiasedRun, known: readonly BiasedRun[]): LifePlotPoint[] {
  const profiles = known.map(({ profile }) => profile)
  return predictRun(learned, run, {
    rows: Array.from({ length: run.truth.length - FIRST_ROW }, (_, i) => FIRST_ROW + i),
    // The profile up to this row is what a hub would have: later entries are not looked at.
    timeOf: (use, row) => timeForUse(profiles, run.profile.slice(0, Math.floor(row / ROWS_PER_STEP) + 1), use),
    truth: (row) => run.truth[row]!,
  })
}

/** Use is dust fed; the load changes within a run, so it is no covariate. */
function readRuns(file: string): { runs: BiasedRun[]; swapped: boolean } {
  const table = readTable(file)
  const [ids, times, values] = ['Data_No', 'Time', 'Differential_pressure'].map((name) => table.column(name))
  let [feeds, truths] = [table.column('Dust_feed'), table.column('RUL')]
  const swapped = !countsDown(times!, truths) && countsDown(times!, feeds)
  if (swapped) [feeds, truths] = [truths, feeds]
  const rowsOf = Map.groupBy(ids!.keys(), (row) => ids![row]!)
  const runs = [...rowsOf].map(([id, rows]): BiasedRun => {
    let fed = 0
    const use = rows.map((row, i) => (fed += i === 0 ? 0 : feeds[row]! * (times![row]! - times![row - 1]!)))
    return {
      name: `run ${id}`,
      use,
      value: rows.map((row) => values![row]!),
      endUse: fed,
      covariates: [],
      truth: rows.map((row) => truths[row]!),
      profile: use.filter((_, i) => i % ROWS_PER_STEP === 0),
    }
  })
  return { runs, swapped }
}
