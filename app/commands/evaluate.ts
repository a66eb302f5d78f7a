import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { type EvaluationReport, evaluate as evaluateModels, lifePlotSvg, PROTOCOLS, reportTable } from '#evaluation'
import { HubError } from '#platform'
import { type Command, EXIT } from '../cli.ts'
import { describeOptions, readOptions } from '../options.ts'

const OPTIONS = {
  data: {
    type: 'string',
    value: 'DIR',
    help: 'the public data sets, a folder each; those that are not there are skipped',
  },
  only: { type: 'string', value: 'KEYS', help: `some of ${PROTOCOLS.map(({ key }) => key).join(', ')}` },
  report: { type: 'string', value: 'DIR', help: 'write report.json and the plots (SVG) there' },
} as const

/** Scores the prediction models on public data. Exit 1 when a figure misses a bar it must meet, or data could not be read. */
export const evaluate: Command = {
  name: 'evaluate',
  summary: 'scores the prediction models on public data sets',
  usage: `Usage: beforehand evaluate --data DIR [options] [--json]

${describeOptions(OPTIONS)}

Exit codes: 0 every bar is met, 1 one is missed or a data set could not be read, 3 no data set is there.`,
  async run({ args, cwd, json, say, answer, signal }) {
    const { values } = readOptions(args, OPTIONS)
    if (values.data === undefined)
      throw new HubError('USAGE', '--data is needed: the directory of the public data sets.')
    const dataDir = resolve(cwd, values.data)
    if (!existsSync(dataDir))
      throw new HubError('MISSING_DEPENDENCY', `There is no directory ${dataDir}: it holds a folder per data set.`)
    const only = values.only?.split(',').map(known)
    const progress = process.stderr.isTTY && !json
    const report = evaluateModels({
      dataDir,
      signal,
      ...(only === undefined ? {} : { only }),
      ...(progress ? { onProgress: (line) => void process.stderr.write(`\r\x1b[K${line}`) } : {}),
    })
    if (progress) process.stderr.write('\r\x1b[K')
    if (report.protocols.every(({ outcome }) => outcome === 'skipped'))
      throw new HubError(
        'MISSING_DEPENDENCY',
        `${dataDir} holds none of the data sets: ${PROTOCOLS.map(({ folder }) => folder).join(', ')}.`,
      )
    if (values.report !== undefined) write(resolve(cwd, values.report), report)
    say(reportTable(report))
    answer(withoutPoints(report))
    const failed = report.missed.length > 0 || report.protocols.some(({ outcome }) => outcome === 'failed')
    return failed ? EXIT.checkFailed : EXIT.done
  },
}

function known(key: string): string {
  if (PROTOCOLS.some((protocol) => protocol.key === key)) return key
  throw new HubError('USAGE', `--only knows ${PROTOCOLS.map((protocol) => protocol.key).join(', ')}, not "${key}".`)
}

function write(folder: string, report: EvaluationReport): void {
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'report.json'), `${JSON.stringify(withoutPoints(report), null, 2)}\n`)
  for (const plot of report.protocols.flatMap((protocol) =>
    protocol.outcome === 'scored' ? (protocol.plots ?? []) : [],
  ))
    writeFileSync(join(folder, `${plot.name.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-')}.svg`), lifePlotSvg(plot))
}

/** The figures of a report; the points behind its plots are for the plots. */
function withoutPoints(report: EvaluationReport): unknown {
  const protocols = report.protocols.map((protocol) =>
    'plots' in protocol ? { ...protocol, plots: protocol.plots?.map(({ name }) => name) } : protocol,
  )
  return { ...report, protocols }
}
