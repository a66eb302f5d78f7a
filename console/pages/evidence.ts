import type { EvidenceItem } from '#contracts'
import { type ChartData, evidenceChart } from './chart.ts'
import { el } from './dom.ts'
import { type Locale, quantity, when } from './format.ts'
import type { Say, Word } from './words.ts'

/**
 * The leg that tells the finding and the others, which are circumstances: a fan at full speed
 * is no fault. The first leg with a limit tells it, as it does in the sentence the hub writes.
 */
export function sortedEvidence(items: readonly EvidenceItem[]): {
  main: EvidenceItem | undefined
  others: EvidenceItem[]
} {
  const main = items.find((item) => item.limit !== null) ?? items[0]
  return { main, others: items.filter((item) => item !== main) }
}

/** On which side of its limit a value was found, as people write it. */
const DIRECTION: Readonly<Record<EvidenceItem['op'], { sign: string; word: Word }>> = {
  '>': { sign: '>', word: 'limitHigh' },
  '>=': { sign: '≥', word: 'limitHigh' },
  '<': { sign: '<', word: 'limitLow' },
  '<=': { sign: '≤', word: 'limitLow' },
  '==': { sign: '=', word: 'limitSame' },
  '!=': { sign: '≠', word: 'limitSame' },
}

const BAD_SIDE: Readonly<Record<EvidenceItem['op'], ChartData['badSide']>> = {
  '>': 'high',
  '>=': 'high',
  '<': 'low',
  '<=': 'low',
  '==': null,
  '!=': null,
}

/** One measured leg: a picture where there is a course to draw, a sentence always. */
export function evidenceFigure(
  item: EvidenceItem,
  { say, main, ...where }: { say: Say; main: boolean; locale: Locale; timeZone: string },
): HTMLElement {
  const { locale } = where
  const name = item.name?.[locale] ?? item.metric
  const value = typeof item.value === 'number' ? quantity(item.value, item.unit, locale) : String(item.value ?? '–')
  const { sign, word } = DIRECTION[item.op]
  // A circumstance has no limit; it is only what else had to be so.
  const limitWord = main ? say(word) : sign
  const limit = item.limit === null ? '' : `${limitWord} ${quantity(item.limit, item.unit, locale)}`
  const since = when(item.since, 'full', where)
  const caption =
    locale === 'en'
      ? `${name}: ${value}${limit && ` (${limit})`} since ${since}`
      : `${name} ${value}${limit && `（${limit}）`}，自 ${since} 起`
  const chart = evidenceChart(
    {
      name,
      unit: item.unit,
      limit: main ? item.limit : null,
      value: typeof item.value === 'number' ? item.value : null,
      badSide: BAD_SIDE[item.op],
      series: item.series,
    },
    { limit: limitWord, caption },
    where,
  )
  return chart ?? el('p', { class: 'soft' }, caption)
}
