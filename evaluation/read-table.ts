import { readFileSync } from 'node:fs'

/** A text file as named columns of numbers; what is not a number is NaN. */
export interface Table {
  names: string[]
  rows: number
  /** @throws Error naming the column, since a data set in another layout is not the data set. */
  column(name: string): Float64Array
  texts(name: string): string[]
}

/** Reads a delimited file with one heading line. These files quote names at most, never values with a delimiter inside. */
export function readTable(file: string, delimiter = ','): Table {
  const [heading = '', ...lines] = readFileSync(file, 'utf8').replace(/\r/g, '').trimEnd().split('\n')
  // Some copies carry the unit in the heading, as `Zeit[s]`.
  const names = heading.split(delimiter).map((name) =>
    name
      .trim()
      .replaceAll('"', '')
      .replace(/\[.*\]$/, ''),
  )
  const indexOf = (name: string) => {
    const index = names.indexOf(name)
    if (index === -1) throw new Error(`${file} has no column "${name}": it has ${names.join(', ')}.`)
    return index
  }
  const texts = (name: string) => {
    const index = indexOf(name)
    return lines.map((line) => (line.split(delimiter)[index] ?? '').trim().replaceAll('"', ''))
  }
  return {
    names,
    rows: lines.length,
    texts,
    column: (name) => Float64Array.from(texts(name), (text) => (text === '' ? Number.NaN : Number(text))),
  }
}

/** A file without a heading: rows of numbers. */
export function readRows(file: string, delimiter: string | RegExp): number[][] {
  const lines = readFileSync(file, 'utf8').trimEnd().split('\n')
  return lines.map((line) => line.trim().split(delimiter).map(Number))
}
