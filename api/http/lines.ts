import { parse } from 'csv-parse/sync'
import { HubError } from '#platform'
import { parseJsonBody } from './json-body.ts'

/** A row of a bulk body: its value, or why it could not be read. Lines count from 1, as editors do. */
export interface Row {
  line: number
  value: unknown
  error: HubError | null
}

/** Lines of a body, blank ones among them: those are skipped, but a body of nothing else is no file either. */
const LINES_MAX = 100_000
/** UTF-8 takes up to four bytes for a character. */
const CSV_LINE_BYTES_MAX = 65_536
const LINE_FEED = 0x0a

/** Measured before anything reads the body: what a parser makes of eight million commas holds up everybody. */
function refuseUnlikeLines(body: Buffer, bytesMax: number): void {
  let line = 0
  for (let start = 0; start < body.length; ) {
    const feed = body.indexOf(LINE_FEED, start)
    const end = feed < 0 ? body.length : feed
    if (++line > LINES_MAX)
      throw new HubError('PAYLOAD_TOO_LARGE', `More than ${LINES_MAX} lines, blank ones counted. Send them in parts.`)
    if (end - start > bytesMax) throw new HubError('VALIDATION_FAILED', `Line ${line} has more than ${bytesMax} bytes.`)
    start = end + 1
  }
}

/** One JSON value per line; blank lines are skipped. A bad line spoils only itself. */
export function parseNdjson(body: Buffer, rowsMax: number): Row[] {
  refuseUnlikeLines(body, body.length)
  const rows: Row[] = []
  for (const [index, text] of body.toString('utf8').split('\n').entries()) {
    if (text.trim() === '') continue
    if (rows.length === rowsMax) throw tooMany(rowsMax)
    try {
      rows.push({ line: index + 1, value: parseJsonBody(text), error: null })
    } catch (error) {
      rows.push({ line: index + 1, value: undefined, error: error as HubError })
    }
  }
  return rows
}

/** Longest CSV record, of any column count. */
const CSV_RECORD_CHARACTERS_MAX = 16_384

/** CSV with a header line (RFC 4180, UTF-8). Empty cells are left out: they mean "not given". */
export function parseCsv(body: Buffer, rowsMax: number): Row[] {
  refuseUnlikeLines(body, CSV_LINE_BYTES_MAX)
  let records: { record: Record<string, string>; info: { lines: number } }[]
  try {
    records = parse(body, {
      columns: true,
      bom: true,
      info: true,
      skip_empty_lines: true,
      trim: true,
      to: rowsMax + 1,
      max_record_size: CSV_RECORD_CHARACTERS_MAX,
    }) as unknown as typeof records
  } catch (error) {
    throw new HubError('VALIDATION_FAILED', `The CSV cannot be read: ${(error as Error).message}.`, { cause: error })
  }
  if (records.length > rowsMax) throw tooMany(rowsMax)
  return records.map(({ record, info }) => ({
    line: info.lines,
    value: Object.fromEntries(Object.entries(record).filter(([, cell]) => cell !== '')),
    error: null,
  }))
}

function tooMany(rowsMax: number): HubError {
  return new HubError('PAYLOAD_TOO_LARGE', `One call takes at most ${rowsMax} rows. Send the rest in another.`)
}
