import { expect, test } from 'vitest'
import { diagnoseSilence, type Heard, scopeKey } from './silence-diagnosis.ts'

const homes = (count: number, { region = '310115', quiet = 0, each = 1, from = 0 } = {}): Heard[] =>
  Array.from({ length: count * each }, (_, i) => ({
    homeId: `home_${region}_${from + Math.floor(i / each)}`,
    region,
    sinceMs: 1_000 + i,
    quiet: i < quiet,
  }))
const named = (devices: readonly Heard[], going: readonly string[] = []) =>
  diagnoseSilence(devices, new Set(going)).map(
    ({ scope, devices: all, silent }) => `${scopeKey(scope)} ${silent}/${all}`,
  )

test('one device is its own matter; all of a home are a home', () => {
  expect(named(homes(50, { quiet: 1 }))).toEqual([])
  expect(named([...homes(50), ...homes(1, { each: 3, quiet: 3, from: 90 })])).toEqual(['home home_310115_90 3/3'])
  expect(named([...homes(50), ...homes(1, { each: 3, quiet: 2, from: 90 })])).toEqual([])
})

test('a region is named once, at its widest, and its homes are not named again', () => {
  const shanghai = [...homes(20, { each: 2, quiet: 40 }), ...homes(20, { region: '310101', quiet: 20 })]
  const beijing = homes(200, { region: '110101' })
  expect(named([...shanghai, ...beijing])).toEqual(['region 31 60/60'])
  const county = [...homes(20, { quiet: 20 }), ...homes(40, { region: '310101' })]
  expect(named([...county, ...beijing])).toEqual(['region 310115 20/20'])
})

test('everyone is everyone: one incident, not ten thousand', () => {
  const all = [...homes(5_000, { quiet: 4_000 }), ...homes(5_000, { region: '110101', quiet: 4_900 })]
  expect(diagnoseSilence(all, new Set())).toEqual([{ scope: {}, devices: 10_000, silent: 8_900, sinceMs: 1_000 }])
})

test('it goes on until most are back, and a few by chance never begin one', () => {
  const half = homes(40, { quiet: 20 })
  const others = homes(400, { region: '110101' })
  expect(named([...half, ...others])).toEqual([])
  expect(named([...half, ...others], ['region 31'])).toEqual(['region 31 20/40'])
  expect(named([...homes(40, { quiet: 11 }), ...others], ['region 31'])).toEqual([])
  expect(named(homes(5, { quiet: 5 }))).toEqual([])
  expect(named(homes(1, { each: 12, quiet: 12 }))).toEqual(['home home_310115_0 12/12'])
})
