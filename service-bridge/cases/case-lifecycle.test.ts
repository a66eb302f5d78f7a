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

test('a case that waits for a quote goes back to where it was, or to where its visit has come meanwhile', () => {
  for (const state of ['ordered', 'scheduled', 'in_progress', 'awaiting_parts'] as const) {
    const asked = caseStep(state, 'quoted', everything)
    expect(asked).toMatchObject({ row: 'C12', to: 'awaiting_quote', resume: state })
    for (const event of ['quote_accepted', 'quote_set_aside'] as const) {
      expect(caseStep('awaiting_quote', event, everything, state)).toMatchObject({ to: state, resume: null })
    }
  }
  expect(caseStep('awaiting_quote', 'quoted', everything, 'scheduled')).toMatchObject({ resume: 'scheduled' })
  expect(caseStep('awaiting_quote', 'work_started', everything, 'scheduled')).toMatchObject({
    to: 'awaiting_quote',
    resume: 'in_progress',
  })
  expect(caseStep('awaiting_quote', 'quote_accepted', everything)).toEqual({ kind: 'refused' })
})

test('whoever leaves the state in which somebody is at work ends the quiet around it', () => {
  for (const event of CASE_EVENTS) {
    const step = caseStep('in_progress', event, everything)
    if (step.kind !== 'step' || step.to === 'in_progress' || step.to === 'awaiting_quote') continue
    expect([event, step.effects]).toEqual([event, expect.arrayContaining(['unmuteDevice'])])
  }
})

test('before another partner is asked, the order ends at the one that has it', () => {
  for (const state of CASE_STATES) {
    for (const event of CASE_EVENTS) {
      const step = caseStep(state, event, everything)
      if (step.kind !== 'step' || !step.effects.includes('askNextPartner')) continue
      expect(step.to).toBe('rerouting')
      expect(step.effects.indexOf('endOrderThere')).toBeGreaterThanOrEqual(0)
      expect(step.effects.indexOf('endOrderThere')).toBeLessThan(step.effects.indexOf('askNextPartner'))
    }
  }
})

test('every order that is out can be called off before arrival, ends at the partner and hides the address', () => {
  for (const state of [
    'accepted',
    'ordered',
    'rerouting',
    'scheduled',
    'awaiting_quote',
    'awaiting_parts',
    'in_progress',
  ] as const) {
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
        expect([state, guardsOf(state, event)]).toEqual([
          event === 'ordered' && state === 'rerouting' ? 'rerouting' : 'accepted',
          expect.arrayContaining(['shareConsent']),
        ])
      if (step.to === 'accepted' && state !== 'accepted') {
        expect(
          guardsOf(state, event).some((guard) => guard === 'shareConsent' || guard === 'standingShareConsent'),
        ).toBe(true)
      }
    }
  }
})

test('a device that leaves ends its need, whatever state that is in', () => {
  const live = CASE_STATES.filter((state) => !CASE_STATES_OVER.has(state))
  expect(live.length).toBeGreaterThan(10)
  for (const state of live) {
    expect(CASE_TABLE[state].device_gone, state).toBeDefined()
    expect(CASE_TABLE[state].cancelled ?? CASE_TABLE[state].unverified, state).toBeDefined()
  }
})
