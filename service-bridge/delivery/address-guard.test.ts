import { expect, test } from 'vitest'
import { guardUrl, isForbiddenAddress } from './address-guard.ts'

const strict = { allowLoopback: false, resolveHost: async () => ['93.184.215.14'] }
const refused = { code: 'ADDRESS_FORBIDDEN' }

test.each([
  'https://127.0.0.1/',
  'https://2130706433/',
  'https://0x7f000001/',
  'https://0177.0.0.1/',
  'https://127.1/',
  'https://0/',
  'https://10.1.2.3/',
  'https://172.31.255.255/',
  'https://192.168.0.1/',
  'https://169.254.169.254/latest/meta-data',
  'https://100.64.0.1/',
  'https://192.0.0.8/',
  'https://198.18.0.1/',
  'https://224.0.0.1/',
  'https://255.255.255.255/',
  'https://[::]/',
  'https://[::1]/',
  'https://[::ffff:127.0.0.1]/',
  'https://[::ffff:a00:1]/',
  'https://[::ffff:8.8.8.8]/',
  'https://[::7f00:1]/',
  'https://[64:ff9b::a00:1]/',
  'https://[64:ff9b:1::a00:1]/',
  'https://[2002:7f00:1::]/',
  'https://[2002:c0a8:101::1]/',
  'https://[2001:0:4136:e378:8000:63bf:3fff:fdd2]/',
  'https://[fc00::1]/',
  'https://[fe80::1]/',
  'https://[fec0::1]/',
  'https://[ff02::1]/',
  'https://[2001:db8::1]/',
])('%s is refused', async (url) => {
  await expect(guardUrl(url, strict)).rejects.toMatchObject(refused)
})

test.each([
  'https://8.8.8.8/',
  'https://[2606:4700::1111]/',
  'https://partner.example/hooks?x=1',
  'https://partner.example.:8443/',
])('%s may be called', async (url) => {
  expect((await guardUrl(url, strict)).url.protocol).toBe('https:')
})

test.each([
  ['not a url', 'partner.example'],
  ['plain http', 'http://partner.example/'],
  ['another scheme', 'ftp://partner.example/'],
  ['a file', 'file:///etc/passwd'],
  ['user and password', 'https://me:secret@partner.example/'],
  ['a fragment', 'https://partner.example/#x'],
  ['endless', `https://partner.example/${'x'.repeat(3_000)}`],
])('%s is refused', async (_what, url) => {
  await expect(guardUrl(url, strict)).rejects.toMatchObject(refused)
})

test('one bad address among good ones is enough, and a name that does not resolve is not called', async () => {
  const resolving = (...addresses: string[]) => ({ allowLoopback: false, resolveHost: async () => addresses })
  await expect(guardUrl('https://p.example/', resolving('93.184.215.14', '10.0.0.1'))).rejects.toMatchObject(refused)
  await expect(guardUrl('https://p.example/', resolving('93.184.215.14', '::ffff:10.0.0.1'))).rejects.toMatchObject(
    refused,
  )
  await expect(guardUrl('https://p.example/', resolving())).rejects.toMatchObject(refused)
  const failing = {
    allowLoopback: false,
    resolveHost: async (): Promise<string[]> => {
      throw new Error('SERVFAIL')
    },
  }
  await expect(guardUrl('https://p.example/', failing)).rejects.toMatchObject(refused)
})

test('a name that turns private between saving and sending is caught, and the checked address is the one connected to', async () => {
  const answers = [['93.184.215.14'], ['127.0.0.1']]
  const rebinding = { allowLoopback: false, resolveHost: async () => answers.shift()! }
  expect(await guardUrl('https://p.example/', rebinding)).toMatchObject({ address: '93.184.215.14', family: 4 })
  await expect(guardUrl('https://p.example/', rebinding)).rejects.toMatchObject(refused)
})

test('the development switch opens loopback only', async () => {
  const open = { allowLoopback: true }
  expect((await guardUrl('http://127.0.0.1:9/', open)).address).toBe('127.0.0.1')
  expect((await guardUrl('http://[::1]:9/', open)).family).toBe(6)
  await expect(guardUrl('http://10.0.0.1/', open)).rejects.toMatchObject(refused)
  await expect(guardUrl('https://10.0.0.1/', open)).rejects.toMatchObject(refused)
  await expect(guardUrl('http://8.8.8.8/', open)).rejects.toMatchObject(refused)
})

test('what is no address at all counts as forbidden', () => {
  for (const text of ['', 'localhost', '1.2.3', 'fe80::1%eth0']) expect(isForbiddenAddress(text)).toBe(true)
})
