import { HubError } from '#platform'
import { type Command, type CommandContext, EXIT, type ExitCode, exitCodeOf, explain } from './cli.ts'
import { audit } from './commands/audit.ts'
import { demo } from './commands/demo.ts'
import { evaluate } from './commands/evaluate.ts'
import { importPast } from './commands/import.ts'
import { rules } from './commands/rules.ts'
import { simulate } from './commands/simulate.ts'
import { start } from './commands/start.ts'
import { environmentOf } from './config.ts'
import { readOptions } from './options.ts'
import { version } from './version.ts'

/** One file each in `commands/`; a new one is added here and nowhere else. */
export const COMMANDS: readonly Command[] = [start, demo, simulate, rules, evaluate, audit, importPast]

export interface Terminal {
  args: readonly string[]
  env: NodeJS.ProcessEnv
  cwd: string
  out(text: string): void
  err(text: string): void
  signal: AbortSignal
}

/** Runs one command line and says how it ended; never throws. */
export async function runCommand(terminal: Terminal): Promise<ExitCode> {
  const { args, out, err } = terminal
  const [name = 'help', ...rest] = args
  const json = rest.includes('--json')
  try {
    if (['help', '--help', '-h'].includes(name)) return print(out, helpOn(rest))
    if (['version', '--version', '-v'].includes(name)) {
      readOptions(rest, {})
      return print(out, `${version()}\n`)
    }
    const command = commandNamed(name)
    if (rest.includes('--help') || rest.includes('-h')) return print(out, `${command.usage}\n`)
    const context: CommandContext = {
      args: rest.filter((arg) => arg !== '--json'),
      env: environmentOf(terminal.cwd, terminal.env),
      cwd: terminal.cwd,
      json,
      say: (line) => json || out(`${line}\n`),
      answer: (document) => json && out(`${JSON.stringify(document)}\n`),
      signal: terminal.signal,
    }
    return await command.run(context)
  } catch (error) {
    err(`${explain(error)}\n`)
    return exitCodeOf(error)
  }
}

function print(out: (text: string) => void, text: string): ExitCode {
  out(text)
  return EXIT.done
}

function commandNamed(name: string): Command {
  const command = COMMANDS.find((candidate) => candidate.name === name)
  if (!command) throw new HubError('USAGE', `There is no command "${name}"; "beforehand help" lists them.`)
  return command
}

function helpOn([name, ...more]: readonly string[]): string {
  readOptions(more, {})
  return name === undefined ? helpText() : `${commandNamed(name).usage}\n`
}

function helpText(): string {
  const width = Math.max(...COMMANDS.map((candidate) => candidate.name.length))
  const lines = COMMANDS.map((candidate) => `  ${candidate.name.padEnd(width)}  ${candidate.summary}`)
  return `beforehand ${version()}: foresees what will wear out in home appliances and locks, and gets it serviced

Usage: beforehand COMMAND [options]

${lines.join('\n')}
  ${'help'.padEnd(width)}  this text; "help COMMAND" for one command
  ${'version'.padEnd(width)}  the version

Exit codes: 0 done, 1 it went wrong, 2 wrong usage, 3 something needed is missing.
Settings come from the environment and .env; docs/operating.md lists them.
`
}
