import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { refractory, StreamAnomaly } from '#models'
import { NabTally } from '../nab-score.ts'
import type { Protocol } from '../protocol.ts'
import { readTable } from '../read-table.ts'

/** The score at which an alarm is due: the model's own, the same for every stream. */
const ALARM_SCORE = 0.5
/** Readings of quiet after an alarm. */
const QUIET = 150

/** The Numenta anomaly benchmark, standard profile: streams of many kinds, one threshold for all. */
export const streams: Protocol = {
  key: 'nab',
  title: 'Streams (Numenta anomaly benchmark, standard profile)',
  folder: 'nab',
  run({ folder, progress, signal }) {
    const windows: Record<string, [string, string][]> = JSON.parse(
      readFileSync(join(folder, 'labels/combined_windows.json'), 'utf8'),
    )
    const tally = new NabTally()
    let alarms = 0
    let streams = 0
    for (const group of readdirSync(join(folder, 'data')))
      for (const file of readdirSync(join(folder, 'data', group))) {
        signal.throwIfAborted()
        progress(file)
        const table = readTable(join(folder, 'data', group, file))
        const times = table.texts('timestamp').map(timeOf)
        const detections = alarmsOf(times, table.column('value'))
        tally.add(
          times,
          (windows[`${group}/${file}`] ?? []).map(([from, to]) => [timeOf(from), timeOf(to)]),
          detections,
        )
        alarms += detections.length
        streams += 1
      }
    return {
      figures: [
        {
          name: 'score',
          value: tally.score(),
          unit: '',
          must: { least: 58 },
          aim: { least: 70 },
          published: {
            ARTime: 75.2,
            'CAD OSE': 71.3,
            'Numenta HTM': 67.2,
            'HTM Java': 62.3,
            'relative entropy': 59,
            'KNN CAD': 57.6,
            Skyline: 55.6,
            'Twitter ADVec': 46,
            'random cut forest': 44.3,
            'windowed Gaussian': 32.2,
            'Bayesian changepoint': 7.9,
          },
        },
        { name: 'anomaly windows found', value: tally.found / tally.windows, unit: '' },
        { name: 'alarms per stream', value: alarms / streams, unit: '' },
      ],
      notes: [
        `${streams} streams with ${tally.windows} windows; alarm at a score of ${ALARM_SCORE}, then quiet for ${QUIET} readings.`,
      ],
    }
  },
}

const timeOf = (text: string): number => Date.parse(`${text.replace(' ', 'T').slice(0, 19)}Z`)

function alarmsOf(times: readonly number[], values: Float64Array): number[] {
  const model = new StreamAnomaly()
  let quiet = { since: Number.POSITIVE_INFINITY, alarm: false }
  return times.flatMap((atMs, row) => {
    const said = model.update(atMs, values[row]!)
    quiet = refractory(quiet, (said?.score ?? 0) >= ALARM_SCORE, QUIET)
    return quiet.alarm ? [row] : []
  })
}
