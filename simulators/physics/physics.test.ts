import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { catalog, catalogEntry } from '#catalog'
import { seededRandom } from '#platform'
import { AP300_FAN } from './air-purifier.ts'
import { compensatedVoltage, LR6_PACK, packVoltage } from './alkaline-cell.ts'
import { APPLIANCE_KINDS, makeAppliance } from './appliances.ts'
import { CRACK_NEW, crackAt, growCrack, lifeShare } from './bearing.ts'
import type { DeviceModel } from './device-model.ts'
import { operatingPoint } from './fan-curve.ts'
import { filterResistance, HEPA_300 } from './filter-loading.ts'
import { SL100_MOTOR, throwBolt } from './lock-motor.ts'

const DAY_MS = 86_400_000
const START_MS = Date.UTC(2026, 8, 1)

/** Every kind there is, all its parts equally worn. */
const kinds: Record<string, (seed: number, wear?: number) => DeviceModel> = Object.fromEntries(
  APPLIANCE_KINDS.map((category) => [
    category,
    (seed: number, wear = 0) => {
      const random = seededRandom(seed)
      // What nothing measures has no physics.
      const components = catalogEntry(category)!.product.components!.filter((component) => component.recovery)
      const initialWear = Object.fromEntries(components.map(({ key }) => [key, wear]))
      return makeAppliance(category, { city: random.fork('climate'), random, initialWear })
    },
  ]),
)

/** Everything it measures over some days, as the bytes a device would send. */
function live(model: DeviceModel, days: number, fromMs = START_MS): string {
  const lines: string[] = []
  for (let atMs = fromMs; atMs <= fromMs + days * DAY_MS; atMs += model.everyMs) {
    lines.push(JSON.stringify(model.measure(atMs)))
  }
  return lines.join('\n')
}

describe.each(Object.entries(kinds))('%s', (_category, make) => {
  test('the same seed gives the same bytes, another seed others', () => {
    expect(live(make(7), 3)).toBe(live(make(7), 3))
    expect(live(make(7), 3)).not.toBe(live(make(8), 3))
  })

  test('wear only rises, until a part is replaced and is as new', () => {
    for (const component of make(3, 0.5).components) {
      const model = make(3, 0.5)
      let before = model.wear(component)
      expect(before).toBeCloseTo(0.5, 1)
      for (let day = 0; day < 20; day++) {
        live(model, 0.95, START_MS + day * DAY_MS)
        expect(model.wear(component)).toBeGreaterThanOrEqual(before)
        before = model.wear(component)
      }
      expect(before).toBeGreaterThan(0.5)
      model.replace(component)
      expect(model.wear(component)).toBeLessThan(0.01)
    }
    expect(() => make(3).replace('flux-capacitor')).toThrow('no component "flux-capacitor"')
  })
})

test('every kind of the catalog has physics for the parts its product names, and measures what it declares', () => {
  expect(APPLIANCE_KINDS).toEqual(catalog.map((entry) => entry.category).sort())
  for (const [category, make] of Object.entries(kinds)) {
    const { product } = catalogEntry(category)!
    const model = make(5)
    expect([...model.components].sort(), category).toEqual(
      product
        .components!.filter((component) => component.recovery)
        .map(({ key }) => key)
        .sort(),
    )
    const metrics = new Map(product.metrics.map((metric) => [metric.key, metric]))
    for (let atMs = START_MS; atMs < START_MS + 10 * DAY_MS; atMs += model.everyMs) {
      for (const [key, value] of Object.entries(model.measure(atMs))) {
        const metric = metrics.get(key)
        expect(metric, `${category} ${key}`).toBeDefined()
        expect(typeof value, `${category} ${key}`).toBe(metric!.type)
        if (typeof value !== 'number') continue
        expect(value, `${category} ${key}`).toBeGreaterThanOrEqual(metric!.min ?? Number.NEGATIVE_INFINITY)
        expect(value, `${category} ${key}`).toBeLessThanOrEqual(metric!.max ?? Number.POSITIVE_INFINITY)
      }
    }
  }
})

describe('fan and filter', () => {
  const atHigh = (load: number) =>
    operatingPoint(AP300_FAN, AP300_FAN.referenceRpm, filterResistance(HEPA_300, load * HEPA_300.capacityG))

  test('moves 300 m³/h clean and half of it when full', () => {
    expect(atHigh(0).flowM3h).toBeCloseTo(300, 6)
    expect(atHigh(0).filterDropPa).toBeCloseTo(50, 6)
    expect(atHigh(1).flowM3h).toBeCloseTo(150, 6)
    expect(atHigh(1).filterDropPa).toBeCloseTo(275, 6)
  })

  test('the point lies on both curves; dust lowers flow and raises the drop, speed raises both', () => {
    fc.assert(
      fc.property(fc.double({ min: 0.05, max: 5, noNaN: true }), fc.integer({ min: 300, max: 1_500 }), (ohm, rpm) => {
        const { flowM3h, filterDropPa } = operatingPoint(AP300_FAN, rpm, ohm)
        const fanPa = AP300_FAN.shutoffPa * (rpm / AP300_FAN.referenceRpm) ** 2 - AP300_FAN.turbulentLoss * flowM3h ** 2
        expect(filterDropPa).toBeCloseTo(fanPa, 6)
        const dirtier = operatingPoint(AP300_FAN, rpm, ohm * 1.1)
        expect(dirtier.flowM3h).toBeLessThan(flowM3h)
        expect(dirtier.filterDropPa).toBeGreaterThan(filterDropPa)
        expect(operatingPoint(AP300_FAN, rpm + 100, ohm).filterDropPa).toBeGreaterThan(filterDropPa)
      }),
    )
    expect(operatingPoint(AP300_FAN, 0, 1)).toEqual({ flowM3h: 0, filterDropPa: 0 })
  })
})

describe('alkaline cells', () => {
  const depth = fc.double({ min: 0, max: 1, noNaN: true })
  const temperatureC = fc.double({ min: -15, max: 40, noNaN: true })

  test('voltage falls with charge drawn, with load and with cold', () => {
    fc.assert(
      fc.property(depth, temperatureC, (used, temperature) => {
        const at = (d: number, t: number, amps: number) => packVoltage(LR6_PACK, { depth: d, temperatureC: t, amps })
        expect(at(used + 0.02, temperature, 0.1)).toBeLessThan(at(used, temperature, 0.1))
        expect(at(used, temperature, 0.3)).toBeLessThan(at(used, temperature, 0.1))
        expect(at(used, temperature - 5, 0.1)).toBeLessThan(at(used, temperature, 0.1))
      }),
    )
  })

  test('compensation gives the voltage at 20 °C, whatever the weather', () => {
    fc.assert(
      fc.property(depth, temperatureC, (used, temperature) => {
        const volts = packVoltage(LR6_PACK, { depth: used, temperatureC: temperature, amps: 0.09 })
        const compensated = compensatedVoltage(LR6_PACK, { volts, temperatureC: temperature, amps: 0.09, depth: used })
        expect(compensated).toBeCloseTo(packVoltage(LR6_PACK, { depth: used, temperatureC: 20, amps: 0.09 }), 9)
      }),
    )
  })
})

describe('lock motor', () => {
  test('takes its nominal time as new, longer when weak or misaligned, and gives up when stuck', () => {
    const as = (volts: number, friction: number) => throwBolt(SL100_MOTOR, { volts, friction })
    expect(as(6, 0).ms).toBeCloseTo(800, 9)
    expect(as(5, 0).ms).toBeGreaterThan(as(6, 0).ms)
    expect(as(5, 0.8).ms).toBeGreaterThan(as(5, 0).ms)
    expect(as(3, 1.5)).toMatchObject({ stalled: true, ms: SL100_MOTOR.giveUpMs })
  })
})

describe('bearing', () => {
  test('crack and share of life are two names of one thing', () => {
    expect(lifeShare(CRACK_NEW)).toBe(0)
    expect(lifeShare(1)).toBe(1)
    fc.assert(
      fc.property(fc.double({ min: 0, max: 1, noNaN: true }), (share) => {
        expect(lifeShare(crackAt(share))).toBeCloseTo(share, 9)
      }),
    )
  })

  test('a life at rated load is the rated life; twice the load, an eighth of it', () => {
    expect(growCrack(CRACK_NEW, { revolutions: 1e6, load: 1, lifeRevolutions: 1e6 })).toBeCloseTo(1, 9)
    expect(growCrack(CRACK_NEW, { revolutions: 1e6 / 8, load: 2, lifeRevolutions: 1e6 })).toBeCloseTo(1, 9)
  })

  test('many small steps are one large step, and damage speeds up', () => {
    const whole = { revolutions: 500, load: 1.2, lifeRevolutions: 2_000 }
    let crack = CRACK_NEW
    const gained: number[] = []
    for (let i = 0; i < 50; i++) {
      const next = growCrack(crack, { ...whole, revolutions: 10 })
      gained.push(next - crack)
      crack = next
    }
    expect(crack).toBeCloseTo(growCrack(CRACK_NEW, whole), 9)
    expect(gained).toEqual([...gained].sort((a, b) => a - b))
  })
})
