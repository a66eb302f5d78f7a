import type { EvaluationReport, ProtocolReport } from './evaluate.ts'
import { barText, type Figure, withinBar } from './protocol.ts'

const HEADING = ['data set', 'figure', 'ours', 'must', 'aim', 'published']

/** The report as a Markdown table: our figure beside the bars and the published ones. Reads well on a terminal too. */
export function reportTable({ protocols, seconds }: EvaluationReport): string {
  const cells = [HEADING, ...protocols.flatMap(rowsOf)]
  const widths = HEADING.map((_, column) => Math.max(...cells.map((row) => row[column]!.length)))
  const line = (row: readonly string[]) => `| ${row.map((cell, column) => cell.padEnd(widths[column]!)).join(' | ')} |`
  const [heading, ...rows] = cells
  const notes = protocols.flatMap((report) =>
    report.outcome === 'scored'
      ? (report.notes ?? []).map((note) => `${report.key}: ${note}`)
      : [`${report.key}: ${report.outcome}, ${report.reason}.`],
  )
  return [
    line(heading!),
    line(widths.map((width) => '-'.repeat(width))),
    ...rows.map(line),
    '',
    ...notes,
    `${seconds} s in all.`,
  ].join('\n')
}

function rowsOf(report: ProtocolReport): string[][] {
  if (report.outcome !== 'scored') return [[report.key, `(${report.outcome})`, '', '', '', '']]
  return report.figures.map((figure) => [
    report.key,
    figure.name,
    `${numberText(figure.value)}${figure.unit ? ` ${figure.unit}` : ''}`,
    figure.must ? `${barText(figure.must)} ${verdict(figure)}` : '',
    figure.aim ? `${barText(figure.aim)}${withinBar(figure.value, figure.aim) ? ' ✓' : ''}` : '',
    Object.entries(figure.published ?? {})
      .map(([name, value]) => `${name} ${value}`)
      .join(' · '),
  ])
}

const verdict = ({ value, must }: Figure): string => (must && withinBar(value, must) ? '✓' : 'MISSED')

const numberText = (value: number): string => {
  if (Number.isInteger(value)) return String(value)
  return Math.abs(value) >= 100 ? value.toFixed(0) : value.toFixed(Math.abs(value) >= 10 ? 1 : value >= 2 ? 2 : 3)
}
