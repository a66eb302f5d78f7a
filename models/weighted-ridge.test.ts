import { MultivariateLinearRegression } from 'ml-regression'
import { expect, test } from 'vitest'
import { weightedRidge } from './weighted-ridge.ts'

// Longley's first two inputs, centred: a classic for being nearly collinear.
const inputs = [
  [-18.7, -153.2],
  [-13.2, -128.1],
  [-13.5, -126.1],
  [-12.2, -102.7],
  [-5.5, -57.7],
  [-3.6, -40.1],
  [-2.7, -22.1],
]
const targets = [-4.9, -4.2, -5.1, -4.1, -2.1, -1.7, -0.3]

test('without penalties it is ordinary least squares, as ml-regression computes it', () => {
  const ours = weightedRidge(
    inputs.map((row, i) => ({ inputs: row, target: targets[i]!, weight: 1 })),
    [0, 0],
  )!
  const theirs = new MultivariateLinearRegression(
    inputs,
    targets.map((y) => [y]),
    { intercept: false },
  )
  for (const [k, coefficient] of ours.entries()) expect(coefficient).toBeCloseTo(theirs.weights[k]![0]!, 6)
})

test('a weight of two is the same observation twice', () => {
  const once = inputs.map((row, i) => ({ inputs: row, target: targets[i]!, weight: i === 3 ? 2 : 1 }))
  const twice = [...inputs.keys(), 3].map((i) => ({ inputs: inputs[i]!, target: targets[i]!, weight: 1 }))
  const [a, b] = [weightedRidge(once, [1, 1])!, weightedRidge(twice, [1, 1])!]
  for (const k of [0, 1]) expect(a[k]).toBeCloseTo(b[k]!, 10)
})

test('one input has a closed form: Σxy / (Σx² + penalty)', () => {
  expect(
    weightedRidge(
      [
        { inputs: [1], target: 2, weight: 1 },
        { inputs: [3], target: 5, weight: 1 },
      ],
      [4],
    ),
  ).toEqual([17 / 14])
})

test('inputs that say the same need a penalty to be told apart; without one there is no answer', () => {
  const rows = [
    { inputs: [1, 2], target: 1, weight: 1 },
    { inputs: [2, 4], target: 2, weight: 1 },
  ]
  expect(weightedRidge(rows, [0, 0])).toBeNull()
  expect(weightedRidge(rows, [1, 1])).not.toBeNull()
  expect(weightedRidge([], [0])).toBeNull()
})
