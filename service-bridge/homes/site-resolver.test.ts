import { sql } from 'kysely'
import { Webhook } from 'standardwebhooks'
import { expect, test } from 'vitest'
import { sealedAs } from '#contracts'
import { SecretBox } from '#platform'
import { type Behaviour, partnerServer } from '../testing/partner-server.ts'
import { BRAND_USER, makeWorld } from '../testing/world.ts'

const ADDRESS = { province: '上海市', city: '上海市', district: '浦东新区', street: 'SENTINEL路', room: '1201' }

/** An order in a home whose address only the brand knows; the partner has accepted. */
async function worldOfBrandsOwn() {
  const world = await makeWorld({ bridge: { attemptTimeoutMs: 500 } })
  const box = new SecretBox(world.secretKey)
  await world.db.asBrand(world.brandId, (tx) =>
    tx
      .updateTable('homes')
      .set({ address_sealed: null, site_ref_sealed: box.seal('place-77', sealedAs.siteRef(world.homeId)) })
      .where('home_id', '=', world.homeId)
      .execute(),
  )
  await world.fire()
  await world.pass(10 * 60_000)
  await world.acceptOffer()
  const { id: orderId } = await world.onlyOrder()
  await world.say(orderId, { status: 'accepted' })
  const site = () => world.bridge.orders.site({ orderId, partnerId: 'fixit', by: { kind: 'partner', id: 'fixit' } })
  const actions = async (): Promise<string[]> =>
    (
      await world.db.asHub((tx) =>
        tx.selectFrom('audit').select('action').where('action', 'like', 'site.%').orderBy('ordinal').execute(),
      )
    ).map((row) => row.action)
  const server = await partnerServer()
  const ask = async (url: string) => {
    const made = await world.db.asBrand(world.brandId, (tx) =>
      world.bridge.siteResolver.put(tx, world.brandId, { url, by: BRAND_USER }),
    )
    return made.secret
  }
  return { world, orderId, site, actions, server, ask }
}

const answer =
  (status: number, body: unknown): Behaviour =>
  (_request, response) =>
    void response.writeHead(status, { location: 'http://127.0.0.1:1/' }).end(JSON.stringify(body))

test('the brand is asked, signed, for the one place and the one visit; its answer is passed on and stored nowhere', async () => {
  const { world, orderId, site, actions, server, ask } = await worldOfBrandsOwn()
  await expect(site()).rejects.toMatchObject({ code: 'SITE_UNAVAILABLE', status: 503 })
  const secret = (await ask(server.url))!
  server.behave(answer(200, { address: ADDRESS }))
  expect(await site()).toMatchObject({
    ...ADDRESS,
    contact: { name: 'SENTINEL-NAME' },
    consent: { recipient: 'Fixit' },
  })
  server.behave(
    answer(200, { address: ADDRESS, contact: { name: 'A', number: '400', kind: 'privacy', locale: 'zh-CN' } }),
  )
  expect((await site()).contact).toEqual({ name: 'A', number: '400', kind: 'privacy', locale: 'zh-CN' })

  const [asked] = server.received
  // The official library agrees about the signature.
  expect(new Webhook(secret).verify(asked!.body, asked!.headers)).toMatchObject({
    siteRef: 'place-77',
    workOrder: { id: orderId },
    partner: { key: 'fixit', name: 'Fixit' },
    consent: { recipient: 'Fixit' },
  })
  expect(await actions()).toEqual(['site.refused', 'site.asked', 'site.read', 'site.asked', 'site.read'])
  const tables = await world.db.asHub((tx) =>
    sql<{
      name: string
    }>`SELECT relname AS name FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace`.execute(tx),
  )
  for (const { name } of tables.rows) {
    const { rows } = await world.db.asHub((tx) =>
      sql<{ text: string }>`SELECT t::text AS text FROM ${sql.table(name)} t`.execute(tx),
    )
    for (const { text } of rows) expect(text.includes('SENTINEL路'), name).toBe(false)
  }
})

test.each<[string, Behaviour, string, string]>([
  ['no such place', answer(404, {}), 'GONE', 'no longer knows'],
  ['an error', answer(500, { secret: 'SENTINEL' }), 'SITE_UNAVAILABLE', 'it answered 500'],
  ['a redirect, which is not followed', answer(302, {}), 'SITE_UNAVAILABLE', 'it answered 302'],
  ['something else', answer(200, { address: { street: 'SENTINEL' } }), 'SITE_UNAVAILABLE', 'not an address at'],
  ['no JSON', (_request, response) => void response.end('SENTINEL'), 'SITE_UNAVAILABLE', 'not an address'],
  [
    'too much',
    (_request, response) => void response.end(JSON.stringify({ address: ADDRESS, more: 'x'.repeat(70_000) })),
    'SITE_UNAVAILABLE',
    'too large',
  ],
  ['nothing in time', () => undefined, 'SITE_UNAVAILABLE', 'no answer in time'],
])(
  'the brand’s service gives %s: a clear error for the partner, nothing repeated of it',
  async (_, behaviour, code, words) => {
    const { site, actions, server, ask } = await worldOfBrandsOwn()
    await ask(server.url)
    server.behave(behaviour)
    const error = await site().catch((thrown: Error) => thrown)
    expect(error).toMatchObject({ code, message: expect.stringContaining(words) })
    expect((error as Error).message).not.toContain('SENTINEL')
    expect((await actions()).at(-1)).toBe('site.unavailable')
  },
)

test('consent withdrawn while the brand is looking: what it found is not passed on', async () => {
  const { world, site, actions, server, ask } = await worldOfBrandsOwn()
  await ask(server.url)
  server.behave((_request, response) => {
    void world.consent('share', false).then(() => response.end(JSON.stringify({ address: ADDRESS })))
  })
  await expect(site()).rejects.toMatchObject({ status: 410 })
  expect(await actions()).toEqual(['site.asked', 'site.refused'])
})

test('an address inside the network is not asked, although it was saved; the test call says what went wrong', async () => {
  const { world, site, server, ask } = await worldOfBrandsOwn()
  await ask('http://169.254.169.254/latest')
  await expect(site()).rejects.toMatchObject({ code: 'SITE_UNAVAILABLE' })
  const test = () => world.bridge.siteResolver.test(world.brandId, { siteRef: 'place-77', by: BRAND_USER })
  expect((await test()).detail).toContain('not public')
  expect(await ask(server.url)).toBeNull()
  server.behave(answer(200, { address: ADDRESS }))
  expect(await test()).toEqual({ ok: true, detail: 'the answer is an address' })
})

test('said by several at once: one secret is in force, and only who made it is told', async () => {
  const { site, server, ask } = await worldOfBrandsOwn()
  const told = (await Promise.all(Array.from({ length: 4 }, () => ask(server.url)))).filter((secret) => secret !== null)
  expect(told).toHaveLength(1)
  server.behave((_request, response, { body, headers }) => {
    new Webhook(told[0]!).verify(body, headers)
    response.writeHead(200).end(JSON.stringify({ address: ADDRESS }))
  })
  expect(await site()).toMatchObject(ADDRESS)
})
