import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { sql } from 'kysely'
import { expect, onTestFinished, test } from 'vitest'
import { instant } from '#contracts'
import type { Doom } from '../testing/doomed-process.ts'
import { MINUTE, makeWorld, OPERATOR, type World } from '../testing/world.ts'
import { CLAIM_MS } from './delivery-engine.ts'

const SCRIPT = join(import.meta.dirname, '../testing/doomed-process.ts')
const PATIENCE_MS = 60_000

/** A need that becomes an order, and goes to the partner, as soon as somebody looks after it. */
async function dueWorld(): Promise<World> {
  const world = await makeWorld({
    rule: { dispatch: 'auto' },
    standingShare: true,
    agreement: { sla: { accept: 'P30D', book: 'P30D', arrive: 'P30D', finish: 'P30D' } },
    bridge: { resolveHost: async () => ['127.0.0.1'] },
  })
  // By a name, so that there is a way to look up between the claim and the connection.
  await world.bridge.partners.update('fixit', {
    url: world.partner.url.replace('127.0.0.1', 'partner.example'),
    by: OPERATOR,
  })
  await world.fire()
  await world.bridge.idle()
  world.clock.advance(10 * MINUTE)
  return world
}

function start(world: World, diesWhen: Doom['diesWhen']): ChildProcess {
  const doom: Doom = {
    appUrl: world.appUrl,
    secretKeyHex: world.secretKey.toString('hex'),
    nowMs: world.clock.nowMs(),
    diesWhen,
  }
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', SCRIPT, JSON.stringify(doom)], {
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  return child
}

async function death(child: ChildProcess): Promise<void> {
  const [code, signal] = child.exitCode === null && child.signalCode === null ? await once(child, 'exit') : []
  expect({ code, signal: signal ?? child.signalCode }).toEqual({ code: null, signal: 'SIGKILL' })
}

/** Another process takes over; afterwards the partner's ledger must hold one order. */
async function expectOneOrder(world: World, arrivals: number): Promise<void> {
  await world.pass(CLAIM_MS)
  const sent = world.partner.ofType('work_order.created')
  expect(sent).toHaveLength(arrivals)
  const order = await world.onlyOrder()
  // What a partner does with them: one entry per id.
  const ledger = new Map(sent.map((one) => [one.id, one.event.subject]))
  expect([...ledger.values()]).toEqual([order.id])
  expect(new Set(sent.map((one) => one.body)).size).toBe(1)
  const { items } = await world.bridge.deliveries.list(world.brandId, { subject: order.id })
  expect(items.filter((item) => item.destinationKind === 'partner')).toMatchObject([
    { id: sent[0]!.id, state: 'sent', lastStatus: 200 },
  ])
}

test(
  'kill -9 between the commit of the outbox and the claim: sent once, by the next process',
  async () => {
    const world = await dueWorld()
    await death(start(world, 'order-committed'))
    expect(await world.onlyOrder()).toMatchObject({ createdAt: instant(world.clock.nowMs()) })
    await expectOneOrder(world, 1)
  },
  PATIENCE_MS,
)

test(
  'kill -9 between the claim and the connection: sent once, when the claim has run out',
  async () => {
    const world = await dueWorld()
    await death(start(world, 'address-looked-up'))
    expect(world.partner.ofType('work_order.created')).toEqual([])
    await expectOneOrder(world, 1)
  },
  PATIENCE_MS,
)

test(
  'kill -9 while the partner has it and has not answered: the same again under the same id',
  async () => {
    const world = await dueWorld()
    let child: ChildProcess | null = null
    world.partner.behave((_request, response, { event }) => {
      if (child && event.type.endsWith('work_order.created')) child.kill('SIGKILL')
      else response.writeHead(200).end()
    })
    child = start(world, null)
    await death(child)
    child = null
    await expectOneOrder(world, 2)
  },
  PATIENCE_MS,
)

test(
  'kill -9 between the answer and the mark: the same again under the same id',
  async () => {
    const world = await dueWorld()
    const answered = Promise.withResolvers<void>()
    const dead = Promise.withResolvers<void>()
    let child: ChildProcess | null = null
    let held: Promise<void> = Promise.resolve()
    world.partner.behave((_request, response, { id, event }) => {
      if (!child || !event.type.endsWith('work_order.created')) return void response.writeHead(200).end()
      // The row is held, so that the mark of the answer has to wait, and the process dies waiting.
      held = world.db.asHub(async (tx) => {
        await tx.selectFrom('deliveries').select('delivery_id').where('delivery_id', '=', id).forUpdate().execute()
        response.writeHead(200).end()
        answered.resolve()
        await dead.promise
      })
    })
    child = start(world, null)
    await answered.promise
    await expect
      .poll(
        async () => {
          const { rows } = await world.db.asHub((tx) =>
            sql<{ waiting: boolean }>`SELECT EXISTS (SELECT 1 FROM pg_stat_activity
            WHERE datname = current_database() AND wait_event_type = 'Lock') AS waiting`.execute(tx),
          )
          return rows[0]?.waiting
        },
        { timeout: 20_000 },
      )
      .toBe(true)
    child.kill('SIGKILL')
    await death(child)
    child = null
    dead.resolve()
    await held
    await expectOneOrder(world, 2)
  },
  PATIENCE_MS,
)
