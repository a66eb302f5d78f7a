import { type Logger as PinoLogger, pino } from 'pino'

export type Logger = PinoLogger

/** Members that could carry a person or a secret; they never reach a log line. */
const REDACTED = ['authorization', 'token', 'secret', 'password', 'contact', 'address', 'phone']
/** A person's name; errors and threads have names too, and those are wanted. */
const PERSONS = ['person.name', '*.person.name', 'people[*].name', '*.people[*].name']

/** Where lines go; standard output is the usual place, unless a document is promised there. */
export type LogStream = 'stdout' | 'stderr'

/**
 * A logger of JSON lines, with everything of a person and every secret cut out by its member's name.
 * @param level a pino level, or `silent`
 */
export function createLogger(
  level = 'info',
  destination: LogStream | { write(line: string): void } = 'stdout',
): Logger {
  const options = {
    level,
    base: null,
    redact: { paths: [...REDACTED.flatMap((key) => [key, `*.${key}`]), ...PERSONS], censor: '[redacted]' },
  }
  if (typeof destination === 'object') return pino(options, destination)
  return pino(options, pino.destination(destination === 'stderr' ? 2 : 1))
}

export const silentLogger: Logger = pino({ level: 'silent' })
