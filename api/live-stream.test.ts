import { expect, test } from 'vitest'
import { ManualClock } from '#platform'
import { HEARTBEAT_MS, LiveStream } from './live-stream.ts'

test('a slow reader misses the oldest, is told how many, and holds nobody up', async () => {
  const stream = new LiveStream(new ManualClock())
  for (let i = 0; i < 1_500; i++) stream.push({ id: `${i}-x`, event: 'reading', data: i })
  stream.close()
  const text: string[] = []
  for await (const part of stream.text(async () => true)) text.push(part)
  expect(text[1]).toBe('event: gap\ndata: {"dropped":500}\n\n')
  expect(text[2]).toBe('id: 500-x\nevent: reading\ndata: 500\n\n')
  expect(text).toHaveLength(2 + 1_000)
})

test('silence is broken by a comment, and the stream ends when its key has', async () => {
  const clock = new ManualClock()
  const stream = new LiveStream(clock)
  let valid = true
  const text = stream.text(async () => valid)
  expect((await text.next()).value).toBe('retry: 3000\n\n')
  const quiet = text.next()
  clock.advance(HEARTBEAT_MS)
  expect((await quiet).value).toBe(': still here\n\n')
  valid = false
  const last = text.next()
  clock.advance(HEARTBEAT_MS)
  expect((await last).done).toBe(true)
})
