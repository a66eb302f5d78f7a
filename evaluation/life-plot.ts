/** Predicted against true remaining life, with the 90 % band. */
export interface LifePlot {
  name: string
  unit: string
  points: LifePlotPoint[]
}

export interface LifePlotPoint {
  truth: number
  predicted: number
  low: number
  high: number
}

const SIDE = 480
const EDGE = 56
/** Readable by eye and small enough to keep: every point of a hundred runs is neither. */
const POINTS_MOST = 1500
const BANDS = 24

/** One SVG picture: a dot per prediction, the band's middle course, the diagonal that a perfect forecast would follow. */
export function lifePlotSvg({ name, unit, points }: LifePlot): string {
  const shown = points.filter((_, i) => i % Math.ceil(points.length / POINTS_MOST) === 0)
  const most = Math.max(...shown.map(({ truth }) => truth), ...shown.map(({ predicted }) => predicted), 1e-9) * 1.05
  const x = (value: number) => (EDGE + (Math.min(value, most) / most) * (SIDE - 2 * EDGE)).toFixed(1)
  const y = (value: number) => (SIDE - EDGE - (Math.min(value, most) / most) * (SIDE - 2 * EDGE)).toFixed(1)
  const bands = bandCourse(shown, most)
  const band = [
    ...bands.map(({ truth, high }) => `${x(truth)},${y(high)}`),
    ...bands.reverse().map(({ truth, low }) => `${x(truth)},${y(low)}`),
  ]
  const dots = shown.map(({ truth, predicted }) => `<circle cx="${x(truth)}" cy="${y(predicted)}" r="1.6"/>`)
  const ticks = [0, 0.25, 0.5, 0.75, 1].map((share) => share * most)
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${SIDE} ${SIDE}" font-family="sans-serif" font-size="11">
<title>${name}</title>
<rect width="${SIDE}" height="${SIDE}" fill="#fff"/>
<polygon points="${band.join(' ')}" fill="#1d4ed8" fill-opacity="0.15"/>
<line x1="${x(0)}" y1="${y(0)}" x2="${x(most)}" y2="${y(most)}" stroke="#111" stroke-dasharray="4 3"/>
<g fill="#1d4ed8" fill-opacity="0.45">${dots.join('')}</g>
<g fill="#444">${ticks.map((tick) => `<text x="${x(tick)}" y="${SIDE - EDGE + 16}" text-anchor="middle">${tickText(tick)}</text><text x="${EDGE - 6}" y="${y(tick)}" text-anchor="end" dominant-baseline="middle">${tickText(tick)}</text>`).join('')}</g>
<text x="${SIDE / 2}" y="${SIDE - 12}" text-anchor="middle">true remaining life (${unit})</text>
<text transform="translate(14 ${SIDE / 2}) rotate(-90)" text-anchor="middle">predicted, band 90 % (${unit})</text>
<text x="${SIDE / 2}" y="24" text-anchor="middle" font-size="13">${name}</text>
</svg>
`
}

const tickText = (value: number): string => (value >= 10 ? value.toFixed(0) : value.toPrecision(2))

/** Mean band by true remaining life. */
function bandCourse(points: readonly LifePlotPoint[], most: number): { truth: number; low: number; high: number }[] {
  return Array.from({ length: BANDS }, (_, k) => {
    const part = points.filter(({ truth }) => Math.floor((truth / most) * BANDS) === k)
    const mean = (of: (point: LifePlotPoint) => number) => part.reduce((sum, point) => sum + of(point), 0) / part.length
    return { truth: mean((point) => point.truth), low: mean((point) => point.low), high: mean((point) => point.high) }
  }).filter(({ truth }) => Number.isFinite(truth))
}
