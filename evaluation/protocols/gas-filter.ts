import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { mean } from 'simple-statistics'
import { GAS_FILTER } from '../kinds.ts'
import type { LifePlotPoint } from '../life-plot.ts'
import { type LearnedKind, type LifeRun, learn, predictRun } from '../life-run.ts'
import { intervalScore, rmse } from '../life-scores.ts'
import type { Protocol } from '../protocol.ts'
import { readRows, readTable } from '../read-table.ts'

/** Rows before this one are not scored: the protocol of the published results. */
const FIRST_ROW = 124

/** Protocol A of ESREL 2022: gas filters loaded with dust until 600 Pa, on the ten published splits. */
export const gasFilter: Protocol = {
  key: 'filter-esrel22',
  title: 'Gas filter (ESREL 2022, protocol A)',
  folder: 'filter-esrel22',
  run(context) {
    const runs = readRuns(context.folder)
    const splits = (part: string) => readRows(join(context.folder, `splits/idx_${part}_10x.csv`), ',')
    const [train, validate, test] = [splits('train'), splits('val'), splits('test')]
    const own: number[] = []
    const level: number[] = []
    const all: LifePlotPoint[] = []
    for (const [fold, tested] of test.entries()) {
      context.signal.throwIfAborted()
      context.progress(`split ${fold + 1} of ${test.length}`)
      const known = [...train[fold]!, ...validate[fold]!].map((id) => runs.get(id)!)
      own.push(scoreFold(learn(GAS_FILTER, known), tested, runs, all))
      const fleetOnly = { ...GAS_FILTER, life: { ...GAS_FILTER.life, doubt: Number.POSITIVE_INFINITY } }
      level.push(scoreFold(learn(fleetOnly, known), tested, runs))
    }
    const { coverage, width, winkler } = intervalScore(all)
    return {
      figures: [
        {
          name: 'RMSE',
          value: mean(own),
          unit: 's',
          must: { most: 6.3 },
          aim: { most: 5.85 },
          published: {
            AutoRUL: 5.85,
            'level-match': 6.2,
            LSTM: 6.32,
            'random forest': 6.69,
            Transformer: 6.97,
            SVM: 9,
            CNN: 15,
          },
        },
        { name: 'RMSE, fleet’s mean at the same level', value: mean(level), unit: 's' },
        {
          name: '90 % interval: coverage',
          value: coverage,
          unit: '',
          must: { least: 0.88, most: 0.93 },
          published: { 'level-match + split conformal': 0.945 },
        },
        {
          name: '90 % interval: mean width',
          value: width,
          unit: 's',
          published: { 'level-match + split conformal': 37 },
        },
        {
          name: '90 % interval: Winkler score',
          value: winkler,
          unit: 's',
          aim: { most: 38 },
          published: { 'level-match + split conformal': 47.8 },
        },
      ],
      plots: [{ name: 'Gas filter, ESREL 2022', unit: 's', points: all }],
    }
  },
}

type GasRun = LifeRun & { feed: number; truth: Float64Array }

/** Mean over runs of the RMSE over rows; adds every scored row to `all`. */
function scoreFold(
  learned: LearnedKind,
  tested: readonly number[],
  runs: Map<number, GasRun>,
  all?: LifePlotPoint[],
): number {
  return mean(
    tested.map((id) => {
      const run = runs.get(id)!
      const points = predictRun(learned, run, {
        rows: Array.from({ length: run.truth.length - FIRST_ROW }, (_, i) => FIRST_ROW + i),
        timeOf: (use) => use / run.feed,
        truth: (row) => run.truth[row]!,
      })
      if (all) for (const point of points) all.push(point)
      return rmse(points)
    }),
  )
}

/** Use is dust fed, in feed steps times seconds: the usage axis of a filter. */
function readRuns(folder: string): Map<number, GasRun> {
  const runs = new Map<number, GasRun>()
  for (const file of readdirSync(folder)) {
    const id = /^Data_No_(\d+)_/.exec(file)?.[1]
    if (id === undefined) continue
    const table = readTable(join(folder, file))
    const feed = table.column('Vorschub')[0]!
    const use = table.column('Zeit').map((seconds) => seconds * feed)
    const truth = table.column('RUL')
    runs.set(Number(id), {
      name: file,
      use,
      value: table.column('Differenzdruck'),
      endUse: use[0]! + truth[0]! * feed,
      covariates: [feed],
      feed,
      truth,
    })
  }
  return runs
}
