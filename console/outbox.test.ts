import fc from 'fast-check'
import { expect, onTestFinished, test, vi } from 'vitest'
import type { JobEventBody } from '#contracts'
import type { Answer } from './pages/call.ts'
import { createOutbox, type Outbox } from './pages/outbox.ts'

/** A phone's storage, as far as the outbox needs it; full when `full`. */
function storageOf(full = false): Storage {
  const kept = new Map<string, string>()
  return {
    get length() {
      return kept.size
    },
    clear: () => kept.clear(),
    getItem: (key) => kept.get(key) ?? null,
    key: (i) => [...kept.keys()][i] ?? null,
    removeItem: (key) => void kept.delete(key),
    setItem: (key, value) => {
      if (full) throw new Error('QuotaExceededError')
      kept.set(key, value)
    },
  }
}

/** What the line does to one try: through, lost on the way there, lost on the way back, refused. */
type Fate = 'through' | 'lost' | 'answer_lost' | 'refused'
const lost: Answer<string> = { ok: false, trouble: 'offline', detail: '', pointer: '' }
const refused: Answer<string> = { ok: false, trouble: 'refused', detail: '', pointer: '' }

/** The hub as the outbox sees it: counts an id once, whatever arrives how often. */
function hubAndPhone(fates: Fate[], storage = storageOf()) {
  const counted = new Map<string, string>()
  const turnedAway = new Set<string>()
  const told: string[] = []
  const post = async (event: JobEventBody): Promise<Answer<string>> => {
    const fate = fates.shift() ?? 'through'
    if (fate === 'lost') return lost
    // What the hub would not have once it will not have twice.
    if (turnedAway.has(event.id!) || (fate === 'refused' && !counted.has(event.id!))) {
      turnedAway.add(event.id!)
      return refused
    }
    if (!counted.has(event.id!)) counted.set(event.id!, event.status)
    return fate === 'answer_lost' ? lost : { ok: true, value: 'view' }
  }
  const open = (): Outbox =>
    createOutbox<string>({
      storage: () => storage,
      key: 'box',
      post,
      nowAt: () => '2026-11-23T02:30:00.000Z',
      onChange: () => {},
      onSent: (event) => told.push(event.status),
      onRefused: (event) => told.push(`not ${event.status}`),
    })
  return { counted, turnedAway, told, open }
}

const SAYINGS = ['accepted', 'appointed', 'dispatched', 'en_route', 'arrived', 'completed'] as const

test('whatever the line does and however often the page reloads: in order, once each, nothing forgotten', async () => {
  vi.useFakeTimers()
  onTestFinished(() => void vi.useRealTimers())
  const fate = fc.constantFrom<Fate>('through', 'lost', 'answer_lost', 'refused')
  const step = fc.constantFrom('say', 'reload', 'try')
  await fc.assert(
    fc.asyncProperty(fc.array(fate, { maxLength: 30 }), fc.array(step, { maxLength: 30 }), async (fates, steps) => {
      const { counted, turnedAway, told, open } = hubAndPhone(fates)
      let box = open()
      const said: string[] = []
      for (const it of steps) {
        if (it === 'say' && said.length < SAYINGS.length) {
          said.push(SAYINGS[said.length]!)
          box.say({ status: SAYINGS[said.length - 1]!, visit: 1 })
        } else if (it === 'reload') {
          await vi.advanceTimersByTimeAsync(0)
          box = open()
        } else await box.flush()
      }
      // The line is back.
      fates.length = 0
      for (let i = 0; i < SAYINGS.length + 1; i++) await box.flush()
      await vi.advanceTimersByTimeAsync(120_000)
      expect(open().waiting()).toEqual([])
      expect(counted.size + turnedAway.size).toBe(said.length)
      expect([...counted.values()]).toEqual(said.filter((it) => [...counted.values()].includes(it)))
      expect(new Set(told.map((it) => it.replace('not ', '')))).toEqual(new Set(said))
    }),
    { numRuns: 300 },
  )
})

test('a phone that refuses to store still sends as long as the page is open', async () => {
  const { counted, open } = hubAndPhone(['lost'], storageOf(true))
  const box = open()
  box.say({ status: 'accepted', visit: 1 })
  await vi.waitFor(() => expect(box.busy()).toBe(false))
  expect(box.waiting()).toHaveLength(1)
  await box.flush()
  expect([...counted.values()]).toEqual(['accepted'])
})
