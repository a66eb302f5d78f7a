import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type BatteryKind, type BatteryReading, batteryStateOf, NEW_BATTERY } from './battery-state.ts'

const KIND: BatteryKind = { fullV: 3.6, emptyV: 3, voltsPerC: 0.001 }

/** A year of hours: days and nights, summer and winter, 6 mV per degree. */
function year(voltsAt20: (hour: number) => number): BatteryReading {
  const state = { ...NEW_BATTERY }
  let last: BatteryReading | null = null
  for (let hour = 0; hour < 8760; hour++) {
    const celsius = 10 - 15 * Math.cos((2 * Math.PI * hour) / 8760 - Math.PI) + 5 * Math.sin((2 * Math.PI * hour) / 24)
    last = batteryStateOf(KIND, state, voltsAt20(hour) + 0.006 * (celsius - 20), celsius)
  }
  return last!
}

test('the battery’s own slope is learned, and a good battery on a winter night is not an empty one', () => {
  const { voltsPerC, compensatedV, charge } = year(() => 3.5)
  // The kind’s slope of 1 mV still counts for something.
  expect(voltsPerC).toBeGreaterThan(0.005)
  expect(voltsPerC).toBeLessThan(0.0065)
  expect(compensatedV).toBeCloseTo(3.5, 1)
  expect(charge).toBeGreaterThan(0.75)
})

test('an empty one is seen, whatever the weather', () => {
  expect(year((hour) => 3.6 - 0.55 * (hour / 8760)).charge).toBeLessThan(0.15)
})

test('what cannot be a voltage or a temperature changes nothing; a charge is between 0 and 1', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.double(), fc.double())), (readings) => {
      const state = { ...NEW_BATTERY }
      for (const [volts, celsius] of readings) {
        const said = batteryStateOf(KIND, state, volts, celsius)
        if (said) expect(said.charge >= 0 && said.charge <= 1).toBe(true)
        for (const value of Object.values(state)) expect(Number.isFinite(value)).toBe(true)
      }
    }),
  )
})
