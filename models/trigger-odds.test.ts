import { expect, test } from 'vitest'
import { fitTriggerOdds, type TriggerCase, triggerScore } from './trigger-odds.ts'

const cases = (age: string, failed: boolean, count: number): TriggerCase[] =>
  Array.from({ length: count }, () => ({ circumstances: { age }, failed }))

test('an error of an old valve is worth an alert, of a new one it is not', () => {
  const odds = fitTriggerOdds([
    ...cases('old', true, 40),
    ...cases('old', false, 20),
    ...cases('new', true, 1),
    ...cases('new', false, 99),
  ])!
  const alerts = (age: string) => triggerScore(odds, { age }) >= odds.threshold
  expect([alerts('old'), alerts('new')]).toEqual([true, false])
})

// By hand, one imagined case per class: (40+1)/(41+2) over (20+1)/(119+2), in logarithms, and the prior 41 to 119.
test('the score is the log odds of naive Bayes', () => {
  const odds = fitTriggerOdds([
    ...cases('old', true, 40),
    ...cases('old', false, 20),
    ...cases('new', true, 1),
    ...cases('new', false, 99),
  ])!
  expect(triggerScore(odds, { age: 'old' })).toBeCloseTo(Math.log(41 / 119) + Math.log(41 / 43 / (21 / 121)), 10)
  expect(triggerScore(odds, { age: 'never seen' })).toBeCloseTo(Math.log(41 / 119), 10)
})

test('without both a failure and a false alarm there is nothing to tell apart', () => {
  expect(fitTriggerOdds([])).toBeNull()
  expect(fitTriggerOdds(cases('old', true, 5))).toBeNull()
  expect(fitTriggerOdds(cases('old', false, 5))).toBeNull()
})
