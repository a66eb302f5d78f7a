import { type Clock, HubError, newId, newSecret, tokenHash } from '#platform'
import { type Database, type Tx, writeAudit } from '#store'
import type { Principal, Role } from './http/access.ts'

/** Rows of the operator, who is no brand, carry this in place of a brand's id. */
export const HUB = 'hub'

/** What keys look like, so that a secret scanner can find one that leaked. */
const KEY_PREFIX = 'bfh_'

export interface NewKey {
  keyId: string
  /** The key itself: seen here once, stored only as a hash. */
  key: string
}

/** Who holds the key with this hash; `null` for a key that is unknown, revoked, or of a disabled brand. */
export async function findKey(db: Database, hash: string): Promise<Principal | null> {
  const row = await db.asHub((tx) =>
    tx
      .selectFrom('api_keys as k')
      .leftJoin('brands as b', 'b.brand_id', 'k.brand_id')
      .select(['k.key_id', 'k.brand_id', 'k.role', 'k.partner_key', 'k.expires_at_ms', 'b.disabled_at_ms'])
      .where('k.key_hash', '=', hash)
      .where('k.revoked_at_ms', 'is', null)
      .executeTakeFirst(),
  )
  if (!row || row.disabled_at_ms !== null) return null
  return {
    keyId: row.key_id,
    role: row.role,
    brandId: row.brand_id === HUB ? null : row.brand_id,
    partnerKey: row.partner_key,
    expiresAtMs: row.expires_at_ms,
  }
}

export interface KeyRequest {
  brandId: string
  role: Role
  label: string
  partnerKey: string | null
  expiresAtMs: number | null
  createdBy: string
  atMs: number
  /** Chosen by the operator for scripted set-up; made here otherwise. */
  key?: string
}

export async function insertKey(tx: Tx, request: KeyRequest): Promise<NewKey> {
  const key = request.key ?? `${KEY_PREFIX}${newSecret()}`
  const keyId = newId('key')
  await tx
    .insertInto('api_keys')
    .values({
      brand_id: request.brandId,
      key_id: keyId,
      role: request.role,
      label: request.label,
      key_hash: tokenHash(key),
      partner_key: request.partnerKey,
      created_at_ms: request.atMs,
      created_by: request.createdBy,
      expires_at_ms: request.expiresAtMs,
    })
    .execute()
  return { keyId, key }
}

/**
 * The operator's first key, made at the first start and printed once. `null` when there is
 * one already: a hub that runs is never given a second by starting it again. With `key` (from
 * `HUB_ADMIN_KEY`) that very key is stored, and stored again should it be missing.
 */
/** A key of a command that opened the data folder itself; a day is longer than any import. */
const COMMAND_KEY_MS = 86_400_000

/**
 * A brand's admin key for a command on this machine, which holds the data folder and could read everything anyway.
 * The only brand is meant when none is named; in a hub without any, the named one is made.
 *
 * @throws {HubError} `USAGE` when it is not clear which brand, `NOT_FOUND` when there is none of that name
 */
export async function createCommandKey(
  db: Database,
  { clock, brand }: { clock: Clock; brand?: string | undefined },
): Promise<NewKey> {
  const atMs = clock.nowMs()
  return db.asHub(async (tx) => {
    const brands = await tx.selectFrom('brands').select(['brand_id', 'key']).execute()
    const known =
      brand === undefined ? (brands.length === 1 ? brands[0] : undefined) : brands.find(({ key }) => key === brand)
    if (!known && brand === undefined && brands.length > 0)
      throw new HubError(
        'USAGE',
        `There are several brands: name one with --brand (${brands.map(({ key }) => key).join(', ')}).`,
      )
    if (!known && brands.length > 0) throw new HubError('NOT_FOUND', `There is no brand “${brand}”.`)
    const brandId = known?.brand_id ?? newId('brand')
    const key = brand ?? 'my-brand'
    if (!known)
      await tx
        .insertInto('brands')
        .values({
          brand_id: brandId,
          key,
          name: JSON.stringify({ en: key, 'zh-CN': key }),
          created_at_ms: atMs,
          updated_at_ms: atMs,
        })
        .execute()
    const made = await insertKey(tx, {
      brandId,
      role: 'admin',
      label: 'a command on the hub’s machine',
      partnerKey: null,
      expiresAtMs: atMs + COMMAND_KEY_MS,
      createdBy: HUB,
      atMs,
    })
    await writeAudit(tx, {
      brandId,
      atMs,
      actor: HUB,
      action: 'key.created',
      subject: made.keyId,
      detail: { role: 'admin' },
    })
    return made
  })
}

/**
 * Makes the operator's key: the one given, unless it is known, or a new one, unless there is any. `null` when nothing
 * was made; the key itself is shown this once.
 */
export async function createFirstAdmin(db: Database, options: { clock: Clock; key?: string }): Promise<NewKey | null> {
  return db.asHub(async (tx) => {
    const known = await tx
      .selectFrom('api_keys')
      .select(['key_id', 'key_hash'])
      .where('role', '=', 'platform')
      .where('revoked_at_ms', 'is', null)
      .execute()
    const wanted = options.key === undefined ? null : tokenHash(options.key)
    if (wanted === null ? known.length > 0 : known.some((row) => row.key_hash === wanted)) return null
    const atMs = options.clock.nowMs()
    const made = await insertKey(tx, {
      brandId: HUB,
      role: 'platform',
      label: 'first administrator',
      partnerKey: null,
      expiresAtMs: null,
      createdBy: HUB,
      atMs,
      ...(options.key === undefined ? {} : { key: options.key }),
    })
    await writeAudit(tx, {
      brandId: HUB,
      atMs,
      actor: HUB,
      action: 'key.created',
      subject: made.keyId,
      detail: { role: 'platform' },
    })
    return made
  })
}
