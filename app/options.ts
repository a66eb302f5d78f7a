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

/** Options of a command that takes nothing else. @throws HubError `USAGE` naming what is not understood. */
export function readOptions<S extends Record<string, OptionSpec>>(
  args: readonly string[],
  spec: S,
): { values: Values<S> } {
  const { values, words } = readArguments(args, spec)
  if (words.length > 0)
    throw new HubError('USAGE', `"${words[0]}" is not understood here: this command takes options only.`)
  return { values }
}

/** Options of a command and the words beside them, as names of files. @throws HubError `USAGE` */
export function readArguments<S extends Record<string, OptionSpec>>(
  args: readonly string[],
  spec: S,
): { values: Values<S>; words: readonly string[] } {
  const { values, positionals } = parsed(args, spec)
  return { values: values as Values<S>, words: positionals }
}

function parsed(args: readonly string[], spec: Record<string, OptionSpec>) {
  try {
    const options = Object.fromEntries(Object.entries(spec).map(([name, { type }]) => [name, { type }]))
    return parseArgs({ args: [...args], options, allowPositionals: true, strict: true })
  } catch (cause) {
    // What follows the first sentence is advice for the library's own syntax.
    const [sentence = ''] = toError(cause).message.split(/\.\s/)
    throw new HubError('USAGE', `${sentence.replace(/\.$/, '')}.`, { cause })
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
