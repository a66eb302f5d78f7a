import { el, svg } from './dom.ts'
import { type Locale, quantity, when } from './format.ts'

export interface ChartData {
  /** What is drawn, in words. */
  name: string
  unit: string
  limit: number | null
  /** The value the finding speaks of. */
  value: number | null
  /** Where the bad values lie, seen from the limit. */
  badSide: 'high' | 'low' | null
  series: readonly (readonly [at: string, value: number])[]
}

const WIDTH = 320
const HEIGHT = 120
/** Thinned series and rounding move a value by less than this share of it. */
const SAME_VALUE = 0.005
/** As much as the longest unit needs. */
const LIMIT_LABEL_WIDTH = 120
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
  const marked = markedPoint(data, points)
  const markX = x(marked.atMs)
  const markY = y(marked.value)
  const labelY = markY < MARGIN.top + 4 ? markY + 14 : markY - 7
  const onLeft = markX < WIDTH / 2
  // The limit is named at the left unless the mark is there, so that the two labels never touch.
  const limitAt = markX < LIMIT_LABEL_WIDTH ? { x: WIDTH - MARGIN.right, 'text-anchor': 'end' } : { x: MARGIN.left }
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
        { class: 'limit-label', ...limitAt, y: limitY - 4 < 11 ? limitY + 13 : limitY - 4 },
        `${words.limit} ${quantity(data.limit, data.unit, locale)}`,
      ),
    svg('path', { class: 'line', d: path }),
    svg('circle', { class: 'now', cx: markX, cy: markY, r: 3.5 }),
    svg(
      'text',
      {
        class: 'now-label',
        x: onLeft ? Math.max(markX - 4, MARGIN.left) : Math.min(markX + 4, WIDTH - MARGIN.right),
        y: labelY,
        'text-anchor': onLeft ? 'start' : 'end',
      },
      quantity(marked.value, data.unit, locale),
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

interface Point {
  atMs: number
  value: number
}

/**
 * The latest point that shows the value the finding speaks of; when none does, since that value
 * may be an average, the worst one. Never simply the last, which may have recovered since.
 */
function markedPoint({ value, badSide }: ChartData, points: readonly Point[]): Point {
  if (value !== null) {
    const near = Math.max(Math.abs(value) * SAME_VALUE, Number.EPSILON)
    const same = points.findLast((point) => Math.abs(point.value - value) <= near)
    if (same) return { atMs: same.atMs, value }
  }
  if (badSide === null) return points.at(-1)!
  const worse = (a: Point, b: Point): boolean => (badSide === 'high' ? b.value >= a.value : b.value <= a.value)
  return points.reduce((worst, point) => (worse(worst, point) ? point : worst))
}
