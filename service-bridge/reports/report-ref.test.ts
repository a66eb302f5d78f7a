import { expect, test } from 'vitest'
import { type FaultReportBody, instant } from '#contracts'
import { SecretBox } from '#platform'
import { BRAND_USER, makeWorld, type World } from '../testing/world.ts'
import { openReportRef, sealReportRefs } from './report-ref.ts'

const REF = 'ticket of 13800000000'

async function report(world: World, externalRef: string) {
  const body: FaultReportBody = {
    device: world.deviceId,
    reportedAt: instant(world.clock.nowMs()),
    channel: 'hotline',
    externalRef,
  }
  const { answer, changeId } = await world.db.asBrand(world.brandId, (tx) =>
    world.bridge.faultReports.file(tx, world.brandId, body, { by: BRAND_USER }),
  )
  return { ...answer, changeId }
}

const stored = (world: World) =>
  world.db.asHub((tx) => tx.selectFrom('fault_reports').selectAll().executeTakeFirstOrThrow())

test('what a teller calls a report is in no column to read, and is told back to its brand', async () => {
  const world = await makeWorld()
  const told = await report(world, REF)
  expect(told.report.externalRef).toBe(REF)
  const { diagnosis: _answered, ...row } = await stored(world)
  expect(row.external_ref).toBeNull()
  const text = JSON.stringify(row)
  expect(text).not.toContain('13800000000')
  expect(Buffer.concat([row.external_ref_sealed!]).includes('13800000000')).toBe(false)
  // Another source's same words are another's.
  expect(openReportRef(new SecretBox(world.secretKey), row)).toBe(REF)
})

test('a report of an earlier release is sealed at the start, once, and the same reference still leads to it', async () => {
  const world = await makeWorld()
  const told = await report(world, REF)
  const plainId = 'fr_of_an_earlier_release'
  await world.owner(
    `SELECT set_config('hub.scope', 'hub', false);
     UPDATE fault_reports SET report_id = '${plainId}', external_ref = '${REF}', external_ref_sealed = NULL, external_ref_hash = NULL`,
  )
  const box = new SecretBox(world.secretKey)
  expect(openReportRef(box, await stored(world))).toBe(REF)

  await sealReportRefs(world.db, box)
  const sealed = await stored(world)
  expect(sealed).toMatchObject({ report_id: plainId, external_ref: null })
  expect(openReportRef(box, sealed)).toBe(REF)
  await sealReportRefs(world.db, box)
  expect(await stored(world)).toEqual(sealed)

  const again = await report(world, REF)
  expect(again.report).toMatchObject({ id: plainId, externalRef: REF })
  expect(again.case.id).toBe(told.case.id)
  expect(again.changeId).not.toBe(told.changeId)
})
