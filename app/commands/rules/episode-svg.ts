import type { Evidence } from '#contracts'
import type { BacktestEpisode } from '#pipeline'

const WIDTH = 960
const HEIGHT = 320
const MARGIN = { left: 64, right: 16, top: 36, bottom: 36 }

export interface EpisodeDrawing {
  episode: Pick<BacktestEpisode, 'id' | 'device' | 'component' | 'startedAt' | 'openedAt' | 'resolvedAt' | 'outcome'>
  leaf: Pick<Evidence, 'metric' | 'limit' | 'op' | 'unit'>
  points: readonly { atMs: number; value: number }[]
  fromMs: number
  toMs: number
}

/** One episode as a picture: the signal, its limit, and the stay behind them. */
export function drawEpisode({ episode, leaf, points, fromMs, toMs }: EpisodeDrawing): string {
  const values = [...points.map(({ value }) => value), ...(leaf.limit === null ? [] : [leaf.limit])].filter(
    Number.isFinite,
  )
  const low = Math.min(...values, Number.POSITIVE_INFINITY)
  const high = Math.max(...values, Number.NEGATIVE_INFINITY)
  const [bottom, top] = Number.isFinite(low) ? (low === high ? [low - 1, high + 1] : [low, high]) : [0, 1]
  const x = (ms: number): number =>
    MARGIN.left +
    ((Math.min(toMs, Math.max(fromMs, ms)) - fromMs) / (toMs - fromMs)) * (WIDTH - MARGIN.left - MARGIN.right)
  const y = (value: number): number =>
    HEIGHT - MARGIN.bottom - ((value - bottom) / (top - bottom)) * (HEIGHT - MARGIN.top - MARGIN.bottom)
  const round = (n: number): string => n.toFixed(1)
  const line = points.map(({ atMs, value }) => `${round(x(atMs))},${round(y(value))}`).join(' ')
  const [startX, openX] = [x(Date.parse(episode.startedAt)), x(Date.parse(episode.openedAt))]
  const endX = episode.resolvedAt === null ? x(toMs) : x(Date.parse(episode.resolvedAt))
  const stayHeight = HEIGHT - MARGIN.top - MARGIN.bottom
  const title = `${episode.component} of ${episode.device}: ${leaf.metric}${leaf.unit ? ` (${leaf.unit})` : ''}${episode.outcome ? `, ${episode.outcome}` : ''}`
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" font-size="12">
<title>${escaped(title)}</title>
<rect width="${WIDTH}" height="${HEIGHT}" fill="#fff"/>
<text x="${MARGIN.left}" y="20" font-size="14">${escaped(title)}</text>
<rect class="pending" x="${round(startX)}" y="${MARGIN.top}" width="${round(Math.max(0, openX - startX))}" height="${stayHeight}" fill="#ffe9b8"/>
<rect class="stay" x="${round(openX)}" y="${MARGIN.top}" width="${round(Math.max(1, endX - openX))}" height="${stayHeight}" fill="#ffd0c9"/>
${
  leaf.limit === null
    ? ''
    : `<line class="limit" x1="${MARGIN.left}" x2="${WIDTH - MARGIN.right}" y1="${round(y(leaf.limit))}" y2="${round(y(leaf.limit))}" stroke="#c0392b" stroke-dasharray="6 4"/>
<text x="${WIDTH - MARGIN.right}" y="${round(y(leaf.limit) - 4)}" text-anchor="end" fill="#c0392b">${escaped(`${leaf.op} ${leaf.limit}`)}</text>`
}
<polyline class="signal" points="${line}" fill="none" stroke="#1f4e79" stroke-width="1.5"/>
<text x="${MARGIN.left - 6}" y="${round(y(top) + 4)}" text-anchor="end">${short(top)}</text>
<text x="${MARGIN.left - 6}" y="${round(y(bottom) + 4)}" text-anchor="end">${short(bottom)}</text>
<text x="${MARGIN.left}" y="${HEIGHT - 12}">${new Date(fromMs).toISOString().slice(0, 16)}</text>
<text x="${WIDTH - MARGIN.right}" y="${HEIGHT - 12}" text-anchor="end">${new Date(toMs).toISOString().slice(0, 16)}</text>
</svg>
`
}

function short(value: number): string {
  return String(Number(value.toPrecision(4)))
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')
}
