import { Webhook } from 'standardwebhooks'
import { expect, test } from 'vitest'
import { realClock } from '#platform'
import { checkSignature, newWebhookSecret, SIGNATURE_TOLERANCE_MS, signatureHeaders } from './signature.ts'

const body = '{"test": 2432232314}'
const raw = Buffer.from(body)

test('the vector of the Standard Webhooks specification', () => {
  const headers = signatureHeaders({
    id: 'msg_p5jXN8AQM9LWM0D4loKWxJek',
    atMs: 1_614_265_330_000,
    body,
    secrets: ['whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'],
  })
  expect(headers['webhook-signature']).toBe('v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=')
})

test('the official library accepts what we sign, with the old secret and the new one while both are valid', () => {
  const [fresh, old] = [newWebhookSecret(), newWebhookSecret()]
  const headers = signatureHeaders({ id: 'msg_1', atMs: realClock.nowMs(), body, secrets: [fresh, old] })
  expect(new Webhook(fresh).verify(body, headers)).toEqual({ test: 2432232314 })
  expect(new Webhook(old).verify(body, headers)).toEqual({ test: 2432232314 })
  expect(() => new Webhook(newWebhookSecret()).verify(body, headers)).toThrow()
})

test('we accept what the official library signs, and nothing that was touched', () => {
  const secret = newWebhookSecret()
  const nowMs = realClock.nowMs()
  const signature = new Webhook(secret).sign('msg_1', new Date(nowMs), body)
  const message = { id: 'msg_1', timestamp: String(Math.floor(nowMs / 1_000)), signature, body: raw }
  expect(checkSignature(message, [newWebhookSecret(), secret], nowMs)).toEqual({ valid: true, id: 'msg_1' })
  expect(checkSignature({ ...message, signature: `v1a,xxxx ${signature}` }, [secret], nowMs).valid).toBe(true)

  const touched = [
    { ...message, id: 'msg_2' },
    { ...message, timestamp: String(Number(message.timestamp) + 1) },
    { ...message, body: Buffer.from(`${body} `) },
    { ...message, signature: signature.replace('v1,', 'v2,') },
    { ...message, signature: '' },
    { ...message, signature: undefined },
    { ...message, timestamp: '1e9' },
  ]
  for (const one of touched) expect(checkSignature(one, [secret], nowMs).valid).toBe(false)
  expect(checkSignature(message, [newWebhookSecret()], nowMs).valid).toBe(false)
})

test('five minutes either way, not more', () => {
  const secret = newWebhookSecret()
  const atMs = 1_780_000_000_000
  const headers = signatureHeaders({ id: 'msg_1', atMs, body: raw, secrets: [secret] })
  const message = {
    id: headers['webhook-id'],
    timestamp: headers['webhook-timestamp'],
    signature: headers['webhook-signature'],
    body: raw,
  }
  for (const side of [-1, 1]) {
    expect(checkSignature(message, [secret], atMs + side * SIGNATURE_TOLERANCE_MS).valid).toBe(true)
    expect(checkSignature(message, [secret], atMs + side * (SIGNATURE_TOLERANCE_MS + 1)).valid).toBe(false)
  }
})
