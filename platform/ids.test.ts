import { expect, test } from 'vitest'
import { derivedId, newId } from './ids.ts'

test('ids carry 130 bits behind their prefix and do not repeat', () => {
  const ids = new Set(Array.from({ length: 2_000 }, () => newId('dev')))
  expect(ids.size).toBe(2_000)
  for (const id of ids) expect(id).toMatch(/^dev_[0-9a-hjkmnp-tv-z]{26}$/)
})

test('a derived id depends on every part and on where one part ends', () => {
  const id = derivedId('ep', 'a', 'bc', 7)
  expect(derivedId('ep', 'a', 'bc', 7)).toBe(id)
  expect(derivedId('ep', 'ab', 'c', 7)).not.toBe(id)
  expect(derivedId('ep', 'a', 'bc', 8)).not.toBe(id)
  expect(derivedId('case', 'a', 'bc', 7).slice(5)).toBe(id.slice(3))
})
