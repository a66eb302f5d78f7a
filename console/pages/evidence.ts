import type { EvidenceItem } from '#contracts'
import { evidenceChart } from './chart.ts'
import { el } from './dom.ts'
import { type Locale, quantity, when } from './format.ts'
import type { Say } from './words.ts'

/** One measured leg: a picture where there is a course to draw, a sentence always. */
export function evidenceFigure(
  item: EvidenceItem,
  { say, ...where }: { say: Say; locale: Locale; timeZone: string },
): HTMLElement {
  const { locale } = where
  const name = item.name?.[locale] ?? item.metric
  const value = typeof item.value === 'number' ? quantity(item.value, item.unit, locale) : String(item.value ?? '–')
  const below = typeof item.value === 'number' && item.limit !== null && item.value < item.limit
  const limitWord = say(below ? 'limitLow' : 'limit')
  const limit = item.limit === null ? '' : `${limitWord} ${quantity(item.limit, item.unit, locale)}`
  const since = when(item.since, 'full', where)
  const caption =
    locale === 'en'
      ? `${name}: ${value}${limit && ` (${limit})`} since ${since}`
      : `${name} ${value}${limit && `（${limit}）`}，自 ${since} 起`
  const chart = evidenceChart(
    { name, unit: item.unit, limit: item.limit, series: item.series },
    { limit: limitWord, caption },
    where,
  )
  return chart ?? el('p', { class: 'soft' }, caption)
}
