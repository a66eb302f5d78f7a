import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { aProduct, aRule } from '../testing/scenario.ts'
import { makeHub, type TestBrand, type TestHub } from '../testing/test-hub.ts'

let hub: TestHub
let brand: TestBrand
let second: string
beforeAll(async () => {
  hub = await makeHub()
  brand = await hub.newBrand('acme')
  await hub.call('POST', '/api/products', { key: brand.admin, body: aProduct() })
  second = (await call('POST', '/api/keys', { role: 'author', label: 'second' })).body.key
})
afterAll(() => hub?.close())

const call = (method: string, url: string, body?: unknown, key = brand.admin) =>
  hub.call(method, url, { key, ...(body === undefined ? {} : { body }) })
const put = (rule: { key: string }) => call('PUT', `/api/rules/${rule.key}`, rule)

async function changes(type: string): Promise<Record<string, unknown>[]> {
  const rows = await hub.db.asBrand(brand.id, (tx) =>
    tx.selectFrom('control_changes').select('change').where('brand_id', '=', brand.id).orderBy('ordinal').execute(),
  )
  return rows.map(({ change }) => change as unknown as Record<string, unknown>).filter((change) => change.type === type)
}

describe('versions', () => {
  const rule = (over: object = {}) => ({ ...aRule('kept'), for: '10m', ...over })

  test('every save that decides is a version with its author and what it changed; the same again a hundred times is none', async () => {
    expect((await call('POST', '/api/rules', rule())).status).toBe(201)
    await put(rule({ for: '15m', keep: '1h' }))
    for (let i = 0; i < 100; i++) expect((await put(rule({ for: 'PT15M', keep: '60m' }))).body.version).toBe(2)
    const { items } = (await call('GET', '/api/rules/kept/versions')).body
    expect(items.map(({ version }: { version: number }) => version)).toEqual([2, 1])
    expect(items[0].changes).toEqual([
      { pointer: '/for', from: '10m', to: 'PT15M', decides: true, text: 'for: 10m → PT15M' },
      expect.objectContaining({ pointer: '/keep', to: '60m', text: expect.stringContaining('→ 60m') }),
    ])
    expect(items[1].changes).toEqual([])
    expect(await changes('rule.activated')).toEqual([])
  })

  test('a diff of any two; of words alone nothing decides', async () => {
    await put(rule({ for: '15m', keep: '1h', notes: 'other words' }))
    const { body } = await call('GET', '/api/rules/kept/diff?from=2&to=1')
    expect(body.items.map(({ text, decides }: { text: string; decides: boolean }) => [text, decides])).toContainEqual([
      'for: 15m → 10m',
      true,
    ])
    expect(body.items.find(({ pointer }: { pointer: string }) => pointer === '/notes').decides).toBe(false)
    expect((await call('GET', '/api/rules/kept/diff?from=1&to=9')).status).toBe(404)
    const audit = (await call('GET', '/api/audit?limit=5')).body.items
    expect(JSON.stringify(audit)).toContain('notes: nothing → other words')
  })

  test('back to an older version: history grows, and what is in force is replaced under the same activation', async () => {
    await call('POST', '/api/rules/kept/activate', {})
    const back = await call('POST', '/api/rules/kept/roll-back', { to: 1 })
    expect(back.body).toMatchObject({ rule: { version: 3, liveVersion: 3, document: { for: '10m' } }, proposal: null })
    const [first, then] = await changes('rule.activated')
    expect(then).toMatchObject({ version: 3, activation: first!.activation })
    expect((await call('GET', '/api/rules/kept/versions?limit=1')).body.items[0]).toMatchObject({
      version: 3,
      restoredFrom: 1,
    })
    // Once more: it is there already.
    expect((await call('POST', '/api/rules/kept/roll-back', { to: 1 })).body.rule.version).toBe(3)
    expect(await changes('rule.activated')).toHaveLength(2)
  })
})

describe('two people', () => {
  const rule = (over: object = {}) => ({ ...aRule('sends'), ...over })

  test('by the wish of the brand: one key proposes, another approves; alone nobody can', async () => {
    await call('POST', '/api/rules', rule())
    expect((await call('PATCH', '/api/brand/settings', { twoPersonRules: true }, second)).status).toBe(403)
    expect((await call('PATCH', '/api/brand/settings', { twoPersonRules: true })).body).toMatchObject({
      twoPersonRules: true,
      miniProgramPath: null,
    })
    const miniProgramPath = 'pages/offer/index?token={token}'
    expect((await call('PATCH', '/api/brand/settings', { miniProgramPath: 'pages/offer' })).status).toBe(422)
    expect((await call('PATCH', '/api/brand/settings', { miniProgramPath })).body).toMatchObject({
      twoPersonRules: true,
      miniProgramPath,
    })
    expect(await call('POST', '/api/rules/sends/activate', {})).toMatchObject({
      status: 409,
      body: { code: 'APPROVAL_NEEDED' },
    })
    // To watch needs nobody.
    expect((await call('POST', '/api/rules/sends/shadow', {})).body.status).toBe('shadow')

    const proposed = (await call('POST', '/api/rules/sends/proposals', { canaryShare: 0.5 })).body
    expect(proposed).toMatchObject({ state: 'open', version: 1, canaryShare: 0.5 })
    const at = `/api/rules/sends/proposals/${proposed.id}`
    expect(await call('POST', `${at}/approve`, {})).toMatchObject({ status: 409, body: { code: 'APPROVAL_NEEDED' } })
    expect((await call('POST', `${at}/approve`, {}, second)).body).toMatchObject({ status: 'active', canaryShare: 0.5 })
    expect((await call('POST', `${at}/approve`, {}, second)).body.code).toBe('STATE_FORBIDS')
    const [newest] = (await call('GET', '/api/rules/sends/proposals')).body.items
    expect(newest).toMatchObject({ state: 'approved' })
    expect(newest.decidedBy).not.toBe(newest.proposedBy)
  })

  test('going back and another part to bring need the second person too; the version in force stays until then', async () => {
    await put(rule({ for: '30m' }))
    const back = (await call('POST', '/api/rules/sends/roll-back', { to: 1 })).body
    expect(back).toMatchObject({ rule: { version: 3, liveVersion: 1 }, proposal: { state: 'open', version: 3 } })
    await call('POST', `/api/rules/sends/proposals/${back.proposal.id}/approve`, {}, second)
    const { service } = rule()
    const other = await put(rule({ service: { ...service, parts: [{ sku: 'HEPA-400', quantity: 1 }] } }))
    expect(other.body).toMatchObject({ version: 4, liveVersion: 3 })
  })

  test('a rule that describes a service and names no way of it makes offers, so it needs the second person', async () => {
    const { dispatch: _dispatch, ...unnamed } = aRule('unnamed')
    await call('POST', '/api/rules', { ...unnamed, dispatch: 'notify' })
    expect((await call('POST', '/api/rules/unnamed/activate', {})).status).toBe(200)
    // The condition is the same; that it now asks homes is not.
    const asks = await call('PUT', '/api/rules/unnamed', unnamed)
    expect(asks.body).toMatchObject({ version: 2, liveVersion: 1 })
    expect((await call('POST', '/api/rules/unnamed/activate', {})).body.code).toBe('APPROVAL_NEEDED')
  })

  test('a newer proposal takes the place of the open one; who only tells needs nobody', async () => {
    const one = (await call('POST', '/api/rules/sends/proposals', {})).body
    const two = (await call('POST', '/api/rules/sends/proposals', { version: 1 }, second)).body
    const all = (await call('GET', '/api/rules/sends/proposals')).body.items
    const states = all.filter(({ id }: { id: string }) => id === one.id || id === two.id)
    expect(Object.fromEntries(states.map(({ id, state }: { id: string; state: string }) => [id, state]))).toEqual({
      [one.id]: 'replaced',
      [two.id]: 'open',
    })
    expect((await call('POST', `/api/rules/sends/proposals/${two.id}/reject`, { note: 'not now' })).body).toMatchObject(
      {
        state: 'rejected',
        note: 'not now',
      },
    )
    const { service: _service, ...tells } = aRule('tells')
    await call('POST', '/api/rules', { ...tells, dispatch: 'notify' })
    expect((await call('POST', '/api/rules/tells/activate', {})).status).toBe(200)
    await call('PATCH', '/api/brand/settings', { twoPersonRules: false })
  })
})

describe('who says it better', () => {
  test('a circle is refused at save, with its way, pointer, line and column', async () => {
    await call('POST', '/api/rules', aRule('first'))
    await call('POST', '/api/rules', { ...aRule('second'), inhibitedBy: ['first'] })
    expect((await call('POST', '/api/rules', { ...aRule('third'), inhibitedBy: ['secnd'] })).body.detail).toContain(
      'Did you mean second?',
    )
    const { status, body } = await put({ ...aRule('first'), inhibitedBy: ['second'] } as { key: string })
    expect({ status, code: body.code, pointer: body.pointer }).toEqual({
      status: 422,
      code: 'RULE_INVALID',
      pointer: '/inhibitedBy/0',
    })
    expect(body.detail).toContain('first ← second ← first')
    expect(body.problems[0]).toMatchObject({ line: 1, column: expect.any(Number) })
  })
})

describe('silences and maintenance', () => {
  test('a silence is for something the brand has, ends within 30 days, and ends by hand', async () => {
    const until = (days: number) => new Date(hub.clock.nowMs() + days * 86_400_000).toISOString()
    const body = { scope: { product: 'ap-300', rule: 'kept' }, until: until(2), reason: 'new firmware' }
    const made = (await call('POST', '/api/silences', body)).body
    expect(made).toMatchObject({ scope: body.scope, until: body.until, endedAt: null })
    for (const [over, pointer] of [
      [{ until: until(31) }, '/until'],
      [{ until: until(-1) }, '/until'],
      [{ scope: { product: 'nothing' } }, '/scope/product'],
      [{ scope: { device: 'dev_00000' } }, '/scope/device'],
    ] as const)
      expect((await call('POST', '/api/silences', { ...body, ...over })).body).toMatchObject({ status: 422, pointer })
    expect((await call('GET', '/api/silences?active=true')).body.items).toHaveLength(1)
    await call('POST', `/api/silences/${made.id}/end`, {})
    expect((await call('POST', `/api/silences/${made.id}/end`, {})).body.endedAt).not.toBeNull()
    expect((await call('GET', '/api/silences?active=true')).body.items).toEqual([])
    expect(await changes('silence.started')).toMatchObject([
      { kind: 'silence', scope: { productKey: 'ap-300', ruleKey: 'kept' } },
    ])
    expect(await changes('silence.ended')).toHaveLength(1)
  })

  test('a window is set by its key, the same again is nothing, and is taken away', async () => {
    const window = { scope: { region: '31' }, zone: 'home', days: [7, 6], from: '22:00', to: '06:00' }
    const set = (over: object = {}) => call('PUT', '/api/maintenance-windows/weekend', { ...window, ...over })
    expect((await set()).body).toMatchObject({ key: 'weekend', days: [6, 7], zone: 'home' })
    await set()
    expect(await changes('maintenance.set')).toHaveLength(1)
    expect((await set({ zone: 'Mars/Olympus' })).body).toMatchObject({ status: 422, pointer: '/zone' })
    expect((await set({ to: '22:00' })).body).toMatchObject({ status: 422, pointer: '/to' })
    expect((await set({ zone: 'Europe/Berlin' })).status).toBe(200)
    expect((await call('DELETE', '/api/maintenance-windows/weekend')).status).toBe(204)
    expect((await call('DELETE', '/api/maintenance-windows/weekend')).status).toBe(404)
    expect((await changes('maintenance.set')).map(({ window }) => window === null)).toEqual([false, false, true])
  })
})
