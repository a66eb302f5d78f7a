import { expect, test } from 'vitest'
import { catalogEntry } from '#catalog'
import type { WorkOrderPacket } from '#contracts'
import { OrderLedger } from '#simulators'
import { compareBooks } from './kills.ts'
import { SLOW_KINDS, slowCatalog } from './slow-catalog.ts'
import { percent, quantile, table, tally } from './table.ts'
import { atNight } from './year.ts'

const HOUR_MS = 3_600_000

test('quantiles are values that occurred', () => {
  const numbers = Array.from({ length: 100 }, (_, i) => 100 - i)
  expect([0.5, 0.95, 0.99, 1].map((share) => quantile(numbers, share))).toEqual([50, 95, 99, 100])
  expect(quantile([], 0.5)).toBe(0)
})

test('a table has what on the left and numbers to the right', () => {
  expect(
    table([
      ['a', 1],
      ['longer', 22.5, 'x'],
    ]),
  ).toEqual(['a          1', 'longer  22.5  x'])
  expect([percent(1, 8), percent(0, 0)]).toEqual(['12.5 %', '–'])
  expect(Object.entries(tally(['b', 'a', 'b']))).toEqual([
    ['b', 2],
    ['a', 1],
  ])
})

test('night is that of the home, in summer time too', () => {
  const night = (text: string, zone: string) => atNight(Date.parse(text), zone)
  expect(night('2026-07-01T18:59:00Z', 'Europe/Berlin')).toBe(false)
  expect(night('2026-07-01T19:00:00Z', 'Europe/Berlin')).toBe(true)
  expect(night('2026-12-01T19:59:00Z', 'Europe/Berlin')).toBe(false)
  expect(night('2026-12-01T20:00:00Z', 'Europe/Berlin')).toBe(true)
  expect(night('2026-12-01T00:29:00Z', 'Asia/Shanghai')).toBe(true)
  expect(night('2026-12-01T00:30:00Z', 'Asia/Shanghai')).toBe(false)
})

test('the slow catalog wants the same share of fewer readings, and changes nothing else', () => {
  const slow = slowCatalog(6 * HOUR_MS)
  const catalog = SLOW_KINDS.map((kind) => catalogEntry(kind)!)
  expect(slow.map((entry) => entry.product.reporting!.every)).toEqual(catalog.map(() => '21600s'))
  // 48 of 144 readings a day were asked for, of every ten minutes; of four a day it is one.
  const [hepa] = slow[0]!.product.components!
  expect(hepa!.recovery!.minReadings).toBe(1)
  const bearing = slow[2]!.rules.find((rule) => rule.key === 'bearing-worn')!
  expect(JSON.stringify(bearing.when)).toContain('"atLeast":20')
  const unlike = (text: string) => text.replace(/"(atLeast|minReadings)":\d+/g, '')
  expect(unlike(JSON.stringify(slow.map((entry) => entry.rules)))).toBe(
    unlike(JSON.stringify(catalog.map((entry) => entry.rules))),
  )
})

/** The books' comparison has to bite: each fault is planted once. */
test('books that differ are told apart', async () => {
  const packet = (id: string, caseId: string): WorkOrderPacket =>
    ({
      workOrder: { id, number: `N-${id}`, reworkOf: null },
      items: [{ id: `it-${id}`, caseId }],
    }) as WorkOrderPacket
  const order = (id: string, caseId: string) => ({
    order: { id, number: `N-${id}`, partner: 'p', packet: packet(id, caseId) },
    item: { id, item: `it-${id}`, caseId, live: true },
    delivery: { id: `msg-${id}`, type: 'beforehand.work_order.created', subject: id, partner: 'p', state: 'sent' },
  })
  const compare = async (
    plant: (hub: ReturnType<typeof order>[], ledger: OrderLedger, arrivals: Map<string, Arrival>) => void,
  ) => {
    const hub = [order('a', 'c1'), order('b', 'c2')]
    const ledger = new OrderLedger()
    const arrivals = new Map<string, Arrival>()
    for (const one of hub) {
      ledger.receive(structuredClone(one.order.packet), 0, one.delivery.id)
      arrivals.set(one.delivery.id, { times: 1, type: one.delivery.type, bodies: new Set(['x']) })
    }
    plant(hub, ledger, arrivals)
    const tables = [hub.map((it) => it.order), hub.map((it) => it.item), hub.map((it) => it.delivery)]
    const database = { query: async () => ({ rows: tables.shift()! }) }
    const town = { partners: [{ key: 'p', ledger, arrivals }] }
    return (await compareBooks(database as never, town as never)).failures
  }
  type Arrival = { times: number; type: string; bodies: Set<string> }
  expect(await compare(() => {})).toEqual([])
  expect(await compare((_hub, ledger) => void ledger.orders.delete('a'))).toEqual(['N-a never reached p'])
  expect(await compare((hub) => void hub.pop())).toEqual([
    'p has N-b, of which the hub knows nothing',
    'N-b has other items at p',
    'p got beforehand.work_order.created under an id the hub does not know',
  ])
  expect(await compare((hub) => void (hub[0]!.item.caseId = 'c2'))).toEqual([
    'N-a has other items at p',
    'a case has two live items',
  ])
  expect(await compare((_hub, _ledger, arrivals) => void arrivals.get('msg-a')!.bodies.add('y'))).toEqual([
    'p got 2 different bodies under one id',
  ])
  expect(await compare((_hub, ledger) => void (ledger.orders.get('b')!.packet.brand = {} as never))).toEqual([
    'N-b reads otherwise at p',
  ])
  expect(await compare((hub) => void (hub[1]!.delivery.state = 'pending'))).toEqual([
    'beforehand.work_order.created still waits to be sent',
  ])
})
