import type { AlertState } from '#contracts'
import type { Stretch } from './rig.ts'

const WIDTH = 72
const LABEL = 10
const BARS = '▁▂▃▄▅▆▇█'
const MARKS: Record<string, string> = {
  absent: ' ',
  inactive: '·',
  pending: 'p',
  firing: 'F',
  recovering: 'r',
  'cleared-latched': 'L',
}

export interface TimeLine {
  startMs: number
  endMs: number
  series: ReadonlyMap<string, readonly { atMs: number; value: number }[]>
  stretches: readonly Stretch[]
  /** Where to look. */
  markMs: number
  expected: { atMs: number; state: AlertState | string } | null
}

/**
 * What was measured, what was expected and what came out, under each other over the whole test;
 * one column is a `WIDTH`th of it, and shows the last of what happened in it.
 */
export function drawTimeLine({ startMs, endMs, series, stretches, markMs, expected }: TimeLine): string[] {
  const spanMs = Math.max(1, endMs - startMs)
  const columnOf = (atMs: number): number =>
    Math.min(WIDTH - 1, Math.max(0, Math.floor(((atMs - startMs) / spanMs) * (WIDTH - 1))))
  const row = (label: string, cells: readonly string[]): string =>
    `${label.slice(0, LABEL - 1).padEnd(LABEL)}${cells.join('')}`.trimEnd()
  const lines: string[] = []
  for (const [metric, points] of series) {
    const values = points.map(({ value }) => value).filter(Number.isFinite)
    const [low, high] = [Math.min(...values), Math.max(...values)]
    const cells = new Array<string>(WIDTH).fill(' ')
    for (const { atMs, value } of points) {
      if (!Number.isFinite(value)) continue
      const height = high > low ? (value - low) / (high - low) : 0
      cells[columnOf(atMs)] = BARS[Math.round(height * (BARS.length - 1))]!
    }
    lines.push(`${row(metric, cells)}  ${values.length > 0 ? `${low} … ${high}` : ''}`)
  }
  if (expected) {
    const cells = new Array<string>(WIDTH).fill(' ')
    cells[columnOf(expected.atMs)] = MARKS[expected.state] ?? '?'
    lines.push(row('expected', cells))
  }
  const cells = Array.from({ length: WIDTH }, (_, column) => {
    const untilMs = startMs + ((column + 1) / (WIDTH - 1)) * spanMs
    const state = stretches.findLast(({ fromMs }) => fromMs < untilMs)?.state
    return MARKS[state ?? 'absent'] ?? '?'
  })
  // The column that is looked at shows the moment itself.
  const now = stretches.findLast(({ fromMs }) => fromMs <= markMs)?.state
  cells[columnOf(markMs)] = MARKS[now ?? 'absent'] ?? '?'
  lines.push(row('got', cells))
  lines.push(`${' '.repeat(LABEL + columnOf(markMs))}^`)
  lines.push(`${' '.repeat(LABEL)}· inactive  p pending  F firing  r recovering  L cleared-latched`)
  return lines
}
