import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { mean } from 'simple-statistics'
import { LIQUID_FILTER } from '../kinds.ts'
import type { LifePlotPoint } from '../life-plot.ts'
import { type LearnedKind, type LifeRun, learn, predictRun } from '../life-run.ts'
import { intervalScore, mae, rmse } from '../life-scores.ts'
import type { Figure, Protocol } from '../protocol.ts'
import { readTable } from '../read-table.ts'

const LIMIT_PSI = 20
/** One prediction per 100 rows: the challenge's rhythm. */
const ROWS_PER_PREDICTION = 100
/** Middle of the sieve fractions, in µm. */
const PARTICLES = { Small: 49, Large: 69 }
/** Solids of the blocks of four runs, in per cent. */
const SOLIDS = [0.4, 0.425, 0.45]

/** Protocol B of the PHM Europe 2020 challenge: liquid filters clogging to 20 psi; a load nobody has seen, then a medium nobody has seen. */
export const liquidFilter: Protocol = {
  key: 'filter-phme20',
  title: 'Liquid filter (PHM Europe 2020, protocol B)',
  folder: 'filter-phme20',
  run(context) {
    const runs = readRuns(context.folder)
    const scored = (tested: (run: LiquidRun) => boolean) => {
      const model = learn(
        LIQUID_FILTER,
        runs.filter((run) => !tested(run)),
      )
      return runs.filter(tested).map((run) => ({ run, points: predict(model, run) }))
    }
    const byLoad = SOLIDS.map((solids) => scored((run) => run.solids === solids))
    const byMedium = Object.values(PARTICLES).map((particles) => scored((run) => run.particles === particles))
    const unseenLoad = byLoad.flat()
    const load = intervalScore(unseenLoad.flatMap(({ points }) => points))
    const medium = byMedium.map((part) => part.flatMap(({ points }) => points))
    return {
      figures: [
        {
          name: 'unseen load: MAE',
          value: mean(unseenLoad.map(({ points }) => mae(points))),
          unit: 's',
          must: { most: 8.2 },
          aim: { most: 5.2 },
          published: {
            'GTU team, best runs': 3.8,
            'Gaussian process, best cells': 5.2,
            CatBoost: 7.97,
            OLS: 8.22,
            'random forest': 8.3,
            'level-match': 22.4,
            'mean life': 32.8,
          },
        },
        ...byLoad.map(
          (part, k): Figure => ({
            name: `unseen load ${SOLIDS[k]} %: MAE`,
            value: mean(part.map(({ points }) => mae(points))),
            unit: 's',
          }),
        ),
        { name: 'unseen load, 90 % interval: coverage', value: load.coverage, unit: '' },
        { name: 'unseen load, 90 % interval: mean width', value: load.width, unit: 's' },
        {
          name: 'unseen medium, 90 % interval: coverage',
          value: intervalScore(medium.flat()).coverage,
          unit: '',
          must: { least: 0.85 },
        },
        { name: 'unseen medium, 90 % interval: mean width', value: intervalScore(medium.flat()).width, unit: 's' },
        {
          name: 'unseen medium: RMSE',
          value: mean(byMedium.flat().map(({ points }) => rmse(points))),
          unit: 's',
          aim: { most: 18 },
        },
      ],
      plots: [
        { name: 'Liquid filter, unseen load', unit: 's', points: unseenLoad.flatMap(({ points }) => points) },
        { name: 'Liquid filter, unseen medium', unit: 's', points: medium.flat() },
      ],
      notes: [
        'Unseen load: each share of solids kept out in turn, with both particle sizes; the other two train.',
        'Unseen medium: one particle size trains, the other is judged, both ways.',
      ],
    }
  },
}

type LiquidRun = LifeRun & { solids: number; particles: number; seconds: Float64Array; endRow: number }

function predict(model: LearnedKind, run: LiquidRun): LifePlotPoint[] {
  const rows = Array.from(
    { length: Math.floor(run.endRow / ROWS_PER_PREDICTION) },
    (_, k) => (k + 1) * ROWS_PER_PREDICTION,
  )
  return predictRun(model, run, {
    rows: rows.filter((row) => row < run.endRow),
    timeOf: (use) => use / run.solids,
    truth: (row) => run.seconds[run.endRow]! - run.seconds[row]!,
  })
}

/** Use is solids fed, in per cent times seconds. */
function readRuns(folder: string): LiquidRun[] {
  return Object.entries(PARTICLES).flatMap(([size, particles]) => {
    const files = readdirSync(join(folder, 'Training', size)).sort()
    return files.map((file, k) => {
      const table = readTable(join(folder, 'Training', size, file))
      const seconds = table.column('Time(s)')
      const [up, down] = [table.column('Upstream_Pressure(psi)'), table.column('Downstream_Pressure(psi)')]
      const drop = up.map((value, row) => value - down[row]!)
      const endRow = drop.findIndex(
        (_, row) => row >= 4 && mean([0, 1, 2, 3, 4].map((back) => drop[row - back]!)) > LIMIT_PSI,
      )
      if (endRow === -1) throw new Error(`${file} never reaches ${LIMIT_PSI} psi.`)
      const solids = SOLIDS[Math.floor((k * SOLIDS.length) / files.length)]!
      const until = <T extends Float64Array>(values: T) => values.subarray(0, endRow + 1)
      return {
        name: file,
        use: until(seconds).map((at) => at * solids),
        value: until(drop),
        endUse: seconds[endRow]! * solids,
        covariates: [solids, particles],
        solids,
        particles,
        seconds,
        endRow,
      }
    })
  })
}
