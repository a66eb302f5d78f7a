import type { ControlChange, ControlRecord, ProductDocument } from '#contracts'
import type { Database, Tx } from '#store'
import { type CredentialFacts, DeviceIndex } from './device-index.ts'

/** What broker and ingest ask about devices; it knows only what is already in the log. */
export interface DeviceDirectory {
  readonly index: DeviceIndex
  /** Reads everything that is in force from Postgres. Before the appender starts. */
  load(): Promise<void>
  /** For the appender: what just got its position. */
  learn(records: readonly ControlRecord[]): Promise<void>
  /** Closes the gate now, ahead of any record: the credential is gone from Postgres already. */
  revoke(credential: { credentialId: string; deviceId: string }): void
}

/** Devices per query while loading: some megabytes at a time. */
const PAGE_ROWS = 5_000

export interface DirectoryOptions {
  db: Database
  onRemoved?: (deviceId: string) => void
  /** A credential of a device that stays has stopped working, whoever took it away: its sessions are to end. */
  onRevoked?: (credentialId: string) => void
}

/** An empty directory: `load` fills it from Postgres, `learn` follows the log. */
export function createDirectory(options: DirectoryOptions): DeviceDirectory {
  const { db, onRemoved, onRevoked } = options
  const index = new DeviceIndex()
  return {
    index,
    load: () =>
      db.asHub(async (tx) => {
        const waiting = await changesNotInLog(tx)
        await loadProducts(tx, index, waiting)
        await loadDevices(tx, index, waiting)
      }),
    async learn(records) {
      const changed = new Set<string>()
      for (const { brandId, change } of records) {
        if (brandId === null) continue
        if (index.learn(brandId, change) && 'device' in change) changed.add(change.device.deviceId)
        if (change.type === 'device.removed') {
          changed.delete(change.deviceId)
          onRemoved?.(change.deviceId)
        }
      }
      if (changed.size === 0) return
      const credentials = await db.asHub((tx) => credentialsOf(tx, [...changed]))
      for (const deviceId of changed)
        for (const gone of index.setCredentials(deviceId, credentials.get(deviceId) ?? [])) onRevoked?.(gone)
    },
    revoke: ({ credentialId, deviceId }) => index.revoke(credentialId, deviceId),
  }
}

interface Waiting {
  /** Devices whose registration is committed and not yet in the log: nobody may speak for them. */
  devices: ReadonlySet<string>
  products: ReadonlySet<string>
}

/** Read first: what gets its position meanwhile is then learnt twice rather than never. */
async function changesNotInLog(tx: Tx): Promise<Waiting> {
  const rows = await tx
    .selectFrom('control_changes')
    .select(['brand_id as brandId', 'change'])
    .where('seq', 'is', null)
    .execute()
  const devices = new Set<string>()
  const products = new Set<string>()
  for (const { brandId, change } of rows as { brandId: string | null; change: ControlChange }[]) {
    if (change.type === 'device.added') devices.add(change.device.deviceId)
    if (change.type === 'product.version') products.add(versionKey(brandId ?? '', change.product.key, change.version))
  }
  return { devices, products }
}

async function loadProducts(tx: Tx, index: DeviceIndex, waiting: Waiting): Promise<void> {
  const rows = await tx
    .selectFrom('product_versions')
    .select(['brand_id as brandId', 'product_key as productKey', 'version'])
    .select('document')
    .orderBy('version')
    .execute()
  for (const { brandId, productKey, version, document } of rows)
    if (!waiting.products.has(versionKey(brandId, productKey, version)))
      index.setProduct(brandId, { version, document: document as ProductDocument })
}

async function loadDevices(tx: Tx, index: DeviceIndex, waiting: Waiting): Promise<void> {
  for (let after = ''; ; ) {
    const rows = await tx
      .selectFrom('devices')
      .select(['brand_id', 'device_id', 'serial', 'product_key', 'gateway_id'])
      .where('removed_at_ms', 'is', null)
      .where('device_id', '>', after)
      .orderBy('device_id')
      .limit(PAGE_ROWS)
      .execute()
    const last = rows.at(-1)
    if (!last) return
    after = last.device_id
    const present = rows.filter((row) => !waiting.devices.has(row.device_id))
    for (const row of present)
      index.setDevice(row.brand_id, {
        deviceId: row.device_id,
        serial: row.serial,
        productKey: row.product_key,
        gatewayId: row.gateway_id,
      })
    const credentials = await credentialsOf(
      tx,
      present.map((row) => row.device_id),
    )
    for (const [deviceId, facts] of credentials) index.setCredentials(deviceId, facts)
  }
}

async function credentialsOf(tx: Tx, deviceIds: string[]): Promise<Map<string, CredentialFacts[]>> {
  const found = new Map<string, CredentialFacts[]>()
  if (deviceIds.length === 0) return found
  const rows = await tx
    .selectFrom('credentials')
    .select(['credential_id as credentialId', 'device_id as deviceId', 'hash'])
    .where('device_id', 'in', deviceIds)
    .where('revoked_at_ms', 'is', null)
    .execute()
  for (const row of rows) {
    const facts = found.get(row.deviceId)
    if (facts) facts.push(row)
    else found.set(row.deviceId, [row])
  }
  return found
}

const versionKey = (brandId: string, productKey: string, version: number): string =>
  `${brandId}/${productKey}/${version}`
