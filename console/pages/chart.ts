import { el, svg } from './dom.ts'
import { type Locale, quantity, when } from './format.ts'

export interface ChartData {
  /** What is drawn, in words. */
  name: string
  unit: string
  limit: number | null
  series: readonly (readonly [at: string, value: number])[]
}

const WIDTH = 320
const HEIGHT = 120
const MARGIN = { top: 18, right: 10, bottom: 18, left: 8 }

/**
 * The recent course of one measured value with its limit: enough to believe the finding at
 * a glance. Null when there are not two points to join.
 */
export function evidenceChart(
  data: ChartData,
  words: { limit: string; caption: string },
  where: { locale: Locale; timeZone: string },
): HTMLElement | null {
  const points = data.series.map(([at, value]) => ({ atMs: Date.parse(at), value }))
  const first = points[0]
  const last = points.at(-1)
  if (!first || !last || last.atMs <= first.atMs) return null
  const values = points.map((point) => point.value)
  const range = [...values, ...(data.limit === null ? [] : [data.limit])]
  const low = Math.min(...range)
  const high = Math.max(...range)
  const pad = (high - low || Math.abs(high) || 1) * 0.08
  const x = (atMs: number) =>
    MARGIN.left + ((WIDTH - MARGIN.left - MARGIN.right) * (atMs - first.atMs)) / (last.atMs - first.atMs)
  const y = (value: number) =>
    HEIGHT - MARGIN.bottom - ((HEIGHT - MARGIN.top - MARGIN.bottom) * (value - low + pad)) / (high - low + 2 * pad)
  const { locale } = where
  const path = points
    .map(({ atMs, value }, i) => `${i ? 'L' : 'M'}${x(atMs).toFixed(1)} ${y(value).toFixed(1)}`)
    .join('')
  const limitY = data.limit === null ? 0 : y(data.limit)
  const lastY = y(last.value)
  // The two labels share the right edge or the left; they part when they would touch.
  const nowY = lastY < MARGIN.top + 4 ? lastY + 14 : lastY - 7
  const picture = svg(
    'svg',
    { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, class: 'chart', role: 'img', 'aria-label': words.caption },
    svg('line', {
      class: 'axis',
      x1: MARGIN.left,
      x2: WIDTH - MARGIN.right,
      y1: HEIGHT - MARGIN.bottom,
      y2: HEIGHT - MARGIN.bottom,
    }),
    data.limit !== null &&
      svg('line', { class: 'limit', x1: MARGIN.left, x2: WIDTH - MARGIN.right, y1: limitY, y2: limitY }),
    data.limit !== null &&
      svg(
        'text',
        { class: 'limit-label', x: MARGIN.left, y: limitY - 4 < 11 ? limitY + 13 : limitY - 4 },
        `${words.limit} ${quantity(data.limit, data.unit, locale)}`,
      ),
    svg('path', { class: 'line', d: path }),
    svg('circle', { class: 'now', cx: x(last.atMs), cy: lastY, r: 3.5 }),
    svg(
      'text',
      { class: 'now-label', x: WIDTH - MARGIN.right, y: nowY, 'text-anchor': 'end' },
      quantity(last.value, data.unit, locale),
    ),
    svg('text', { x: MARGIN.left, y: HEIGHT - 4 }, when(new Date(first.atMs).toISOString(), 'full', where)),
    svg(
      'text',
      { x: WIDTH - MARGIN.right, y: HEIGHT - 4, 'text-anchor': 'end' },
      when(new Date(last.atMs).toISOString(), 'full', where),
    ),
  )
  return el('figure', {}, picture, el('figcaption', {}, words.caption))
}
