import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Aedes } from 'aedes'
import { expect, onTestFinished, test } from 'vitest'
import { seededRandom } from '#platform'
import { planNeighbourhood } from './neighbourhood.ts'
import { runSimulate } from './simulate.ts'

async function broker() {
  const received: { user: string; payload: string }[] = []
  const users = new Map<string, string>()
  const aedes = await Aedes.createBroker()
  aedes.authenticate = (client, username, _password, done) => {
    users.set(client.id, String(username))
    done(null, true)
  }
  aedes.authorizePublish = (client, packet, done) => {
    received.push({ user: users.get(client!.id)!, payload: packet.payload.toString() })
    done(null)
  }
  const server = createServer(aedes.handle)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(async () => {
    await new Promise<void>((resolve) => aedes.close(resolve))
    await new Promise((resolve) => server.close(resolve))
  })
  return { url: `mqtt://127.0.0.1:${(server.address() as AddressInfo).port}`, received }
}

test('runs a fleet against any broker until told to stop, and counts what was acknowledged', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'simulate-'))
  onTestFinished(() => rm(dir, { recursive: true }))
  const { url, received } = await broker()
  const stop = new AbortController()
  const result = await runSimulate({
    url,
    devices: 6,
    categories: ['air-purifier', 'smart-lock', 'washing-machine'],
    tokenPrefix: 'tok-',
    rate: 300,
    seed: 4,
    truthFile: join(dir, 'truth.ndjson'),
    signal: stop.signal,
    onProgress: () => stop.abort(),
  })
  expect(result).toMatchObject({ seed: 4, devices: 6, dropped: 0 })
  expect(result.readingsAcknowledged).toBe(received.length)
  expect(received.length).toBeGreaterThanOrEqual(6)
  expect(new Set(received.map((it) => it.user))).toEqual(
    new Set(['tok-AP-0001', 'tok-AP-0002', 'tok-SL-0001', 'tok-SL-0002', 'tok-WM-0001', 'tok-WM-0002']),
  )
  const truth = (await readFile(join(dir, 'truth.ndjson'), 'utf8')).trim().split('\n')
  expect(truth.map((line) => (JSON.parse(line) as { kind: string }).kind)).toContain('wear')
})

test('devices of the brand are named with their tokens', async () => {
  const { url, received } = await broker()
  const stop = new AbortController()
  await runSimulate({
    url,
    devices: [{ serial: 'LOCK-7', token: 'secret-token', category: 'smart-lock' }],
    rate: 100,
    signal: stop.signal,
    onProgress: () => stop.abort(),
  })
  expect(received[0]!.user).toBe('secret-token')
  expect(received[0]!.payload).toContain('battery_mv')
})

test.each([
  [{ devices: 0 }, 'at least one device'],
  [{ devices: 1, rate: 0 }, 'above 0'],
  [{ devices: 1, scenario: 'doom' as never }, 'fresh, season, worn'],
  [{ devices: 1, categories: ['toaster'] }, 'range-hood, refrigerator, robot-vacuum, smart-lock'],
  [{ devices: 1, url: 'http://x' }, 'mqtt://'],
])('%j is refused with what would do', async (options, words) => {
  const running = runSimulate({ url: 'mqtt://127.0.0.1:1', ...options })
  await expect(running).rejects.toMatchObject({ code: 'USAGE', message: expect.stringContaining(words) })
})

test('a neighbourhood grows without changing: one more device leaves the others as they were', () => {
  const lives = (devices: number) =>
    planNeighbourhood({ devices, random: seededRandom(9) }).devices.map(({ serial, model }) => [
      serial,
      JSON.stringify(model.measure(Date.UTC(2026, 8, 1))),
    ])
  expect(lives(12).slice(0, 9)).toEqual(lives(9))
})
