import { expect, onTestFinished, test } from 'vitest'
import type { ControlChange } from '#contracts'
import { silentLogger } from '#platform'
import type { Database } from '#store'
import { testBrand, testDatabase } from '#store/testing'
import { createControlAppender } from './control-appender.ts'
import { createDirectory } from './device-directory.ts'
import { aDevice, aProduct, commitChange, testLog } from './testing/hub-parts.ts'

const WAIT_MS = 10_000

async function setUp() {
  const { db } = await testDatabase()
  const brandId = await testBrand(db)
  const { log, clock } = await testLog()
  const removed: string[] = []
  const revoked: string[] = []
  const open = async () => {
    const directory = createDirectory({
      db,
      onRemoved: (deviceId) => removed.push(deviceId),
      onRevoked: (credentialId) => revoked.push(credentialId),
    })
    await directory.load()
    return directory
  }
  const append = (directory: Awaited<ReturnType<typeof open>>) => {
    const appender = createControlAppender({
      db,
      log,
      clock,
      logger: silentLogger,
      onAppended: (records) => directory.learn(records),
    })
    onTestFinished(() => appender.stop())
    return appender
  }
  const submit = (change: ControlChange) => commitChange(db, brandId, change, clock)
  return { db, brandId, open, append, submit, removed, revoked }
}

/** The rows as the API commits them, in one transaction with the changes. */
async function insertDevice(db: Database, brandId: string, deviceId: string, hash: string): Promise<void> {
  await db.asHub(async (tx) => {
    await tx
      .insertInto('products')
      .values({ brand_id: brandId, product_key: 'ap-300', current_version: 1, created_at_ms: 0, updated_at_ms: 0 })
      .onConflict((conflict) => conflict.doNothing())
      .execute()
    await tx
      .insertInto('product_versions')
      .values({
        brand_id: brandId,
        product_key: 'ap-300',
        version: 1,
        document: JSON.stringify(aProduct()),
        sha256: 'x',
        created_at_ms: 0,
        created_by: 'test',
      })
      .onConflict((conflict) => conflict.doNothing())
      .execute()
    await tx
      .insertInto('devices')
      .values({
        brand_id: brandId,
        device_id: deviceId,
        serial: `SN-${deviceId}`,
        product_key: 'ap-300',
        owner_since_ms: 0,
        created_at_ms: 0,
        updated_at_ms: 0,
      })
      .execute()
    await insertCredential(db, brandId, deviceId, hash, tx)
  })
}

async function insertCredential(
  db: Database,
  brandId: string,
  deviceId: string,
  hash: string,
  within?: Parameters<Parameters<Database['asHub']>[0]>[0],
): Promise<void> {
  const insert = (tx: Parameters<Parameters<Database['asHub']>[0]>[0]) =>
    tx
      .insertInto('credentials')
      .values({
        brand_id: brandId,
        credential_id: `cred_${hash}`,
        device_id: deviceId,
        kind: 'token',
        hash,
        created_at_ms: 0,
      })
      .execute()
  await (within ? insert(within) : db.asHub(insert))
}

test('a device may speak only once the log knows it', async () => {
  const { db, brandId, open, append, submit } = await setUp()
  const directory = await open()
  const appender = append(directory)
  await insertDevice(db, brandId, 'dev_1', 'h1')
  await submit({ type: 'product.version', version: 1, product: aProduct() })
  const added = await submit({ type: 'device.added', device: aDevice('dev_1') })
  expect(directory.index.credential('h1')).toBeNull()
  await appender.start()
  await appender.appended(added, WAIT_MS)
  expect(directory.index.credential('h1')).toMatchObject({
    credentialId: 'cred_h1',
    device: { deviceId: 'dev_1', brandId },
  })
  expect(directory.index.productOf('dev_1')?.version).toBe(1)
})

test('a restart knows what is in the log and not what still waits', async () => {
  const { db, brandId, open, append, submit } = await setUp()
  await insertDevice(db, brandId, 'dev_1', 'h1')
  await submit({ type: 'product.version', version: 1, product: aProduct() })
  await submit({ type: 'device.added', device: aDevice('dev_1') })
  const before = append(await open())
  await before.start()
  await before.stop()
  await insertDevice(db, brandId, 'dev_2', 'h2')
  const second = await submit({ type: 'device.added', device: aDevice('dev_2') })
  const directory = await open()
  expect([directory.index.credential('h1')?.device.deviceId, directory.index.credential('h2')]).toEqual(['dev_1', null])
  const appender = append(directory)
  await appender.start()
  await appender.appended(second, WAIT_MS)
  expect(directory.index.credential('h2')?.device.deviceId).toBe('dev_2')
})

test('a credential taken away by whomever is named once, when a record of its device passes', async () => {
  const { db, brandId, open, append, submit, revoked } = await setUp()
  const appender = append(await open())
  await appender.start()
  const inForce = async (change: ControlChange) => appender.appended(await submit(change), WAIT_MS)
  await insertDevice(db, brandId, 'dev_1', 'h1')
  await insertCredential(db, brandId, 'dev_1', 'h2')
  await inForce({ type: 'device.added', device: aDevice('dev_1') })
  await db.asHub((tx) =>
    tx.updateTable('credentials').set({ revoked_at_ms: 1 }).where('credential_id', '=', 'cred_h1').execute(),
  )
  await inForce({ type: 'device.changed', device: aDevice('dev_1') })
  await inForce({ type: 'device.changed', device: aDevice('dev_1') })
  expect(revoked).toEqual(['cred_h1'])
})

test('rotation adds and takes away credentials; revocation is at once; removal ends everything', async () => {
  const { db, brandId, open, append, submit, removed } = await setUp()
  const directory = await open()
  const appender = append(directory)
  await appender.start()
  const inForce = async (change: ControlChange) => appender.appended(await submit(change), WAIT_MS)
  await insertDevice(db, brandId, 'dev_1', 'h1')
  await inForce({ type: 'device.added', device: aDevice('dev_1') })
  await insertCredential(db, brandId, 'dev_1', 'h2')
  await inForce({ type: 'device.changed', device: aDevice('dev_1') })
  expect([directory.index.credential('h1'), directory.index.credential('h2')].map((c) => c?.credentialId)).toEqual([
    'cred_h1',
    'cred_h2',
  ])
  directory.revoke({ credentialId: 'cred_h1', deviceId: 'dev_1' })
  expect(directory.index.credential('h1')).toBeNull()
  await inForce({ type: 'device.removed', deviceId: 'dev_1' })
  expect([directory.index.credential('h2'), directory.index.device('dev_1'), removed]).toEqual([null, null, ['dev_1']])
})
