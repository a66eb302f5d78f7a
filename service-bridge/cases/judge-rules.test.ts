import { expect, test } from 'vitest'
import { MINUTE, makeWorld, type World } from '../testing/world.ts'
import { trustSettings, verdictsOf } from './rule-score.ts'

/** Visits of so many appliances, one after the other; what was found at each. */
async function visits(world: World, verdicts: readonly ('confirmed' | 'no_fault_found')[]): Promise<void> {
  for (const verdict of verdicts) {
    const deviceId = await world.device()
    const before = new Set((await world.bridge.orders.list(world.brandId, {})).items.map(({ id }) => id))
    await world.fire({ deviceId })
    await world.pass(11 * MINUTE)
    const { items } = await world.bridge.orders.list(world.brandId, {})
    const order = items.find(({ id }) => !before.has(id))
    expect(order, 'an order for the appliance').toBeDefined()
    await world.complete(order!.id, verdict)
  }
}

/** A rule that sends somebody without asking, so that every alert becomes a visit. */
async function inForce(rule: Record<string, unknown> = {}): Promise<World> {
  const world = await makeWorld({ rule: { dispatch: 'auto', ...rule }, standingShare: true })
  await world.db.asHub((tx) => tx.updateTable('rules').set({ live_version: 1, activation: 'chg_1' }).execute())
  return world
}

const ruleRow = (world: World) =>
  world.db.asHub((tx) => tx.selectFrom('rules').select(['status', 'activation', 'rule_key']).executeTakeFirstOrThrow())

/** A shared machine may be slow; nothing here depends on it. */
const PATIENCE_MS = 300_000
/** With this bar four visits for nothing are enough evidence: nobody needs to wait for fourteen here. */
const STRICT = { trust: { precisionBar: 0.97 } }

test(
  'a rule whose visits find nothing goes to shadow by itself, by a record of the log, and the brand is told once',
  async () => {
    const world = await inForce()
    await world.db.asHub((tx) =>
      tx
        .updateTable('brands')
        .set({ settings: JSON.stringify(STRICT) })
        .execute(),
    )
    expect(await world.db.asBrand(world.brandId, (tx) => trustSettings(tx, world.brandId))).toMatchObject(STRICT.trust)
    await visits(world, ['confirmed', 'no_fault_found'])
    expect((await ruleRow(world)).status).toBe('active')
    await visits(world, ['no_fault_found', 'no_fault_found', 'no_fault_found'])
    const { status, activation, rule_key: ruleKey } = await ruleRow(world)
    expect(status).toBe('shadow')
    // A new activation: what it opened in force ends, and what it opens in shadow touches nobody.
    expect(activation).not.toBe('chg_1')
    const changes = await world.db.asHub((tx) =>
      tx.selectFrom('control_changes').select(['change_id', 'change']).orderBy('ordinal').execute(),
    )
    const demotions = changes.filter(({ change }) => change.type === 'rule.activated')
    expect(demotions).toMatchObject([{ change_id: activation, change: { mode: 'shadow', version: 1 } }])
    await world.bridge.idle()
    expect(world.brandServer.ofType('rule.demoted')).toMatchObject([
      { event: { data: { rule: ruleKey, ruleVersion: 1, precisionBar: 0.97 } } },
    ])
    const verdicts = await world.db.asBrand(world.brandId, (tx) =>
      verdictsOf(tx, { brandId: world.brandId, ruleKey, version: 1 }),
    )
    expect(verdicts[0]!.verdict).toBe('confirmed')
    expect(verdicts.filter(({ verdict }) => verdict === 'no_fault_found').length).toBe(verdicts.length - 1)
  },
  PATIENCE_MS,
)

test(
  'a safety rule is never demoted: the brand is alarmed instead, once',
  async () => {
    const world = await inForce({ safety: 'overheat' })
    await world.db.asHub((tx) =>
      tx
        .updateTable('brands')
        .set({ settings: JSON.stringify(STRICT) })
        .execute(),
    )
    await visits(world, ['no_fault_found', 'no_fault_found', 'no_fault_found', 'no_fault_found', 'no_fault_found'])
    expect(await ruleRow(world)).toMatchObject({ status: 'active', activation: 'chg_1' })
    await world.bridge.idle()
    expect(world.brandServer.ofType('rule.alarmed')).toHaveLength(1)
    expect(world.brandServer.ofType('rule.demoted')).toHaveLength(0)
  },
  PATIENCE_MS,
)
