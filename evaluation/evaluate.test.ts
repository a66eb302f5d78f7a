import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { seededRandom } from '#platform'
import { evaluate } from './evaluate.ts'
import { reportTable } from './report-table.ts'

const SPLITS = 10
const RUNS = 24

/** A small data set in the published layout: filters whose pressure grows to 600 Pa, quicker at a higher feed. */
function smallGasFilterData(): string {
  const dataDir = mkdtempSync(join(tmpdir(), 'evaluation-'))
  onTestFinished(() => rmSync(dataDir, { recursive: true, force: true }))
  const folder = join(dataDir, 'filter-esrel22')
  mkdirSync(join(folder, 'splits'), { recursive: true })
  const { next } = seededRandom(11)
  for (let id = 1; id <= RUNS; id++) {
    const feed = 1 + (id % 2)
    const rows = Math.round((500 / feed) * (0.9 + 0.2 * next()))
    const lines = Array.from({ length: rows }, (_, row) => {
      const pressure = 10 * 60 ** (row / (rows - 1)) * (1 + 0.02 * (next() - 0.5))
      return `${row + 1},${pressure},${feed},${(row + 1) / 10},${(rows - 1 - row) / 10}`
    })
    writeFileSync(
      join(folder, `Data_No_${id}_x.csv`),
      ['Messpunkt,Differenzdruck,Vorschub,Zeit,RUL', ...lines].join('\n'),
    )
  }
  const line = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i).join(',')
  const parts = { train: line(1, 15), val: line(15, 19), test: line(19, RUNS + 1) }
  for (const [part, text] of Object.entries(parts))
    writeFileSync(join(folder, `splits/idx_${part}_10x.csv`), Array(SPLITS).fill(text).join('\n'))
  return dataDir
}

test('what is there is scored, what is not is skipped by name, and the table shows both', () => {
  const lines: string[] = []
  const report = evaluate({
    dataDir: smallGasFilterData(),
    onProgress: (line) => lines.push(line),
    signal: new AbortController().signal,
  })
  const byKey = new Map(report.protocols.map((protocol) => [protocol.key, protocol]))
  const scored = byKey.get('filter-esrel22')
  if (scored?.outcome !== 'scored') throw new Error(JSON.stringify(scored))
  // Lives that differ by 20 % and a pressure that tells the position exactly: a second or two of fifty.
  expect(scored.figures.find(({ name }) => name === 'RMSE')!.value).toBeLessThan(2)
  expect(byKey.get('filter-phme20')).toMatchObject({ outcome: 'skipped', reason: 'no folder filter-phme20' })
  expect(lines).toContain('filter-esrel22: split 10 of 10')
  expect(reportTable(report)).toMatch(/filter-esrel22 +\| RMSE +\| .* s +\| ≤ 6.3 ✓/)
  expect(reportTable(report)).toContain('filter-phme20: skipped, no folder filter-phme20.')
})

test('a data set in another layout is a failure that names the column, not a figure', () => {
  const dataDir = smallGasFilterData()
  writeFileSync(join(dataDir, 'filter-esrel22/Data_No_1_x.csv'), 'a,b\n1,2\n')
  const [report] = evaluate({ dataDir, only: ['filter-esrel22'], signal: new AbortController().signal }).protocols
  expect(report).toMatchObject({ outcome: 'failed', reason: expect.stringContaining('has no column "Vorschub"') })
})

test('the same data give the same figures', () => {
  const options = { dataDir: smallGasFilterData(), only: ['filter-esrel22'], signal: new AbortController().signal }
  const figures = () => evaluate(options).protocols.map((protocol) => ('figures' in protocol ? protocol.figures : null))
  expect(figures()).toEqual(figures())
})
