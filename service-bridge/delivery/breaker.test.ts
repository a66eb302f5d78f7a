import { expect, test } from 'vitest'
import { admission, afterFailure, afterSuccess, BREAKER_FAILURES, BREAKER_PROBE_MS, closedBreaker } from './breaker.ts'

test('opens at the tenth failure in a row, probes once a minute, closes on the first success', () => {
  let breaker = closedBreaker
  for (let i = 1; i < BREAKER_FAILURES; i++) {
    breaker = afterFailure(breaker, i)
    expect(admission(breaker, i)).toEqual({ admit: 'normal' })
  }
  breaker = afterFailure(breaker, 1_000)
  expect(admission(breaker, 1_000)).toEqual({ admit: 'wait', untilMs: 1_000 + BREAKER_PROBE_MS })
  expect(admission(breaker, 1_000 + BREAKER_PROBE_MS)).toEqual({ admit: 'probe' })
  breaker = afterFailure(breaker, 62_000)
  expect(breaker.openedAtMs).toBe(1_000)
  expect(admission(breaker, 62_001).admit).toBe('wait')
  expect(admission(afterSuccess(), 62_001)).toEqual({ admit: 'normal' })
})

test('a success in between starts the count anew', () => {
  let breaker = closedBreaker
  for (let i = 0; i < 9; i++) breaker = afterFailure(breaker, i)
  breaker = afterSuccess()
  for (let i = 0; i < 9; i++) breaker = afterFailure(breaker, i)
  expect(admission(breaker, 20)).toEqual({ admit: 'normal' })
})
