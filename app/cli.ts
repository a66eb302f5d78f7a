import { HubError, isHubError } from '#platform'

/** What scripts read: promises. */
export const EXIT = { done: 0, checkFailed: 1, usage: 2, missing: 3 } as const
export type ExitCode = (typeof EXIT)[keyof typeof EXIT]

export interface CommandContext {
  args: readonly string[]
  env: Record<string, string | undefined>
  cwd: string
  /** One JSON document on stdout and nothing else there. */
  json: boolean
  /** A line for the person at the terminal; silent with `--json`. */
  say(line: string): void
  /** The one JSON document of `--json`; does nothing without it. */
  answer(document: unknown): void
  /** Aborts with the first SIGINT or SIGTERM. */
  signal: AbortSignal
}

export interface Command {
  name: string
  /** One line for the list of commands. */
  summary: string
  usage: string
  run(context: CommandContext): Promise<ExitCode>
}

/** What is needed and missing, as opposed to what was asked wrongly or went wrong. */
const MISSING = new Set(['MISSING_DEPENDENCY', 'EMBEDDED_DB_FAILED', 'DB_UNAVAILABLE', 'HISTORY_UNAVAILABLE'])
const USAGE = new Set(['USAGE', 'CONFIG_INVALID'])

export function exitCodeOf(error: unknown): ExitCode {
  if (!isHubError(error)) return EXIT.checkFailed
  if (MISSING.has(error.code)) return EXIT.missing
  return USAGE.has(error.code) ? EXIT.usage : EXIT.checkFailed
}

/** The lines a person reads when a command ends badly: what, where, what to do; a stack only for our own bugs. */
export function explain(error: unknown): string {
  if (error instanceof HubError) {
    // Several things at once are a list, and the code its heading.
    const lines = error.message.split('\n')
    return lines.length === 1 ? `${error.code}: ${error.message}` : [`${error.code}:`, ...lines].join('\n  ')
  }
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}
