import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { MessageChannel } from 'node:worker_threads'
import { expect, onTestFinished, test } from 'vitest'
import { silentLogger } from '#platform'
import { openDuckHistory } from './duck/duck-history.ts'
import type { HistoryStore } from './history.ts'
import { type RemoteHistory, remoteHistory, serveHistory } from './remote-history.ts'
import { row } from './testing/history-place.ts'

async function acrossAPort(): Promise<{ store: HistoryStore; remote: RemoteHistory; close: () => void }> {
  const dir = await mkdtemp(join(tmpdir(), 'beforehand-history-'))
  const store = await openDuckHistory({ dir, logger: silentLogger, memoryMiB: 128 })
  const { port1, port2 } = new MessageChannel()
  serveHistory(port1, store)
  onTestFinished(async () => {
    port2.close()
    await store.close()
    await rm(dir, { recursive: true, force: true })
  })
  return { store, remote: remoteHistory(port2), close: () => port1.close() }
}

const rows = Array.from({ length: 9_000 }, (_, i) => row({ seq: i + 1, at: 1e12 + i, device: `dev_${i % 3}` }))
const all = { fromMs: 0, toMs: 2e12 }

test('another thread reads what this one wrote, scans included', async () => {
  const { store, remote } = await acrossAPort()
  await store.write(rows, { logId: 'log_a', seq: 9_000 })
  expect(await remote.position()).toMatchObject({ seq: 9_000 })
  expect((await remote.range({ deviceId: 'dev_1', ...all, limit: 5 })).rows).toHaveLength(5)
  expect(await remote.last('dev_0')).toEqual({ dp_pa: { value: 8_998, measuredAtMs: 1e12 + 8_997 } })
  let count = 0
  for await (const batch of remote.scanFleet(all)) count += batch.length
  expect(count).toBe(9_000)
})

test('an error keeps its code and its pointer on the way', async () => {
  const { remote } = await acrossAPort()
  const query = { deviceId: 'dev_1', ...all, cursor: 'made up' }
  await expect(remote.range(query)).rejects.toMatchObject({ code: 'VALIDATION_FAILED', pointer: '/cursor' })
})

test('a scan that is left early ends on the other side too', async () => {
  const { store, remote } = await acrossAPort()
  await store.write(rows, { logId: 'log_a', seq: 9_000 })
  for await (const batch of remote.scanFleet(all)) {
    expect(batch.length).toBeGreaterThan(0)
    break
  }
  // A file that a query still holds could not be replaced.
  await store.deleteDevice('dev_1')
  await store.tidy(1e12 + 1e7)
  expect((await remote.range({ deviceId: 'dev_0', ...all, limit: 1 })).rows).toHaveLength(1)
})

test('when the other thread ends, callers are told and do not wait for ever', async () => {
  const { remote, close } = await acrossAPort()
  close()
  await expect(remote.position()).rejects.toMatchObject({ code: 'HISTORY_UNAVAILABLE' })
})
