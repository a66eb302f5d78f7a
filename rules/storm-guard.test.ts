import fc from 'fast-check'
import { expect, test } from 'vitest'
import { isStorm, stormGroup, stormLimit } from './storm-guard.ts'

test('more than five, or more than two of a hundred, whichever is more', () => {
  const table: [cases: number, population: number, storm: boolean][] = [
    [5, 0, false],
    [6, 0, true],
    [5, 250, false],
    [6, 250, true],
    [6, 300, false],
    [7, 300, true],
    [200, 10_000, false],
    [201, 10_000, true],
  ]
  for (const [cases, population, storm] of table)
    expect([cases, population, isStorm({ cases, population })]).toEqual([cases, population, storm])
})

test('a larger fleet never makes a storm of what was none, and one more need never ends one', () => {
  fc.assert(
    fc.property(fc.nat(1e6), fc.nat(1e7), fc.nat(1e6), (cases, population, more) => {
      expect(stormLimit(population + more)).toBeGreaterThanOrEqual(stormLimit(population))
      if (isStorm({ cases, population })) expect(isStorm({ cases: cases + 1, population })).toBe(true)
      expect(isStorm({ cases, population })).toBe(cases > 5 && cases > Math.floor(population * 0.02))
    }),
  )
})

test('devices alike: the same product and firmware in the same city', () => {
  const purifier = { productKey: 'ap-300', firmware: '1.4.2', region: '310115005' }
  expect(stormGroup(purifier)).toEqual(stormGroup({ ...purifier, region: '310101' }))
  expect(stormGroup(purifier)).not.toEqual(stormGroup({ ...purifier, region: '440305' }))
  expect(stormGroup({ ...purifier, firmware: null, region: null })).toEqual({
    productKey: 'ap-300',
    firmware: '',
    region: '',
  })
})

test('a firmware is told from another by the beginning of its name, in whole characters', () => {
  const firmware = `${'x'.repeat(127)}😀 and more`
  const group = stormGroup({ productKey: 'ap-300', firmware, region: null })
  expect(group.firmware).toBe(`${'x'.repeat(127)}😀`)
  expect(stormGroup({ productKey: 'ap-300', firmware: '1.4.2', region: null }).firmware).toBe('1.4.2')
})
