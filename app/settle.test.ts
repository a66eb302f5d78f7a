import { expect, test } from 'vitest'
import { settle } from './settle.ts'

test('rest is reached only when nobody gave anybody work in the last round', async () => {
  let head = 1
  let waiting = 0
  const applied: number[] = []
  await settle({
    headSeq: () => head,
    consumers: [
      {
        async caughtUp(seq) {
          applied.push(seq)
          // The first look at position 1 opens a case whose control change goes through the outbox.
          if (seq === 1 && applied.length === 1) waiting = 1
        },
      },
    ],
    appender: {
      isIdle: async () => waiting === 0,
      nudge: () => {
        waiting = 0
        head = 2
      },
    },
    bridge: null,
  })
  expect(applied.at(-1)).toBe(2)
})

test('work without end is told, not waited for', async () => {
  let head = 0
  const endless = settle({
    headSeq: () => head++,
    consumers: [],
    appender: { isIdle: async () => true, nudge: () => undefined },
    bridge: null,
  })
  await expect(endless).rejects.toThrow('does not come to rest')
})
