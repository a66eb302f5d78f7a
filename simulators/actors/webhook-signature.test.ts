import { Webhook } from 'standardwebhooks'
import { expect, test } from 'vitest'
import { signWebhook, verifyWebhook } from './webhook-signature.ts'

/** The worked example of the Standard Webhooks specification and of its libraries' own tests. */
const VECTOR = {
  secret: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw',
  id: 'msg_p5jXN8AQM9LWM0D4loKWxJek',
  timestamp: 1_614_265_330,
  body: '{"test": 2432232314}',
  signature: 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
}
const bytes = (text: string) => new TextEncoder().encode(text)
const nowMs = VECTOR.timestamp * 1_000
const headers = (signature = VECTOR.signature, timestamp: string = String(VECTOR.timestamp)) => ({
  'webhook-id': VECTOR.id,
  'webhook-timestamp': timestamp,
  'webhook-signature': signature,
})

test('makes and accepts the published vector', () => {
  const made = signWebhook(VECTOR.secret, { id: VECTOR.id, body: VECTOR.body, nowMs })
  expect(made).toEqual(headers())
  expect(verifyWebhook(VECTOR.secret, headers(), bytes(VECTOR.body), nowMs)).toEqual({ ok: true, id: VECTOR.id })
})

test('agrees with the library in both directions', () => {
  const secret = `whsec_${Buffer.from('0123456789abcdef0123456789abcdef').toString('base64')}`
  const library = new Webhook(secret)
  const body = JSON.stringify({ text: '滤网堵塞', n: 1 })
  const at = new Date()
  const theirs = library.sign('msg_1', at, body)
  const theirHeaders = {
    'webhook-id': 'msg_1',
    'webhook-timestamp': String(Math.floor(at.getTime() / 1_000)),
    'webhook-signature': theirs,
  }
  expect(verifyWebhook(secret, theirHeaders, bytes(body), at.getTime()).ok).toBe(true)
  const ours = signWebhook(secret, { id: 'msg_2', body, nowMs: at.getTime() })
  expect(library.verify(body, { ...ours })).toEqual({ text: '滤网堵塞', n: 1 })
})

test('one good signature among several is enough: the sender may rotate its secret', () => {
  const mixed = `v1,AAAA v1a,${VECTOR.signature.slice(3)} ${VECTOR.signature}`
  expect(verifyWebhook(VECTOR.secret, headers(mixed), bytes(VECTOR.body), nowMs).ok).toBe(true)
})

test.each([
  ['another body', headers(), `${VECTOR.body} `, nowMs, 'no signature matches'],
  ['another id', { ...headers(), 'webhook-id': 'msg_other' }, VECTOR.body, nowMs, 'no signature matches'],
  ['only another version', headers(VECTOR.signature.replace('v1', 'v2')), VECTOR.body, nowMs, 'no signature matches'],
  ['a cut signature', headers(VECTOR.signature.slice(0, -8)), VECTOR.body, nowMs, 'no signature matches'],
  ['six minutes late', headers(), VECTOR.body, nowMs + 360_000, 'five minutes'],
  ['six minutes early', headers(), VECTOR.body, nowMs - 360_000, 'five minutes'],
  ['a timestamp in words', headers(VECTOR.signature, 'now'), VECTOR.body, nowMs, 'not a number'],
  ['no signature', { ...headers(), 'webhook-signature': undefined }, VECTOR.body, nowMs, 'missing'],
])('refuses %s', (_what, given, body, atMs, reason) => {
  const verified = verifyWebhook(VECTOR.secret, given, bytes(body), atMs)
  expect(verified).toEqual({ ok: false, reason: expect.stringContaining(reason) })
})

test('refuses another secret', () => {
  const other = `whsec_${Buffer.from('another secret of enough length!').toString('base64')}`
  expect(verifyWebhook(other, headers(), bytes(VECTOR.body), nowMs).ok).toBe(false)
})
