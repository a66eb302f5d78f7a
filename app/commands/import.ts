import { createHash } from 'node:crypto'
import {
  closeSync,
  createReadStream,
  existsSync,
  openSync,
  readFileSync,
  readSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { basename, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { parse as parseCsv } from 'csv-parse'
import { parse as parseYaml } from 'yaml'
import { catalogEntry } from '#catalog'
import { HubError } from '#platform'
import { type Command, type CommandContext, EXIT } from '../cli.ts'
import { connectHub, HubAnswer, type HubClient } from '../hub-client.ts'
import { describeOptions, readOptions } from '../options.ts'

const OPTIONS = {
  devices: { type: 'string', value: 'F', help: 'devices {serial, product, installedAt?, region?, tags?, …}' },
  telemetry: { type: 'string', value: 'F', help: 'readings {serial, ts, values}; in CSV one column a metric' },
  outcomes: {
    type: 'string',
    value: 'F',
    help: 'repairs and failures {serial, component?, at, symptom?, cause?, parts[]}',
  },
  product: { type: 'string', value: 'P', help: 'create this product first: a file, or a kind of the catalogue' },
  'outcomes-incomplete': {
    type: 'boolean',
    help: 'there were repairs that the file does not know: an alert nothing followed is no mistake',
  },
  rejects: { type: 'string', value: 'F', help: 'write what was refused, one JSON object a line' },
  brand: { type: 'string', value: 'KEY', help: 'whose, where no hub runs; made if the hub has no brand yet' },
} as const

const KINDS = ['devices', 'telemetry', 'outcomes'] as const
type Kind = (typeof KINDS)[number]

/** A call: what the hub takes at once. */
const LINES_PER_CALL = 10_000
const BYTES_PER_CALL = 6 * 1_048_576
/** Enough to tell two files of one size apart without reading gigabytes. */
const FINGERPRINT_BYTES = 1_048_576
const PROGRESS_EVERY_LINES = 50_000

interface Imported {
  kind: Kind
  file: string
  lines: number
  accepted: number
  rejected: number
  problems: { line: number; code: string; detail: string }[]
  seconds: number
}

export const importPast: Command = {
  name: 'import',
  summary: 'bring a brand’s past in: devices, telemetry, repairs; of any age, and nobody is notified',
  usage: `Usage: beforehand import [--devices F] [--telemetry F] [--outcomes F] [options] [--json]

NDJSON, or CSV with a header line (files ending in .csv). Started again after a break it goes on where it was.
${describeOptions(OPTIONS)}`,
  async run(context) {
    const { values } = readOptions(context.args, OPTIONS)
    const files = KINDS.flatMap((kind) => (values[kind] === undefined ? [] : [{ kind, file: values[kind] }]))
    if (files.length === 0)
      throw new HubError('USAGE', 'import needs at least one of --devices, --telemetry, --outcomes.')
    for (const { file } of files)
      if (!existsSync(resolve(context.cwd, file))) throw new HubError('MISSING_DEPENDENCY', `There is no file ${file}.`)
    await using hub = await connectHub(context, values.brand ?? undefined)
    if (values.product !== undefined) await ensureProduct(hub, values.product, context)
    const results: Imported[] = []
    let span: Span | null = null
    for (const { kind, file } of files) {
      const imported = await importFile(hub, kind, file, context)
      if (kind === 'telemetry') span = imported.span
      const complete = kind === 'outcomes' && span && !values['outcomes-incomplete']
      await hub.call('POST', `/api/imports/${imported.id}/done`, {
        ...(complete
          ? { completeFrom: new Date(span!.fromMs).toISOString(), completeTo: new Date(span!.toMs).toISOString() }
          : {}),
      })
      results.push(imported.result)
      tell(imported.result, context.say)
    }
    if (values.rejects !== undefined) {
      const lines = results.flatMap(({ file, problems }) =>
        problems.map((problem) => JSON.stringify({ file, ...problem })),
      )
      writeFileSync(resolve(context.cwd, values.rejects), lines.map((line) => `${line}\n`).join(''))
    }
    context.answer({ files: results })
    return results.some(({ rejected }) => rejected > 0) ? EXIT.checkFailed : EXIT.done
  },
}

function tell(
  { kind, file, lines, accepted, rejected, problems, seconds }: Imported,
  say: (line: string) => void,
): void {
  const rate = seconds > 0 ? `, ${Math.round(lines / seconds).toLocaleString('en')} a second` : ''
  say(
    `${kind} ${file}: ${accepted.toLocaleString('en')} accepted, ${rejected} refused in ${seconds.toFixed(1)} s${rate}`,
  )
  for (const { line, code, detail } of problems.slice(0, 5)) say(`  line ${line}: ${code} ${detail}`)
  if (rejected > 5) say(`  … and ${rejected - 5} more; --rejects F writes down what is kept of them`)
}

interface Span {
  fromMs: number
  toMs: number
}

async function importFile(
  hub: HubClient,
  kind: Kind,
  file: string,
  { cwd, json, signal }: CommandContext,
): Promise<{ id: string; result: Imported; span: Span | null }> {
  const path = resolve(cwd, file)
  let state = (await hub.call('POST', '/api/imports', { kind, source: fingerprint(path) })) as unknown as State
  const startedAtMs = performance.now()
  const before = state.lines
  const span: Span = { fromMs: Number.POSITIVE_INFINITY, toMs: Number.NEGATIVE_INFINITY }
  const showsProgress = process.stderr.isTTY && !json
  let seen = 0
  let told = 0
  let under: Promise<void> | null = null
  const send = async (lines: readonly string[]): Promise<void> => {
    state = await sendLines(hub, state, lines, signal)
    if (showsProgress && state.lines - told >= PROGRESS_EVERY_LINES) {
      told = state.lines
      process.stderr.write(`\r${kind}: ${state.lines.toLocaleString('en')} lines\u001b[K`)
    }
  }
  let chunk: string[] = []
  let bytes = 0
  const flush = async (): Promise<void> => {
    if (chunk.length === 0) return
    // One call is under way while the next is being read.
    await under
    under = send(chunk)
    under.catch(() => undefined)
    chunk = []
    bytes = 0
  }
  for await (const line of linesOf(path, kind)) {
    signal.throwIfAborted()
    if (kind === 'telemetry') widen(span, line)
    if (seen++ < before) continue
    chunk.push(line)
    bytes += line.length
    if (chunk.length >= LINES_PER_CALL || bytes >= BYTES_PER_CALL) await flush()
  }
  await flush()
  await under
  if (showsProgress) process.stderr.write('\r\u001b[K')
  const seconds = (performance.now() - startedAtMs) / 1_000
  const { id, lines, accepted, rejected, problems } = state
  return {
    id,
    result: { kind, file, lines, accepted, rejected, problems, seconds },
    span: Number.isFinite(span.fromMs) ? { fromMs: span.fromMs, toMs: span.toMs + 1 } : null,
  }
}

interface State {
  id: string
  lines: number
  accepted: number
  rejected: number
  problems: Imported['problems']
}

async function sendLines(hub: HubClient, state: State, lines: readonly string[], signal: AbortSignal): Promise<State> {
  const body = lines.join('\n')
  for (;;) {
    try {
      const path = `/api/imports/${state.id}/lines?after=${state.lines}`
      const answer = await hub.send('POST', path, { type: 'application/x-ndjson', body, signal })
      return (await answer.json()) as State
    } catch (error) {
      // The log of changes takes its time over ten thousand devices; what is committed is found again.
      if (!(error instanceof HubAnswer) || error.code !== 'CONTROL_LOG_BEHIND') throw error
      const now = (await hub.call('GET', `/api/imports/${state.id}`)) as unknown as State
      if (now.lines === state.lines + lines.length) return now
    }
  }
}

const TS = /"ts"\s*:\s*(\d{10,16})/

function widen(span: Span, line: string): void {
  const ts = Number(TS.exec(line)?.[1] ?? Number.NaN)
  if (ts < span.fromMs) span.fromMs = ts
  if (ts > span.toMs) span.toMs = ts
}

/** The file's rows as lines of JSON; empty ones are no rows. */
async function* linesOf(path: string, kind: Kind): AsyncIterable<string> {
  if (path.endsWith('.csv')) {
    const rows = createReadStream(path).pipe(parseCsv({ columns: true, bom: true, skip_empty_lines: true, trim: true }))
    for await (const row of rows) yield JSON.stringify(FROM_CSV[kind](row as Record<string, string>))
    return
  }
  for await (const line of createInterface({ input: createReadStream(path), crlfDelay: Number.POSITIVE_INFINITY }))
    if (line.trim() !== '') yield line
}

const given = (row: Record<string, string>): [string, string][] => Object.entries(row).filter(([, cell]) => cell !== '')
const list = (cell: string): string[] => cell.split('|').filter((part) => part !== '')

const FROM_CSV: Record<Kind, (row: Record<string, string>) => unknown> = {
  devices: (row) => Object.fromEntries(given(row).map(([key, cell]) => [key, key === 'tags' ? list(cell) : cell])),
  outcomes: (row) => Object.fromEntries(given(row).map(([key, cell]) => [key, key === 'parts' ? list(cell) : cell])),
  telemetry: ({ serial, ts = '', ...metrics }) => ({
    serial,
    ts: /^\d+$/.test(ts) ? Number(ts) : Date.parse(ts),
    values: Object.fromEntries(given(metrics).map(([key, cell]) => [key, valueOfCell(cell)])),
  }),
}

function valueOfCell(cell: string): string | number | boolean {
  if (cell === 'true' || cell === 'false') return cell === 'true'
  const number = Number(cell)
  return Number.isNaN(number) ? cell : number
}

/** Names a file by its name, size, beginning and end, so that the same file is known again and a changed one is another. */
function fingerprint(path: string): string {
  const { size } = statSync(path)
  const hash = createHash('sha256').update(`${basename(path)} ${size}`)
  const file = openSync(path, 'r')
  try {
    for (const from of [0, Math.max(0, size - FINGERPRINT_BYTES)]) {
      const bytes = Buffer.alloc(Math.min(FINGERPRINT_BYTES, size))
      hash.update(bytes.subarray(0, readSync(file, bytes, 0, bytes.length, from)))
    }
  } finally {
    closeSync(file)
  }
  return hash.digest('hex')
}

/** A product that is there already stays as it is. */
async function ensureProduct(hub: HubClient, name: string, { cwd }: CommandContext): Promise<void> {
  const path = resolve(cwd, name)
  const product = existsSync(path) ? parseYaml(readFileSync(path, 'utf8')) : catalogEntry(name)?.product
  if (!product)
    throw new HubError(
      'MISSING_DEPENDENCY',
      `There is no file ${name} and no kind of product of this name in the catalogue.`,
    )
  try {
    await hub.call('POST', '/api/products', product)
  } catch (error) {
    if (!(error instanceof HubAnswer) || error.code !== 'CONFLICT') throw error
  }
}
