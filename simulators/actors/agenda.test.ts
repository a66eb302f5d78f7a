import { expect, test } from 'vitest'
import { Agenda } from './agenda.ts'

test('does what is due in order of time, then of planning, including what that plans', async () => {
  const agenda = new Agenda()
  const done: [string, number][] = []
  const note = (what: string) => async (atMs: number) => void done.push([what, atMs])
  agenda.plan(30, note('late'))
  agenda.plan(10, async (atMs) => {
    done.push(['first', atMs])
    agenda.plan(20, note('follow-up'))
    agenda.plan(500, note('not yet'))
  })
  agenda.plan(10, note('second'))
  await agenda.runUntil(100)
  expect(done).toEqual([
    ['first', 10],
    ['second', 10],
    ['follow-up', 20],
    ['late', 30],
  ])
  expect(agenda.size).toBe(1)
})
