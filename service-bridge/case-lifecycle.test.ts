import { expect, test } from 'vitest'
import { CASE_STATES, CASE_STATES_OVER } from '#contracts'
import { CASE_TABLE, caseStep, guardsOf } from './case-lifecycle.ts'
import { CASE_EVENTS, CASE_GUARDS } from './case-words.ts'

const everything = Object.fromEntries(CASE_GUARDS.map((guard) => [guard, true]))

test('the straight way', () => {
  const way = [
    ['offer_made', 'offered', 'C4'],
    ['accepted', 'accepted', 'C6'],
    ['ordered', 'ordered', 'C9'],
    ['order_taken', 'scheduled', 'C11'],
    ['work_started', 'in_progress', 'C13'],
    ['repaired', 'verifying', 'C15'],
    ['verified', 'closed', 'C17'],
  ] as const
  let state: (typeof CASE_STATES)[number] = 'open'
  for (const [event, to, row] of way) {
    const step = caseStep(state, event, everything)
    expect(step).toMatchObject({ kind: 'step', to, row })
    state = to
  }
})

test('a guard that does not hold is named and nothing moves; one not asked about counts as not met', () => {
  expect(caseStep('open', 'offer_made', { ...everything, outsideQuietHours: false })).toEqual({
    kind: 'unmet',
    row: 'C4',
    unmet: ['outsideQuietHours'],
  })
  expect(caseStep('offered', 'accepted', {})).toMatchObject({
    kind: 'unmet',
    unmet: ['offerNotExpired', 'shareConsent'],
  })
  expect(guardsOf('ordered', 'cancelled')).toEqual(['notArrived'])
})

test.each([
  ['ordered', 'order_refused', 'C10'],
  ['ordered', 'quoted', 'C12'],
  ['in_progress', 'parts_awaited', 'C14'],
  ['in_progress', 'visit_missed', 'C14'],
  ['scheduled', 'order_failed', 'C22'],
  ['verifying', 'not_observed', 'C19'],
] as const)('%s: %s is known and not built, by its row %s', (state, event, row) => {
  expect(caseStep(state, event, everything)).toEqual({ kind: 'later', row })
})

test('what makes no sense is refused: nothing leaves a state that is over but what the table says', () => {
  for (const state of CASE_STATES_OVER) {
    for (const event of CASE_EVENTS) {
      const allowed = CASE_TABLE[state][event] !== undefined
      expect(caseStep(state, event, everything).kind === 'refused').toBe(!allowed)
    }
  }
  expect(caseStep('closed', 'accepted', everything)).toEqual({ kind: 'refused' })
  expect(caseStep('verifying', 'cancelled', everything)).toEqual({ kind: 'refused' })
})

test('every order that is out can be called off before arrival, ends at the partner and hides the address', () => {
  for (const state of ['accepted', 'ordered', 'scheduled', 'in_progress'] as const) {
    const step = caseStep(state, 'cancelled', everything)
    expect(step).toMatchObject({ kind: 'step', row: 'C21', to: 'cancelled' })
    expect(step).toMatchObject({ effects: expect.arrayContaining(['cancelOrder', 'closeAddress']) })
    expect(caseStep(state, 'cancelled', { notArrived: false }).kind).toBe('unmet')
  }
})

test('an order is never placed but from accepted, and accepted never reached without a consent', () => {
  for (const state of CASE_STATES) {
    for (const event of CASE_EVENTS) {
      const step = caseStep(state, event, everything)
      if (step.kind !== 'step') continue
      if (step.to === 'ordered' && state !== 'ordered')
        expect([state, guardsOf(state, event)]).toEqual(['accepted', expect.arrayContaining(['shareConsent'])])
      if (step.to === 'accepted' && state !== 'accepted') {
        expect(
          guardsOf(state, event).some((guard) => guard === 'shareConsent' || guard === 'standingShareConsent'),
        ).toBe(true)
      }
    }
  }
})
