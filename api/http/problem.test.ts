import { expect, test } from 'vitest'
import { hubErrorOf } from './problem.ts'

test.each(['53100', '53200', '53300', '57014', '40P01', '57P01', '08006'])(
  'what the database cannot do now (%s) is to be tried again, not a fault of the hub',
  (code) => {
    const error = hubErrorOf(Object.assign(new Error('as the driver throws it'), { code }))
    expect([error.status, error.code]).toEqual([503, 'STORE_UNAVAILABLE'])
  },
)

test('what nobody foresaw says nothing of its inside', () => {
  const error = hubErrorOf(new Error('password=hunter2'))
  expect([error.status, error.code]).toEqual([500, 'INTERNAL'])
  expect(error.message).not.toContain('hunter2')
})
