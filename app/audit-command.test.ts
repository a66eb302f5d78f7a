import pg from 'pg'
import { expect, test } from 'vitest'
import { HubApi } from '#simulators'
import { EXIT } from './cli.ts'
import { runCommand } from './run-command.ts'
import { ADMIN_KEY, testEnvironment, testHub } from './testing/test-hub.ts'

async function audit(env: Record<string, string>) {
  let out = ''
  const code = await runCommand({
    args: ['audit', '--json'],
    env,
    cwd: import.meta.dirname,
    out: (text) => (out += text),
    err: () => undefined,
    signal: new AbortController().signal,
  })
  return { code, out, checked: out === '' ? null : JSON.parse(out) }
}

test('the audit is checked through the running hub, and in its folder when none runs; a changed entry is named', async () => {
  const env = await testEnvironment()
  const hub = await testHub(env)
  const api = new HubApi(hub.addresses.httpUrl, ADMIN_KEY)
  for (const key of ['acme', 'other']) await api.post('/api/brands', { key, name: { en: key, 'zh-CN': key } })

  expect((await audit(env)).code).toBe(EXIT.usage)
  const running = await audit({ ...env, HUB_KEY: ADMIN_KEY })
  expect(running).toMatchObject({ code: EXIT.done, checked: { intact: true } })
  const own = running.checked.trails.find((trail: { brand: string }) => trail.brand === 'hub')
  expect(own.entries).toBeGreaterThanOrEqual(2)
  expect(own.head).toMatch(/^[0-9a-f]{64}$/)
  await hub.stop()

  const owner = new pg.Client(env.DATABASE_OWNER_URL)
  await owner.connect()
  await owner.query(`SELECT set_config('hub.scope', 'hub', false)`)
  await owner.query(`UPDATE audit SET actor = 'somebody else' WHERE brand_id = 'hub' AND ordinal = 2`)
  await owner.end()
  expect(await audit(env)).toMatchObject({
    code: EXIT.checkFailed,
    checked: {
      intact: false,
      trails: expect.arrayContaining([
        expect.objectContaining({ brand: 'hub', firstBroken: { ordinal: 2, why: 'changed' } }),
      ]),
    },
  })
})
