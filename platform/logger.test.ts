import { expect, test } from 'vitest'
import { createLogger } from './logger.ts'

test('what could carry a person or a secret does not reach a line', () => {
  const lines: string[] = []
  const logger = createLogger('info', { write: (line) => lines.push(line) })
  logger.info({ token: 'tok-123', home: { contact: '13800000000', region: '310115' } }, 'connected')
  logger.info({ person: { name: 'somebody' }, home: { people: [{ name: 'somebody' }] } }, 'asked')
  expect(lines.join('')).not.toMatch(/tok-123|13800000000|somebody/)
  expect(lines.join('')).toContain('310115')
})

test('an error keeps its name', () => {
  const lines: string[] = []
  createLogger('info', { write: (line) => lines.push(line) }).warn({ err: new TypeError('not a number') }, 'failed')
  expect(lines.join('')).toContain('TypeError')
  expect(lines.join('')).not.toContain('[redacted]')
})
