import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { fitMultivariateBaseline, MultivariateAnomaly } from '#models'
import type { Protocol } from '../protocol.ts'
import { readTable } from '../read-table.ts'

/** The protocol's healthy rows, which train. */
const HEALTHY_ROWS = 400
const ALARM_SCORE = 0.5
const NOT_SENSORS = ['datetime', 'anomaly', 'changepoint']

/** Skoltech's pump test bed: eight sensors, valve faults; fitted on the first 400 rows of each file, judged on the rest. */
export const pump: Protocol = {
  key: 'skab',
  title: 'Pump (SKAB)',
  folder: 'skab',
  run({ folder, progress }) {
    const files = readdirSync(folder, { withFileTypes: true })
      .filter((entry) => entry.isDirectory() && entry.name !== 'anomaly-free')
      .flatMap(({ name }) => readdirSync(join(folder, name)).map((file) => join(folder, name, file)))
    let [hits, misses, falseAlarms, quiet] = [0, 0, 0, 0]
    for (const file of files) {
      progress(file)
      const { rows, labels } = readFile(file)
      const flags = flagsOf(rows)
      for (let row = HEALTHY_ROWS; row < rows.length; row++) {
        if (labels[row] === 1) flags[row] ? hits++ : misses++
        else flags[row] ? falseAlarms++ : quiet++
      }
    }
    return {
      figures: [
        {
          name: 'F1',
          value: (2 * hits) / (2 * hits + falseAlarms + misses),
          unit: '',
          must: { least: 0.76 },
          aim: { least: 0.78 },
          published: {
            'Conv-AE': 0.78,
            MSET: 0.78,
            'T²+Q': 0.76,
            'LSTM-AE': 0.74,
            'isolation forest': 0.29,
            'always anomalous': 0.698,
          },
        },
        {
          name: 'false-alarm rate',
          value: (100 * falseAlarms) / (falseAlarms + quiet),
          unit: '%',
          must: { most: 27 },
          aim: { most: 14 },
          published: { 'Conv-AE': 13.6, MSET: 39.7, 'T²+Q': 26.6, 'LSTM-AE': 30, 'isolation forest': 2.6 },
        },
        {
          name: 'missed-alarm rate',
          value: (100 * misses) / (misses + hits),
          unit: '%',
          must: { most: 25 },
          published: { 'Conv-AE': 28, MSET: 14.1, 'T²+Q': 24.9, 'LSTM-AE': 25.9, 'isolation forest': 82.9 },
        },
      ],
      notes: [`${files.length} files; rows after the first ${HEALTHY_ROWS} are judged.`],
    }
  },
}

function flagsOf(rows: readonly number[][]): boolean[] {
  const baseline = fitMultivariateBaseline(rows.slice(0, HEALTHY_ROWS))
  if (baseline === null) throw new Error('The healthy rows make no baseline.')
  const model = new MultivariateAnomaly(baseline)
  return rows.map((row) => (model.update(row)?.score ?? 0) >= ALARM_SCORE)
}

function readFile(file: string): { rows: number[][]; labels: Float64Array } {
  const table = readTable(file, ';')
  const sensors = table.names.filter((name) => !NOT_SENSORS.includes(name)).map((name) => table.column(name))
  return {
    rows: Array.from({ length: table.rows }, (_, row) => sensors.map((sensor) => sensor[row]!)),
    labels: table.column('anomaly'),
  }
}
