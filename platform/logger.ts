import { type Logger as PinoLogger, pino } from 'pino'

export type Logger = PinoLogger

/** Members that could carry a person or a secret; they never reach a log line. */
const REDACTED = ['authorization', 'token', 'secret', 'password', 'contact', 'address', 'phone']
/** A person's name; errors and threads have names too, and those are wanted. */
const PERSONS = ['person.name', '*.person.name', 'people[*].name', '*.people[*].name']

export function createLogger(level = 'info', destination?: { write(line: string): void }): Logger {
  const options = {
    level,
    base: null,
    redact: { paths: [...REDACTED.flatMap((key) => [key, `*.${key}`]), ...PERSONS], censor: '[redacted]' },
  }
  return destination ? pino(options, destination) : pino(options)
}

export const silentLogger: Logger = pino({ level: 'silent' })
