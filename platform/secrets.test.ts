import { randomBytes } from 'node:crypto'
import { expect, test } from 'vitest'
import { isHubError } from './errors.ts'
import { equalInConstantTime, SecretBox, tokenHash } from './secrets.ts'

const box = new SecretBox(randomBytes(32))

test('what is sealed opens again, only here and only in its place', () => {
  const sealed = box.seal('浦东新区 3 号楼', 'homes/home_1/address')
  expect(sealed.includes('浦东')).toBe(false)
  expect(box.open(sealed, 'homes/home_1/address')).toBe('浦东新区 3 号楼')
  expect(() => box.open(sealed, 'homes/home_2/address')).toThrow()
  expect(() => new SecretBox(randomBytes(32)).open(sealed, 'homes/home_1/address')).toThrow()
})

test('a changed byte anywhere is noticed', () => {
  const sealed = box.seal('secret', 'c')
  for (let i = 0; i < sealed.length; i++) {
    const changed = Buffer.from(sealed)
    changed[i]! ^= 1
    expect(() => box.open(changed, 'c')).toThrow()
  }
})

test('derived tokens repeat for the same parts and change with the generation', () => {
  expect(box.derivedToken('offer', 'of_1', 1)).toBe(box.derivedToken('offer', 'of_1', 1))
  expect(box.derivedToken('offer', 'of_1', 2)).not.toBe(box.derivedToken('offer', 'of_1', 1))
  expect(box.derivedToken('offer', 'of_1', 1)).toHaveLength(43)
})

test('a key of another length is refused with its length', () => {
  try {
    new SecretBox(Buffer.alloc(16))
    expect.unreachable()
  } catch (error) {
    expect(isHubError(error, 'CONFIG_INVALID')).toBe(true)
    expect((error as Error).message).toContain('16 bytes')
  }
})

test('comparison is by content, whatever the lengths', () => {
  expect(equalInConstantTime('abc', 'abc')).toBe(true)
  expect(equalInConstantTime('abc', 'abd')).toBe(false)
  expect(equalInConstantTime('abc', 'abcd')).toBe(false)
  expect(tokenHash('a')).not.toBe(tokenHash('b'))
})
