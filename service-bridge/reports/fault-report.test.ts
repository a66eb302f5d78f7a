import { expect, test } from 'vitest'
import { type FaultReportBody, instant, WHOLE_DEVICE } from '#contracts'
import { BRAND_USER, DAY, HOUR, MINUTE, makeWorld, type World } from '../testing/world.ts'

let ticket = 0
async function report(world: World, given: Partial<FaultReportBody> = {}) {
  const body: FaultReportBody = {
    device: world.deviceId,
    reportedAt: instant(world.clock.nowMs()),
    channel: 'hotline',
    externalRef: `T-${++ticket}`,
    ...given,
  }
  const { answer } = await world.db.asBrand(world.brandId, (tx) =>
    world.bridge.faultReports.file(tx, world.brandId, body, { by: BRAND_USER }),
  )
  await world.bridge.idle()
  return answer
}
const cases = async (world: World) => (await world.bridge.cases.list(world.brandId, {})).items

test('a fault nobody foresaw opens a need of its component, and the home is offered a visit as the rule would have it', async () => {
  const world = await makeWorld()
  const told = await report(world, { symptomCode: 'weak-airflow', text: 'SENTINEL-WORDS' })
  expect(told).toMatchObject({
    joined: false,
    case: { component: 'hepa-filter', state: 'open' },
    report: { missed: true, hasText: true, component: 'hepa-filter' },
    diagnosis: { component: 'hepa-filter', cause: { code: 'weak-airflow' }, evidence: [] },
  })
  expect(told.liveWorkOrder).toBeUndefined()
  expect(await world.onlyCase()).toMatchObject({ source: 'reported', rule: null })
  expect(await world.changes()).toEqual(['fault.reported'])
  await world.pass(10 * MINUTE)
  const view = await world.bridge.offers.view(await world.offerToken())
  expect(view.needs).toMatchObject([{ job: { code: 'replace-hepa' }, component: { key: 'hepa-filter' } }])
  expect(view.needs[0]!.cause['zh-CN']).toBe('出风变小')
  await world.acceptOffer()
  const { packet } = await world.onlyOrder()
  expect(packet.items[0]!.diagnosis).toMatchObject({ cause: { code: 'weak-airflow' }, confidence: null })
  const everything = await world.db.asHub(async (tx) => [
    await tx.selectFrom('fault_reports').selectAll().execute(),
    await tx.selectFrom('cases').selectAll().execute(),
    await tx.selectFrom('case_events').selectAll().execute(),
    await tx.selectFrom('deliveries').selectAll().execute(),
    await tx.selectFrom('control_changes').selectAll().execute(),
    await tx.selectFrom('offers').selectAll().execute(),
    await tx.selectFrom('work_orders').selectAll().execute(),
  ])
  expect(JSON.stringify(everything)).not.toContain('SENTINEL-WORDS')
  expect(await world.bridge.faultReports.get(world.brandId, told.report.id, { by: BRAND_USER })).toMatchObject({
    text: 'SENTINEL-WORDS',
  })
})

test('the same reference is one report, also at the same moment; for another appliance it is a conflict', async () => {
  const world = await makeWorld()
  const again = { externalRef: 'SAME', symptomCode: 'weak-airflow' }
  const answers = await Promise.all([report(world, again), report(world, again), report(world, again)])
  expect(new Set(answers.map((one) => one.report.id)).size).toBe(1)
  expect(answers.map((one) => one.joined)).toEqual([false, false, false])
  expect((await world.bridge.faultReports.list(world.brandId, {})).items).toHaveLength(1)
  expect(await world.changes()).toEqual(['fault.reported'])
  await expect(report(world, { ...again, device: await world.device() })).rejects.toMatchObject({ code: 'CONFLICT' })
})

test('it joins the open need of its component, and says who is on the way', async () => {
  const world = await makeWorld()
  await world.fire()
  await world.pass(10 * MINUTE)
  await world.acceptOffer()
  const told = await report(world, { symptomCode: 'weak-airflow', serial: 'SN-1', device: undefined as never })
  expect(told).toMatchObject({
    joined: true,
    report: { missed: false },
    liveWorkOrder: { number: 'BH-2026-000001', partnerKey: 'fixit' },
    diagnosis: { evidence: [{ metric: 'filter_dp_pa', value: 262.1 }] },
  })
  expect(await world.onlyCase()).toMatchObject({
    state: 'ordered',
    needsReview: 'a fault was reported while an order is out',
  })
})

test('without a symptom that points anywhere it joins what the appliance has open; with nothing open, the whole of it', async () => {
  const world = await makeWorld()
  const first = await report(world, { symptomCode: 'never-heard-of' })
  expect(first.case.component).toBe(WHOLE_DEVICE)
  const second = await report(world)
  expect(second).toMatchObject({ joined: true, case: { id: first.case.id } })
  const third = await report(world, { symptomCode: 'noise' })
  expect(third).toMatchObject({ joined: true, case: { id: first.case.id } })
  await world.pass(10 * MINUTE)
  expect((await world.bridge.offers.view(await world.offerToken())).needs).toMatchObject([{ job: { code: 'inspect' } }])
})

test('another component is another need, in the same offer', async () => {
  const world = await makeWorld()
  await world.fire()
  await world.pass(10 * MINUTE)
  expect(await report(world, { symptomCode: 'noise' })).toMatchObject({ joined: false, case: { component: 'fan' } })
  await world.pass(10 * MINUTE)
  expect((await cases(world)).map((one) => one.state)).toEqual(['offered', 'offered'])
  expect((await world.bridge.offers.list(world.brandId, {})).items).toHaveLength(1)
})

test('an alert left in peace is what a report finds first; the need carries its evidence and its episode', async () => {
  const world = await makeWorld()
  await world.fire()
  await world.pass(10 * MINUTE)
  await world.bridge.offers.decline(await world.offerToken(), { reason: 'not_now' })
  const waiting = await world.fire()
  const told = await report(world, { channel: 'wechat' })
  expect(told).toMatchObject({
    joined: false,
    case: { component: 'hepa-filter' },
    report: { missed: false },
    diagnosis: { evidence: [{ rule: 'hepa-clogged' }] },
  })
  const opened = await world.bridge.cases.get(world.brandId, told.case.id)
  expect(opened).toMatchObject({ source: 'reported', rule: { key: 'hepa-clogged' }, episodeIds: [waiting.episodeId] })
  await world.pass(10 * MINUTE)
  await world.pass(20 * DAY)
  expect(await cases(world)).toHaveLength(2)
})

test('an alert that comes after the report joins its need and lends it its measurements', async () => {
  const world = await makeWorld()
  const told = await report(world, { symptomCode: 'weak-airflow' })
  await world.fire()
  const one = await world.onlyCase()
  expect(one).toMatchObject({ id: told.case.id, rule: { key: 'hepa-clogged' }, source: 'reported' })
  await world.pass(10 * MINUTE)
  const view = await world.bridge.offers.view(await world.offerToken())
  expect(view.needs[0]!.evidence).toHaveLength(1)
})

test('foreseen: an alert in the thirty days before; missed: none', async () => {
  const world = await makeWorld()
  await world.resolve(await world.fire())
  await world.pass(20 * DAY)
  expect((await report(world, { symptomCode: 'weak-airflow' })).report.missed).toBe(false)
  expect((await report(world, { symptomCode: 'noise' })).report.missed).toBe(true)
  await world.pass(31 * DAY)
  expect((await report(world, { symptomCode: 'weak-airflow' })).report.missed).toBe(true)
})

test('the third question of a fortnight waits, but not for a home that reports a fault', async () => {
  const world = await makeWorld({ bridge: { policy: { offersPerHome: 1 } } })
  await world.fire()
  await world.pass(10 * MINUTE)
  await world.bridge.offers.decline(await world.offerToken(), { reason: 'not_now' })
  await world.fire({ component: 'fan' })
  await world.pass(HOUR)
  expect((await cases(world)).find((one) => one.component === 'fan')?.state).toBe('open')
  await report(world, { symptomCode: 'noise' })
  expect((await cases(world)).find((one) => one.component === 'fan')?.state).toBe('offered')
})

test('a rule that only told becomes an offer when the home reports the fault', async () => {
  const world = await makeWorld({ rule: { dispatch: 'notify' } })
  await world.fire()
  await world.pass(10 * MINUTE)
  expect(await report(world, { symptomCode: 'weak-airflow' })).toMatchObject({ joined: true })
  expect((await world.onlyCase()).state).toBe('offered')
})

test('a home that reports what is held in a storm is let go from it alone', async () => {
  const world = await makeWorld()
  const devices = []
  for (let i = 0; i < 6; i++) {
    const deviceId = await world.device({ homeId: await world.home() })
    devices.push(deviceId)
    await world.fire({ deviceId })
  }
  await world.bridge.idle()
  await report(world, { device: devices[0]!, symptomCode: 'weak-airflow' })
  await world.pass(10 * MINUTE)
  const states = (await cases(world)).map((one) => one.state).sort()
  expect(states).toEqual(['held', 'held', 'held', 'held', 'held', 'offered'])
})

test('the appliance changed homes: nothing of the earlier one is joined or told', async () => {
  const world = await makeWorld()
  const episode = await world.fire()
  await world.pass(10 * MINUTE)
  const homeId = await world.home()
  await world.db.asHub((tx) =>
    tx.updateTable('devices').set({ home_id: homeId }).where('device_id', '=', world.deviceId).execute(),
  )
  await world.resolve(episode, 'device_removed')
  const told = await report(world, { symptomCode: 'weak-airflow' })
  expect(told).toMatchObject({ joined: false, report: { homeId } })
  expect((await cases(world)).find((one) => one.id === told.case.id)).toMatchObject({ homeId })
})

test.each([
  ['an appliance that is not there', { device: 'dev_00000000000000000000000000' }, '/device'],
  ['both names', { serial: 'SN-1' }, '/device'],
  ['tomorrow', { reportedAt: '2026-07-02T02:00:00.000Z' }, '/reportedAt'],
  ['last year', { reportedAt: '2025-06-02T02:00:00.000Z' }, '/reportedAt'],
])('refused with its place: %s', async (_, given, pointer) => {
  const world = await makeWorld()
  await expect(report(world, given)).rejects.toMatchObject({ code: 'VALIDATION_FAILED', pointer })
  expect(await cases(world)).toEqual([])
})

test('a partner reports what it has served, while the home lets it know; anything else is not there', async () => {
  const world = await makeWorld()
  const partner = { kind: 'partner', id: 'fixit' } as const
  const body: FaultReportBody = {
    serial: 'SN-1',
    reportedAt: instant(world.clock.nowMs()),
    channel: 'partner',
    symptomCode: 'noise',
    externalRef: 'P-1',
  }
  const tell = (key: string, over: Partial<FaultReportBody> = {}) =>
    world.db.asHub((tx) => world.bridge.faultReports.fileAsPartner(tx, key, { ...body, ...over }, { by: partner }))
  await expect(tell('fixit')).rejects.toMatchObject({ code: 'NOT_FOUND' })
  await world.fire()
  await world.pass(10 * MINUTE)
  await world.acceptOffer()
  expect((await tell('fixit')).answer).toMatchObject({ joined: false, case: { component: 'fan' } })
  const own = await tell('fixit', { symptomCode: 'weak-airflow', externalRef: 'P-2' })
  expect(own.answer).toMatchObject({ joined: true, liveWorkOrder: { partnerKey: 'fixit' } })
  await expect(tell('rival')).rejects.toMatchObject({ code: 'NOT_FOUND' })
  await expect(tell('fixit', { channel: 'hotline' })).rejects.toMatchObject({ pointer: '/channel' })
  await world.consent('share', false)
  await expect(tell('fixit', { externalRef: 'P-3' })).rejects.toMatchObject({ code: 'NOT_FOUND' })
})
