import { join } from 'node:path'
import { type FailedUnit, fitFailureRegression, LevelTracker, readFailureRegression } from '#models'
import type { LifePlotPoint } from '../life-plot.ts'
import { intervalScore, rmse } from '../life-scores.ts'
import type { Protocol } from '../protocol.ts'
import { readRows } from '../read-table.ts'

/** Before this many cycles to the end no wear shows: the published truth is clipped there. */
const CLIP = 125
/** Columns: unit, cycle, three settings, then the sensors. */
const FIRST_SENSOR = 5
/** Sensors are smoothed over about this many cycles, and their trend read against twice as many. */
const SMOOTH = { fast: 10, slow: 30 }
/** Until then slopes are mostly noise. */
const SETTLED = 20

/** Protocol C: turbofans, remaining life at each test unit's last cycle. */
export const turbofan: Protocol = {
  key: 'cmapss',
  title: 'Turbofan (C-MAPSS FD001, protocol C)',
  folder: 'cmapss',
  run({ folder, progress }) {
    const train = readUnits(join(folder, 'train_FD001.txt'))
    const test = readUnits(join(folder, 'test_FD001_units_1_50.txt'))
    const truths = readRows(join(folder, 'RUL_FD001_units_1_50.txt'), ' ').map(([rul]) => rul!)
    progress('learning')
    const model = fitFailureRegression(train.map(samplesOf))
    if (model === null) throw new Error('The training units make no regression.')
    const points = test.map((features, k): LifePlotPoint => {
      const truth = Math.min(truths[k]!, CLIP)
      const said = readFailureRegression(model, features.at(-1)!)
      if (said === null) return { truth, predicted: CLIP, low: 0, high: CLIP }
      const clip = (cycles: number) => Math.min(Math.max(cycles, 0), CLIP)
      const { predicted, low90, high90 } = said
      return { truth, predicted, low: clip(predicted + low90), high: clip(predicted + high90) }
    })
    const score = points.reduce((sum, { truth, predicted }) => {
      const late = predicted - truth
      return sum + Math.exp(late < 0 ? -late / 13 : late / 10) - 1
    }, 0)
    return {
      figures: [
        {
          name: 'RMSE',
          value: rmse(points),
          unit: 'cycles',
          must: { most: 14.9 },
          aim: { most: 12.5 },
          published: {
            MTSTAN: 10.97,
            'MS-DCNN': 11.44,
            AGCNN: 12.42,
            ADLDNN: 13.05,
            TaFCN: 13.99,
            ridge: 14.88,
            'Deep LSTM': 16.14,
            CNN: 18.45,
            SVR: 20.96,
            MLP: 37.56,
          },
        },
        { name: `score of ${points.length} units`, value: score, unit: '' },
        { name: '90 % interval: coverage', value: intervalScore(points).coverage, unit: '' },
        { name: 'RMSE over all cycles of units kept out of the fit', value: model.heldOutError, unit: 'cycles' },
      ],
      plots: [{ name: 'Turbofan, C-MAPSS FD001', unit: 'cycles', points }],
    }
  },
}

/** Remaining life of every cycle of a unit that ran to its end, from the time its smoothing has settled. */
const samplesOf = (features: readonly number[][]): FailedUnit => ({
  samples: features.flatMap((sensors, i) =>
    i < SETTLED ? [] : [{ sensors, remaining: Math.min(features.length - 1 - i, CLIP) }],
  ),
})

/** Per unit and cycle: the sensors smoothed, their slopes, and the logarithm of the unit's age. */
function readUnits(file: string): number[][][] {
  const rows = readRows(file, /\s+/)
  return [...Map.groupBy(rows, ([unit]) => unit!).values()].map((rows) => {
    const trackers = rows[0]!.slice(FIRST_SENSOR).map(() => new LevelTracker(SMOOTH))
    return rows.map((row) => {
      const reads = trackers.map((tracker, k) => {
        tracker.update(row[1]!, row[FIRST_SENSOR + k]!)
        return tracker.read()!
      })
      return [...reads.map(({ level }) => level), ...reads.map(({ slope }) => slope), Math.log(row[1]!)]
    })
  })
}
