/**
 * Lets the catalog's rule packs watch a simulated fleet for a year, and says how often they spoke in the service
 * window (5–25 % of life left), how often too early, too late or about nothing, by the physics' own truth.
 *
 * Usage: npm run packs -- [--devices 200] [--days 365] [--seed 1] [--kinds air-purifier,smart-lock] [--json]
 */
import { parseArgs } from 'node:util'
import { catalog } from '#catalog'
import { type PackResult, runPackYear } from './packs/pack-year.ts'

const { values } = parseArgs({
  options: {
    devices: { type: 'string', default: '200' },
    days: { type: 'string', default: '365' },
    seed: { type: 'string', default: '1' },
    kinds: { type: 'string', default: catalog.map((entry) => entry.category).join(',') },
    json: { type: 'boolean', default: false },
  },
})
const share = (part: number, whole: number): string => (whole === 0 ? '–' : (part / whole).toFixed(2))
const row = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`

const results: PackResult[] = []
for (const category of values.kinds.split(',')) {
  process.stderr.write(`${category} …\n`)
  results.push(
    ...runPackYear({
      category,
      devices: Number(values.devices),
      days: Number(values.days),
      seed: Number(values.seed),
    }),
  )
}
if (values.json) console.log(JSON.stringify(results, null, 2))
else {
  const head = [
    'kind',
    'component',
    'lives',
    'in the window',
    'early',
    'late or missed',
    'false per 100 device-years',
    'repairs proven',
    'lead days p10/p50/p90',
  ]
  console.log(row(head))
  console.log(row(head.map(() => '---')))
  for (const it of results) {
    const { category, component, lives, hits, early, missed, deviceYears, leadDays } = it
    console.log(
      row([
        category,
        component,
        String(lives),
        share(hits, lives),
        String(early),
        String(missed),
        ((100 * it.false) / deviceYears).toFixed(1),
        share(it.verified, it.repairs),
        leadDays === null ? '–' : `${leadDays.p10}/${leadDays.p50}/${leadDays.p90}`,
      ]),
    )
  }
}
