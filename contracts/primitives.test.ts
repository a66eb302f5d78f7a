import { Compile } from 'typebox/compile'
import { expect, test } from 'vitest'
import { formatProblem, PartnerEvent, ProductDocument, RuleDocument } from './index.ts'

const partnerEvent = Compile(PartnerEvent)
const product = Compile(ProductDocument)

test.each([
  ['2026-02-28T12:00:00Z', true],
  ['2199-12-31T23:59:59.999Z', true],
  ['2026-02-30T12:00:00Z', false],
  ['2026-13-01T12:00:00Z', false],
  ['9999-99-99T99:99:99Z', false],
  ['9999-12-31T23:59:59Z', false],
  ['0000-01-01T00:00:00Z', false],
])('an instant is one that exists, in an age of appliances: %s', (at, fits) => {
  expect(partnerEvent.Check({ status: 'accepted', at })).toBe(fits)
  const appointment = { from: at, to: at }
  expect(partnerEvent.Check({ status: 'appointed', appointment })).toBe(fits)
})

test.each([
  ['P2Y', false],
  ['730d', true],
  ['P36525D', true],
  ['36526d', false],
  ['100000000d', false],
  ['99999999999999999999d', false],
])('a duration is one that can be added to a date: %s', (whole, fits) => {
  const document = {
    key: 'ap-300',
    category: 'air-purifier',
    metrics: [{ key: 'a', unit: '1', type: 'number' }],
    warranty: { whole, startsAt: 'purchase' },
  }
  expect(product.Check(document)).toBe(fits)
})

test('every format of ours is told in words', () => {
  const formats = JSON.stringify([PartnerEvent, ProductDocument, RuleDocument]).matchAll(/"format":"([^"]+)"/g)
  for (const format of new Set(Array.from(formats, ([, name]) => name!))) expect(formatProblem(format)).not.toBeNull()
  expect(formatProblem('toString')).toBeNull()
})
