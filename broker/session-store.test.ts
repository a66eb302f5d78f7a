import { expect, test } from 'vitest'
import { BROKER_LIMITS } from './limits.ts'
import { sessionKey } from './session-key.ts'
import { type QueuedMessage, SessionStore } from './session-store.ts'

const TOPIC = 'v1/devices/me/attributes'
let counter = 0
const message = (): QueuedMessage => ({
  cmd: 'publish',
  brokerId: 'hub',
  brokerCounter: ++counter,
  topic: TOPIC,
  payload: Buffer.from('{}'),
  qos: 1,
  retain: false,
  dup: false,
})
const key = (device: number, client = 'c'): string => sessionKey({ brandId: 'b', deviceId: `dev_${device}` }, client)

function storeAt(limits: Partial<typeof BROKER_LIMITS> = {}) {
  const time = { ms: 0 }
  const store = new SessionStore(
    { ...BROKER_LIMITS, ...limits },
    () => time.ms,
    () => true,
  )
  const absent = async (id: string): Promise<void> => {
    await store.subscriptionsByClient({ id })
    await store.addSubscriptions({ id }, [{ topic: TOPIC, qos: 1 }])
    store.left(id)
  }
  return { store, time, absent }
}

test('stored sessions are bounded: the longest absent is forgotten, never a connected one', async () => {
  const { store, absent } = storeAt({ storedSessionsMax: 3 })
  await store.subscriptionsByClient({ id: key(0) })
  for (const device of [1, 2, 3]) await absent(key(device))
  expect(store.storedCount).toBe(3)
  expect(store.absentSubscriber('dev_1', TOPIC)).toBe(null)
  expect(store.absentSubscriber('dev_3', TOPIC)).toBe(key(3))
  expect(await store.subscriptionsByClient({ id: key(0) })).not.toEqual([])
})

test('sessions of one device are bounded too: client ids cost nothing to make up', async () => {
  const { store, absent } = storeAt({ sessionsPerDevice: 2 })
  for (const client of ['one', 'two', 'three', 'four']) await absent(key(1, client))
  await absent(key(2))
  expect(store.storedCount).toBe(3)
  expect(store.absentSubscriber('dev_1', TOPIC)).toBe(key(1, 'three'))
})

test('a session is forgotten after its absence, not before', async () => {
  const { store, time, absent } = storeAt({ storedSessionMs: 1_000 })
  await absent(key(1))
  time.ms = 1_000
  store.sweep()
  expect(store.storedCount).toBe(1)
  time.ms = 1_001
  store.sweep()
  expect(store.storedCount).toBe(0)
})

test('packet ids of one session do not collide, although each connection starts counting anywhere', async () => {
  const { store, absent } = storeAt()
  await absent(key(1))
  const [first, second] = [message(), message()]
  for (const kept of [first, second]) store.enqueue(key(1), kept)
  await store.outgoingUpdate({ id: key(1) }, { ...first, messageId: 65_535 })
  const packet = { ...second, messageId: 65_535 }
  await store.outgoingUpdate({ id: key(1) }, packet)
  expect(packet.messageId).toBe(1)
  expect(await store.outgoingClearMessageId({ id: key(1) }, { messageId: 65_535 })).toMatchObject({
    brokerCounter: first.brokerCounter,
  })
  expect(await store.outgoingClearMessageId({ id: key(1) }, { messageId: 65_535 })).toBe(undefined)
})

test('what a client never releases is bounded, over any number of connections; the newest is still known', async () => {
  const { store } = storeAt({ unreleasedPerSession: 3 })
  const id = key(1)
  const publish = (messageId: number) => ({ messageId, topic: 'v1/devices/me/telemetry', payload: Buffer.from('1') })
  await store.subscriptionsByClient({ id })
  for (const messageId of [1, 2]) await store.incomingStorePacket({ id }, publish(messageId))
  store.left(id)
  await store.subscriptionsByClient({ id })
  for (const messageId of [3, 4]) await store.incomingStorePacket({ id }, publish(messageId))
  expect([1, 2, 3, 4].filter((messageId) => store.knows(id, publish(messageId)))).toEqual([2, 3, 4])
})
