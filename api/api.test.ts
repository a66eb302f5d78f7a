import { afterAll, beforeAll, expect, test } from 'vitest'
import { makeHub, type TestHub } from './testing/test-hub.ts'

let hub: TestHub
beforeAll(async () => {
  hub = await makeHub()
})
afterAll(() => hub?.close())

test('health', async () => {
  const answer = await hub.call('GET', '/healthz', { key: null })
  expect(answer.status).toBe(200)
  const doc = await hub.call('GET', '/openapi.json', { key: null })
  expect(doc.body.openapi).toBe('3.1.0')
  console.log(Object.keys(doc.body.paths).length, Object.keys(doc.body.components.schemas))
})
