import { expect, test } from 'vitest'
import { HubApi } from '#simulators'
import { partnerServer, setUpHouse } from './testing/small-house.ts'
import { ADMIN_KEY, testEnvironment, testHub } from './testing/test-hub.ts'

test('a database that is gone is not taken for a new hub’s: the log remembers', async () => {
  const env = await testEnvironment()
  const first = await testHub(env)
  await first.stop()
  // Nothing but the hub's own records yet: an empty database beside them is no loss.
  const { DATABASE_URL, DATABASE_OWNER_URL } = await testEnvironment()
  const moved = { ...env, DATABASE_URL: DATABASE_URL!, DATABASE_OWNER_URL: DATABASE_OWNER_URL! }
  const second = await testHub(moved)
  const partner = await partnerServer()
  await setUpHouse(new HubApi(second.addresses.httpUrl, ADMIN_KEY), {
    nowMs: Date.now(),
    partnerUrl: partner.server.url,
  })
  await partner.server.close()
  await second.stop()

  const empty = await testEnvironment()
  const lost = { ...moved, DATABASE_URL: empty.DATABASE_URL!, DATABASE_OWNER_URL: empty.DATABASE_OWNER_URL! }
  await expect(testHub(lost)).rejects.toMatchObject({
    code: 'LOG_MISMATCH',
    message: expect.stringContaining('Bring back the database'),
  })
  await (await testHub(moved)).stop()
}, 120_000)
