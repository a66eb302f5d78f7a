import { expect, test } from 'vitest'
import { effectiveValue, type ParameterSetting } from './parameters.ts'
import { compareVersions, inCanary, inScope } from './scope.ts'
import { aDevice, aProduct } from './testing/story.ts'

test('firmware versions are numbers between dots, not text', () => {
  expect([compareVersions('1.10', '1.9'), compareVersions('1.4', '1.4.0'), compareVersions('2', '10')]).toEqual([
    1, 0, -1,
  ])
})

test('everything a scope names must match; unknown firmware lies in no range', () => {
  const subject = { facts: aDevice({ tags: ['a', 'b'] }), product: aProduct(), firmware: null }
  expect(inScope({ product: 'ap-300', tags: ['a', 'b'], region: '31' }, subject)).toBe(true)
  expect(inScope({ category: 'smart-lock' }, subject)).toBe(false)
  expect(inScope({ tags: ['a', 'c'] }, subject)).toBe(false)
  expect(inScope({ region: '32' }, subject)).toBe(false)
  expect(inScope({ firmware: { from: '1' } }, subject)).toBe(false)
  expect(inScope({ firmware: { from: '1.2', to: '1.4' } }, { ...subject, firmware: '1.4' })).toBe(true)
})

test('a canary share is about that share, whatever ids look like', () => {
  for (const share of [0, 0.1, 0.5, 1]) {
    const covered = Array.from({ length: 2_000 }, (_, i) => inCanary(`dev_${i}`, share)).filter(Boolean).length
    expect(Math.abs(covered / 2_000 - share)).toBeLessThan(0.04)
  }
})

test('the effective value says where it came from', () => {
  const settings: ParameterSetting[] = [
    { scope: 'region', scopeId: '31', value: 1 },
    { scope: 'region', scopeId: '310115', value: 2 },
    { scope: 'product', scopeId: 'ap-300', value: 3 },
    { scope: 'device', scopeId: 'dev_other', value: 4 },
  ]
  expect(effectiveValue(settings, aDevice(), 9)).toEqual({ value: 2, origin: { scope: 'region', scopeId: '310115' } })
  expect(effectiveValue([], aDevice(), 9)).toEqual({ value: 9, origin: { scope: 'rule', scopeId: '' } })
  expect(effectiveValue([], aDevice(), null)).toEqual({ value: null, origin: null })
})

test('versions are ordered as Semantic Versioning does, and an upper end takes in what is of it', () => {
  const inOrder = [
    '1.0.0-alpha',
    '1.0.0-alpha.1',
    '1.0.0-alpha.beta',
    '1.0.0-beta.2',
    '1.0.0-beta.11',
    '1.0.0-rc.1',
    '1.0.0',
    '1.0.1',
    '1.9',
    'v1.10',
    '2',
  ]
  for (const [i, a] of inOrder.entries())
    for (const [j, b] of inOrder.entries()) expect(compareVersions(a, b), `${a} ${b}`).toBe(Math.sign(i - j))
  expect(compareVersions('1.4.2+build.7', 'v1.4.2')).toBe(0)
  const upTo = (to: string, firmware: string): boolean =>
    inScope({ firmware: { to } }, { facts: aDevice(), product: aProduct(), firmware })
  expect([upTo('1.4', '1.4.9'), upTo('1.4', '1.5-rc.1'), upTo('1.4.2', '1.4.3'), upTo('1.4.2', '1.4.2-rc.1')]).toEqual([
    true,
    false,
    false,
    true,
  ])
})
