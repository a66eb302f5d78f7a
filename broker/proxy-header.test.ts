import { expect, test } from 'vitest'
import { parseProxyHeader } from './proxy-header.ts'

const SIGNATURE = '0d0a0d0a000d0a515549540a'
const v2 = (hex: string): Buffer => Buffer.from(SIGNATURE + hex, 'hex')

test.each([
  ['TCP4', 'PROXY TCP4 203.0.113.9 10.0.0.1 1 2\r\n', '203.0.113.9'],
  ['TCP6', 'PROXY TCP6 2001:db8::9 ::1 1 2\r\n', '2001:db8::9'],
  ['UNKNOWN', 'PROXY UNKNOWN whatever\r\n', null],
])('version 1 %s', (_what, line, address) => {
  const bytes = Buffer.from(`${line}rest`)
  expect(parseProxyHeader(bytes)).toEqual({ state: 'complete', length: line.length, address })
  for (let i = 0; i < line.length - 1; i++)
    expect(parseProxyHeader(bytes.subarray(0, i))).toEqual({ state: 'incomplete' })
})

test.each([
  ['IPv4', v2('2111000ccb0071090a00000100010002'), '203.0.113.9'],
  ['IPv4 with extra fields', v2('2111000fcb0071090a00000100010002aabbcc'), '203.0.113.9'],
  ['IPv6', v2(`21210024${'20010db8000000000000000000000009'}${'0'.repeat(32)}00010002`), '2001:db8:0:0:0:0:0:9'],
  ['LOCAL', v2('20000000'), null],
])('version 2 %s', (_what, bytes, address) => {
  expect(parseProxyHeader(Buffer.concat([bytes, Buffer.from('rest')]))).toEqual({
    state: 'complete',
    length: bytes.length,
    address,
  })
  for (let i = 0; i < bytes.length; i++) expect(parseProxyHeader(bytes.subarray(0, i))).toEqual({ state: 'incomplete' })
})

test.each([
  ['MQTT', Buffer.from([0x10, 12, 0, 4])],
  ['a line without an end', Buffer.from(`PROXY TCP4 ${'1'.repeat(120)}`)],
  ['an address that is none', Buffer.from('PROXY TCP4 example.org 10.0.0.1 1 2\r\n')],
  ['an IPv6 address as TCP4', Buffer.from('PROXY TCP4 ::1 ::1 1 2\r\n')],
  ['another protocol', Buffer.from('PROXY UDP4 203.0.113.9 10.0.0.1 1 2\r\n')],
  ['version 3', v2('3111000ccb0071090a00000100010002')],
  ['an unknown command', v2('2211000ccb0071090a00000100010002')],
  ['a unix socket', v2(`213100d8${'00'.repeat(216)}`)],
  ['too few address bytes', v2('21110004cb007109')],
  ['a body of 64 KiB', v2('2111ffff')],
])('%s is no header', (_what, bytes) => {
  expect(parseProxyHeader(bytes)).toMatchObject({ state: 'invalid' })
})
