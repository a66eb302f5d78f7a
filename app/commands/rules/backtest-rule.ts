import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { BacktestProgress, BacktestResult, DiffResult } from '#pipeline'
import { HubError } from '#platform'
import { parseRule } from '#rules'
import { type CommandContext, EXIT, type ExitCode } from '../../cli.ts'
import { connectHub, type HubClient } from '../../hub-client.ts'
import { describeOptions, readArguments } from '../../options.ts'
import { drawEpisode } from './episode-svg.ts'

const OPTIONS = {
  product: { type: 'string', value: 'P', help: 'only devices of this product' },
  from: { type: 'string', value: 'T', help: 'begin, as 2026-05-01 or 2026-05-01T08:00:00Z' },
  to: { type: 'string', value: 'T', help: 'end, exclusive' },
  'as-run': { type: 'boolean', help: 'what really happened, once more, ids included, and whether it is the same' },
  diff: { type: 'string', value: 'V1 V2', help: 'compare two versions of the rule' },
  parameters: { type: 'string', value: 'then|today', help: 'values of parameters as they were (then) or as they are' },
  svg: { type: 'string', value: 'DIR', help: 'draw each episode: signal, limit, stay' },
  brand: { type: 'string', value: 'KEY', help: 'whose data, where no hub runs and there are several brands' },
} as const

export const BACKTEST_USAGE = `Usage: beforehand rules backtest RULE --from T --to T [options] [--json]

Plays a rule over stored history with the evaluator that decides live. RULE is a file or the key of a stored rule.
${describeOptions(OPTIONS)}`

/** Charts drawn: who looks at more looks at none. */
const DRAWN_MAX = 200

export async function backtestRule(context: CommandContext): Promise<ExitCode> {
  const { values, words } = readArguments(context.args, OPTIONS)
  const { rule, diff } = subjectOf(words, values.diff)
  if (values.from === undefined || values.to === undefined)
    throw new HubError('USAGE', 'rules backtest needs --from and --to.')
  const path = resolve(context.cwd, rule)
  const document = existsSync(path) ? parseRule(readFileSync(path, 'utf8')) : null
  const body = {
    rule: document ?? rule,
    from: timeOf('from', values.from),
    to: timeOf('to', values.to),
    ...(values.product === undefined ? {} : { product: values.product }),
    ...(values['as-run'] ? { asRun: true } : {}),
    ...(diff ? { diff } : {}),
    ...(values.parameters === undefined ? {} : { parameters: values.parameters }),
  }
  await using hub = await connectHub(context, values.brand)
  const result = await played(hub, body, context)
  context.answer(result)
  if ('added' in result) tellDiff(result, context.say)
  else tellResult(result, context.say)
  const episodes = 'added' in result ? [...result.after.episodes, ...result.removed] : result.episodes
  if (values.svg !== undefined) await draw(hub, episodes, resolve(context.cwd, values.svg), context)
  const { identical } = 'added' in result ? result.after : result
  const differs = identical && identical.missing.length + identical.unexpected.length + identical.different.length > 0
  return differs ? EXIT.checkFailed : EXIT.done
}

function subjectOf(
  words: readonly string[],
  diff: string | undefined,
): { rule: string; diff: [number, number] | null } {
  const numbers = words.filter((word) => /^\d+$/.test(word))
  const [rule, ...more] = words.filter((word) => diff === undefined || !numbers.includes(word))
  if (rule === undefined || more.length > 0)
    throw new HubError('USAGE', 'rules backtest needs one rule, a file or a key.')
  if (diff === undefined) return { rule, diff: null }
  const versions = [...diff.split(/[,\s]+|\.\./), ...numbers].map(Number)
  if (versions.length !== 2 || versions.some((version) => !Number.isSafeInteger(version) || version < 1))
    throw new HubError('USAGE', '--diff takes two versions, as --diff 3 4.')
  return { rule, diff: versions as [number, number] }
}

function timeOf(name: string, text: string): string {
  const ms = Date.parse(text)
  if (Number.isNaN(ms))
    throw new HubError('USAGE', `--${name} takes a time as 2026-05-01 or 2026-05-01T08:00:00Z, not "${text}".`)
  return new Date(ms).toISOString()
}

async function played(
  hub: HubClient,
  body: unknown,
  { json, signal }: CommandContext,
): Promise<BacktestResult | DiffResult> {
  const answer = await hub.send('POST', '/api/rules/backtest', {
    type: 'application/json',
    body: JSON.stringify(body),
    signal,
  })
  const showsProgress = process.stderr.isTTY && !json
  let rest = ''
  for await (const chunk of answer.body!.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + chunk).split('\n')
    rest = lines.pop()!
    for (const text of lines) {
      const line = JSON.parse(text) as {
        progress?: BacktestProgress
        result?: BacktestResult | DiffResult
        error?: { detail: string; code: string }
      }
      if (line.error) throw new Error(`${line.error.code}: ${line.error.detail}`)
      if (showsProgress && line.progress) process.stderr.write(`\r${progressText(line.progress)}\u001b[K`)
      if (!line.result) continue
      if (showsProgress) process.stderr.write('\r\u001b[K')
      return line.result
    }
  }
  throw new HubError('HISTORY_UNAVAILABLE', 'The hub ended before the backtest did.')
}

function progressText({ devicesDone, devices, samples, alerts }: BacktestProgress): string {
  return `${devicesDone} of ${devices} devices, ${samples.toLocaleString('en')} samples, ${alerts} alerts`
}

const percent = (share: number | null): string => (share === null ? 'unknown' : `${Math.round(share * 1_000) / 10} %`)

function tellResult(result: BacktestResult, say: (line: string) => void): void {
  const { againstOutcomes: against, leadTimeDays: lead, acceptance } = result
  say(
    `${result.rule}${result.version === null ? '' : ` version ${result.version}`}, ${result.mode}, ${result.from} to ${result.to}`,
  )
  if (result.warmUpFrom !== null) say(`  warmed up from ${result.warmUpFrom}`)
  say(`  ${result.devices} devices, ${result.samples.toLocaleString('en')} samples in ${result.seconds} s`)
  say(
    `  ${result.alerts} alerts, ${result.cases} cases, ${result.offers} offers, about ${result.workOrders} work orders`,
  )
  say(
    `    (acceptance ${percent(acceptance.rate)}, ${acceptance.from === 'brand' ? `of ${acceptance.answered} offers answered` : 'assumed: too few offers were answered yet'})`,
  )
  say(`  ${result.perThousandDeviceMonths} visits per thousand device-months`)
  const interval = against.precisionInterval
  say(
    `  precision ${percent(against.precision)}${interval ? ` (95 %: ${percent(interval[0])} to ${percent(interval[1])})` : ''}, recall ${percent(against.recall)}`,
  )
  say(
    `    ${against.confirmed} confirmed, ${against.noFault} for nothing, ${against.undecided} undecided; ${against.foreseen} failures foreseen, ${against.missed} missed`,
  )
  if (lead)
    say(`  lead time ${lead.p10.toFixed(1)} / ${lead.p50.toFixed(1)} / ${lead.p90.toFixed(1)} days (p10 / p50 / p90)`)
  if (result.identical) {
    const { compared, missing, unexpected, different } = result.identical
    const wrong = missing.length + unexpected.length + different.length
    say(
      wrong === 0
        ? `  as it ran: all ${compared} episodes came out again, ids included`
        : `  NOT as it ran: ${missing.length} missing, ${unexpected.length} unexpected, ${different.length} different`,
    )
  }
  for (const note of result.notes) say(`  ${note}`)
}

function tellDiff({ before, after, added, removed, moved, same }: DiffResult, say: (line: string) => void): void {
  say(`version ${before.version}: ${before.alerts} alerts; version ${after.version}: ${after.alerts} alerts`)
  say(`  ${same} the same, ${moved.length} moved, ${added.length} added, ${removed.length} removed`)
  for (const { device, openedAt } of added.slice(0, 20)) say(`  + ${openedAt} ${device}`)
  for (const { device, openedAt } of removed.slice(0, 20)) say(`  - ${openedAt} ${device}`)
  for (const {
    after: { device, openedAt },
    openedLaterMs,
  } of moved.slice(0, 20))
    say(
      `  ~ ${openedAt} ${device}, opened ${(openedLaterMs / 3_600_000).toFixed(1)} h ${openedLaterMs < 0 ? 'earlier' : 'later'}`,
    )
}

async function draw(
  hub: HubClient,
  episodes: BacktestResult['episodes'],
  dir: string,
  { say }: CommandContext,
): Promise<void> {
  mkdirSync(dir, { recursive: true })
  const chosen = episodes.slice(0, DRAWN_MAX)
  for (const episode of chosen) {
    const leaf = episode.evidence.find(({ value }) => typeof value === 'number')
    if (!leaf) continue
    const startMs = Date.parse(episode.startedAt)
    const endMs =
      episode.resolvedAt === null ? Date.parse(episode.openedAt) + 86_400_000 : Date.parse(episode.resolvedAt)
    const marginMs = Math.max(3_600_000, (endMs - startMs) / 2)
    const [fromMs, toMs] = [startMs - marginMs, endMs + marginMs]
    const everyMs = Math.max(1_000, Math.ceil((toMs - fromMs) / 400 / 1_000) * 1_000)
    const query = new URLSearchParams({
      metrics: leaf.metric,
      from: new Date(fromMs).toISOString(),
      to: new Date(toMs).toISOString(),
      every: `${everyMs / 1_000}s`,
    })
    const { items } = (await hub.call('GET', `/api/devices/${episode.device}/telemetry?${query}`)) as {
      items: { at: string; values: Record<string, number> }[]
    }
    const points = items.map(({ at, values }) => ({ atMs: Date.parse(at), value: values[leaf.metric]! }))
    writeFileSync(join(dir, `${episode.id}.svg`), drawEpisode({ episode, leaf, points, fromMs, toMs }))
  }
  say(
    `  ${chosen.length} episodes drawn in ${dir}${episodes.length > chosen.length ? `, the first of ${episodes.length}` : ''}`,
  )
}
