/**
 * Lets the catalog's rule packs watch a simulated fleet for a year, and says how often they spoke in the service
 * window (5–25 % of life left), how often too early, too late or about nothing, by the physics' own truth.
 *
 * With --forecast the packs give way to rules of remaining life, by models that a past fleet of other seeds taught; their
 * forecasts are judged on a fleet of a third.
 *
 * Usage: npm run packs -- [--devices 200] [--days 365] [--seed 1] [--kinds air-purifier,smart-lock] [--forecast] [--lives 120] [--json]
 */
import { parseArgs } from 'node:util'
import { catalog } from '#catalog'
import { type PackResult, runPackYear } from './packs/pack-year.ts'
import { type JudgedForecasts, judgeForecasts, trainFleet } from './packs/train-fleet.ts'

const PAST_SEED = 10_000
const JUDGED_SEED = 20_000

const { values } = parseArgs({
  options: {
    devices: { type: 'string', default: '200' },
    days: { type: 'string', default: '365' },
    seed: { type: 'string', default: '1' },
    kinds: { type: 'string', default: catalog.map((entry) => entry.category).join(',') },
    forecast: { type: 'boolean', default: false },
    lives: { type: 'string', default: '120' },
    json: { type: 'boolean', default: false },
  },
})
const share = (part: number, whole: number): string => (whole === 0 ? '–' : (part / whole).toFixed(2))
const row = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`

const results: PackResult[] = []
const judged: JudgedForecasts[] = []
const refused: string[] = []
for (const category of values.kinds.split(',')) {
  process.stderr.write(`${category} …\n`)
  const seed = Number(values.seed)
  // The past, the judged fleet and the year have nothing in common: each has a seed and a city of its own.
  const forecast = values.forecast ? trainFleet(category, seed + PAST_SEED, Number(values.lives)) : undefined
  if (forecast) {
    judged.push(...judgeForecasts(category, forecast, seed + JUDGED_SEED, Math.ceil(Number(values.lives) / 2)))
    for (const [component, reason] of forecast.refused) refused.push(`${category} ${component}: ${reason}`)
  }
  const year = { category, devices: Number(values.devices), days: Number(values.days), seed }
  results.push(...runPackYear({ ...year, ...(forecast ? { forecast } : {}) }))
}
if (values.json) console.log(JSON.stringify(values.forecast ? { results, judged, refused } : results, null, 2))
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
  const all = (of: 'lives' | 'hits' | 'false') => results.reduce((sum, it) => sum + it[of], 0)
  const fleets = new Map(results.map(({ category, deviceYears }) => [category, deviceYears]))
  const years = [...fleets.values()].reduce((sum, it) => sum + it, 0)
  console.log(
    `\nAll: ${share(all('hits'), all('lives'))} of ${all('lives')} lives in the window, ${((100 * all('false')) / years).toFixed(2)} false per 100 device-years.`,
  )
  if (values.forecast) {
    console.log(
      `\n${row(['kind', 'component', 'lives', 'forecasts', 'error, days', 'of a life', '90 % held', 'outlasted'])}`,
    )
    console.log(row(Array.from({ length: 8 }, () => '---')))
    for (const it of judged)
      console.log(
        row([
          ...[it.category, it.component, String(it.lives), String(it.forecasts), it.maeDays.toFixed(1)],
          ...[it.maeShare.toFixed(3), it.coverage90.toFixed(3), it.outlasted90.toFixed(3)],
        ]),
      )
    const forecasts = judged.reduce((sum, it) => sum + it.forecasts, 0)
    const held = judged.reduce((sum, it) => sum + it.coverage90 * it.forecasts, 0)
    console.log(`\nAll: the 90 % interval held in ${share(held, forecasts)} of ${forecasts} forecasts.`)
    for (const line of refused) console.log(`No model: ${line}`)
  }
}
