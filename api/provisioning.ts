import type { ProvisionAnswer, ProvisionRequest } from '#broker'
import type { ControlChange } from '#contracts'
import { type Clock, equalInConstantTime, HubError, isHubError, tokenHash } from '#platform'
import { type Database, submitChange, type Tx, writeAudit } from '#store'
import { deviceFacts, placeOf } from './device-facts.ts'
import { type NewDevice, surroundingsOf } from './devices.ts'
import type { Work } from './http/commit.ts'
import { insertToken, type Registration, registerDevice } from './register-devices.ts'
import type { ApiServices } from './services.ts'

/** In place of a provisioning key's public half: the secret is then a claim token. */
const CLAIM_KEY = 'claim'
const SERIAL = /^[\x21-\x7e]{1,64}$/
const APPENDED_WITHIN_MS = 5_000

export interface ProvisionOptions {
  db: Database
  clock: Clock
  control: ApiServices['control']
  bridge: { devices: Pick<ApiServices['bridge']['devices'], 'gone'> }
}

/**
 * First contact of a device, over MQTT or HTTP: with a provisioning key (many devices of one
 * product) or a claim token (one serial, once, within minutes) it gets an access token, shown
 * here only. Resolves when the log knows the device, so that its first reading is welcome.
 */
export function createProvision({
  db,
  clock,
  control,
  bridge,
}: ProvisionOptions): (request: ProvisionRequest) => Promise<ProvisionAnswer> {
  return async ({ deviceName: serial, provisionDeviceKey, provisionDeviceSecret }) => {
    if (!SERIAL.test(serial)) return refused('deviceName must be the serial: 1–64 visible ASCII characters.')
    const door = provisionDeviceKey === CLAIM_KEY ? claimDoor : keyDoor
    const found = await db.asHub((tx) =>
      door.find(tx, { provisionDeviceKey, provisionDeviceSecret, serial }, clock.nowMs()),
    )
    if (!found) return refused('The provisioning key or claim token is not valid for this device.')
    const { brandId } = found
    let changeIds: string[] = []
    try {
      const token = await db.asBrand(brandId, async (tx) => {
        changeIds = []
        const nowMs = clock.nowMs()
        const change = async (what: ControlChange): Promise<string> => {
          const id = await submitChange(tx, { brandId, change: what, nowMs })
          changeIds.push(id)
          return id
        }
        const left = (deviceId: string): Promise<void> =>
          bridge.devices.gone(tx, brandId, deviceId, { by: { kind: 'hub', id: CLAIM_KEY } })
        const changeAll = async (all: readonly ControlChange[]): Promise<void> => {
          for (const what of all) await change(what)
        }
        return door.enter({ tx, brandId, nowMs, change, changeAll, left }, found, serial)
      })
      control.nudge()
      for (const changeId of changeIds.slice(-1)) await control.appended(changeId, APPENDED_WITHIN_MS)
      return { status: 'SUCCESS', credentialsType: 'ACCESS_TOKEN', credentialsValue: token }
    } catch (error) {
      if (isHubError(error) && error.status < 500) return refused(error.message)
      throw error
    }
  }
}

interface Shown {
  provisionDeviceKey: string
  provisionDeviceSecret: string
  serial: string
}

/** What a valid key or token stands for. */
interface Found {
  brandId: string
  /** Public half of the key, or hash of the token. */
  name: string
}

type Entering = Registration &
  Pick<Work, 'change'> & {
    /** It stands in another home now: what the home before was promised ends. */
    left(deviceId: string): Promise<void>
  }

interface Door {
  find(tx: Tx, shown: Shown, nowMs: number): Promise<Found | null>
  /** Uses it up and returns the device's access token. */
  enter(registration: Entering, found: Found, serial: string): Promise<string>
}

const keyDoor: Door = {
  async find(tx, { provisionDeviceKey, provisionDeviceSecret }, nowMs) {
    const row = await tx
      .selectFrom('provisioning_keys')
      .select(['brand_id', 'public_key', 'secret_hash', 'expires_at_ms'])
      .where('public_key', '=', provisionDeviceKey)
      .where('revoked_at_ms', 'is', null)
      .executeTakeFirst()
    if (!row || !equalInConstantTime(row.secret_hash, tokenHash(provisionDeviceSecret))) return null
    if (row.expires_at_ms !== null && row.expires_at_ms <= nowMs) return null
    return { brandId: row.brand_id, name: row.public_key }
  },
  async enter(registration, { name }, serial) {
    const { tx, brandId, nowMs } = registration
    const key = await tx
      .selectFrom('provisioning_keys')
      .selectAll()
      .where('brand_id', '=', brandId)
      .where('public_key', '=', name)
      .where('revoked_at_ms', 'is', null)
      .forUpdate()
      .executeTakeFirst()
    if (!key) throw new HubError('FORBIDDEN', 'The provisioning key was revoked.')
    if (key.uses_left === 0) throw new HubError('FORBIDDEN', 'The provisioning key is used up.')
    if (key.uses_left !== null) {
      await tx
        .updateTable('provisioning_keys')
        .set({ uses_left: key.uses_left - 1 })
        .where('brand_id', '=', brandId)
        .where('provisioning_id', '=', key.provisioning_id)
        .execute()
    }
    const device: NewDevice = {
      serial,
      product: key.product_key,
      tags: key.tags,
      ...(key.region === null ? {} : { region: key.region }),
    }
    const { deviceId, token } = await registerDevice(registration, device, await surroundingsOf(tx, brandId, [device]))
    await note(tx, { brandId, nowMs, deviceId, by: key.provisioning_id })
    return token
  },
}

const claimDoor: Door = {
  async find(tx, { provisionDeviceSecret, serial }, nowMs) {
    const row = await tx
      .selectFrom('claim_tokens')
      .select(['brand_id', 'token_hash', 'serial', 'expires_at_ms', 'used_at_ms'])
      .where('token_hash', '=', tokenHash(provisionDeviceSecret))
      .executeTakeFirst()
    if (!row || row.serial !== serial || row.used_at_ms !== null || row.expires_at_ms <= nowMs) return null
    return { brandId: row.brand_id, name: row.token_hash }
  },
  async enter(registration, { name }, serial) {
    const { tx, brandId, nowMs, change, left } = registration
    // Of two that come at once, the row lock lets one through.
    const claim = await tx
      .updateTable('claim_tokens')
      .set({ used_at_ms: nowMs })
      .where('brand_id', '=', brandId)
      .where('token_hash', '=', name)
      .where('used_at_ms', 'is', null)
      .where('expires_at_ms', '>', nowMs)
      .returningAll()
      .executeTakeFirst()
    if (!claim) throw new HubError('FORBIDDEN', 'The claim token was used or has expired.')
    const known = await tx
      .selectFrom('devices')
      .selectAll()
      .where('brand_id', '=', brandId)
      .where('serial', '=', serial)
      .where('removed_at_ms', 'is', null)
      .forUpdate()
      .executeTakeFirst()
    if (!known) {
      const device: NewDevice = {
        serial,
        product: claim.product_key,
        ...(claim.home_id === null ? {} : { home: claim.home_id }),
      }
      const { deviceId, token } = await registerDevice(
        registration,
        device,
        await surroundingsOf(tx, brandId, [device]),
      )
      await note(tx, { brandId, nowMs, deviceId, by: CLAIM_KEY })
      return token
    }
    if (known.product_key !== claim.product_key) {
      throw new HubError('CONFLICT', `The serial is registered as another product than ${claim.product_key}.`)
    }
    // Registered before it was sold: claiming gives it its home, and a token only its new owner's device knows.
    await tx
      .updateTable('credentials')
      .set({ revoked_at_ms: nowMs })
      .where('brand_id', '=', brandId)
      .where('device_id', '=', known.device_id)
      .where('kind', '=', 'token')
      .where('revoked_at_ms', 'is', null)
      .execute()
    const { token } = await insertToken(tx, { brandId, deviceId: known.device_id, nowMs })
    const moved = claim.home_id !== null && claim.home_id !== known.home_id
    const homeId = moved ? claim.home_id : known.home_id
    const after = await tx
      .updateTable('devices')
      .set({
        home_id: homeId,
        updated_at_ms: nowMs,
        ...(moved ? { owner_epoch: known.owner_epoch + 1, owner_since_ms: nowMs } : {}),
      })
      .where('brand_id', '=', brandId)
      .where('device_id', '=', known.device_id)
      .returningAll()
      .executeTakeFirstOrThrow()
    const facts = deviceFacts(after, await placeOf(tx, brandId, homeId))
    await change({ type: moved ? 'device.moved' : 'device.changed', device: facts })
    if (moved) await left(known.device_id)
    await note(tx, { brandId, nowMs, deviceId: known.device_id, by: CLAIM_KEY })
    return token
  },
}

async function note(tx: Tx, entry: { brandId: string; nowMs: number; deviceId: string; by: string }): Promise<void> {
  await writeAudit(tx, {
    brandId: entry.brandId,
    atMs: entry.nowMs,
    actor: entry.deviceId,
    action: 'device.provisioned',
    subject: entry.deviceId,
    detail: { by: entry.by },
  })
}

function refused(errorMsg: string): ProvisionAnswer {
  return { status: 'FAILURE', errorMsg }
}
