import { parseArgs } from 'node:util'
import { HubError, toError } from '#platform'

export interface OptionSpec {
  type: 'boolean' | 'string'
  /** Shown where the value stands, as `N`. */
  value?: string
  help: string
}

type Values<S extends Record<string, OptionSpec>> = {
  [K in keyof S]?: S[K]['type'] extends 'boolean' ? boolean : string
}

/** Options and operands of a command. @throws HubError `USAGE` naming what is not understood. */
export function readOptions<S extends Record<string, OptionSpec>>(
  args: readonly string[],
  spec: S,
): { values: Values<S>; operands: string[] } {
  try {
    const options = Object.fromEntries(Object.entries(spec).map(([name, { type }]) => [name, { type }]))
    const { values, positionals } = parseArgs({ args: [...args], options, allowPositionals: true, strict: true })
    return { values: values as Values<S>, operands: positionals }
  } catch (cause) {
    throw new HubError('USAGE', toError(cause).message, { cause })
  }
}

/** A whole number of at least `least`, or the default. @throws HubError `USAGE` */
export function wholeNumber(name: string, text: string | undefined, least = 0): number | undefined {
  if (text === undefined) return undefined
  const value = Number(text)
  if (Number.isSafeInteger(value) && value >= least) return value
  throw new HubError('USAGE', `--${name} takes a whole number from ${least}, not "${text}".`)
}

export function describeOptions(spec: Record<string, OptionSpec>): string {
  const names = Object.entries(spec).map(([name, { value }]) => `--${name}${value ? ` ${value}` : ''}`)
  const width = Math.max(...names.map((name) => name.length))
  return Object.values(spec)
    .map(({ help }, i) => `  ${names[i]!.padEnd(width)}  ${help}`)
    .join('\n')
}
