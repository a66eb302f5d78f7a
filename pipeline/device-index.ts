import type { ControlChange, DeviceFacts, ProductDocument } from '#contracts'

/** What the edge knows of a device: enough to admit it and to validate what it says. */
export interface KnownDevice {
  readonly deviceId: string
  readonly brandId: string
  readonly serial: string
  readonly productKey: string
  /** The gateway that may speak for it. */
  readonly gatewayId: string | null
}

export interface KnownProduct {
  readonly version: number
  readonly document: ProductDocument
}

export interface KnownCredential {
  readonly credentialId: string
  readonly device: KnownDevice
}

/** A credential as stored: a hash, never the secret. */
export interface CredentialFacts {
  credentialId: string
  deviceId: string
  hash: string
}

/** A product of this category may speak for others before any is registered under it. */
const GATEWAY_CATEGORY = 'gateway'

interface DeviceEntry extends KnownDevice {
  /** Hashes by which it may come in; most devices have one, a rotating one two. */
  hashes: string[]
}

/**
 * Devices, products and credentials in memory, found in one step each. A hundred thousand devices
 * take some tens of megabytes: keys are shared, and nothing is kept that the edge does not ask for.
 */
export class DeviceIndex {
  readonly #devices = new Map<string, DeviceEntry>()
  readonly #credentials = new Map<string, { credentialId: string; deviceId: string }>()
  readonly #bySerial = new Map<string, Map<string, string>>()
  /** How many devices are registered under each gateway. */
  readonly #children = new Map<string, number>()
  readonly #products = new Map<string, Map<string, KnownProduct>>()
  /** One string object per brand and product, however many devices name it. */
  readonly #shared = new Map<string, string>()

  device(deviceId: string): KnownDevice | null {
    return this.#devices.get(deviceId) ?? null
  }

  /** The device whose credential has this hash; `null` for anybody else. */
  credential(hash: string): KnownCredential | null {
    const found = this.#credentials.get(hash)
    const device = found && this.#devices.get(found.deviceId)
    return found && device ? { credentialId: found.credentialId, device } : null
  }

  bySerial(brandId: string, serial: string): KnownDevice | null {
    const deviceId = this.#bySerial.get(brandId)?.get(serial)
    return deviceId === undefined ? null : this.device(deviceId)
  }

  /** A device registered under this gateway, by the name the gateway uses: its serial. */
  child(gatewayId: string, serial: string): KnownDevice | null {
    const gateway = this.#devices.get(gatewayId)
    const device = gateway ? this.bySerial(gateway.brandId, serial) : null
    return device?.gatewayId === gatewayId ? device : null
  }

  /** Devices are registered under it, or its product says that it is one. */
  isGateway(deviceId: string): boolean {
    return this.#children.has(deviceId) || this.productOf(deviceId)?.document.category === GATEWAY_CATEGORY
  }

  product(brandId: string, productKey: string): KnownProduct | null {
    return this.#products.get(brandId)?.get(productKey) ?? null
  }

  productOf(deviceId: string): KnownProduct | null {
    const device = this.#devices.get(deviceId)
    return device ? this.product(device.brandId, device.productKey) : null
  }

  get size(): { devices: number; credentials: number } {
    return { devices: this.#devices.size, credentials: this.#credentials.size }
  }

  setProduct(brandId: string, product: KnownProduct): void {
    const products = mapIn(this.#products, this.#share(brandId))
    const known = products.get(product.document.key)
    if (!known || known.version <= product.version) products.set(this.#share(product.document.key), product)
  }

  setDevice(brandId: string, facts: Pick<DeviceFacts, 'deviceId' | 'serial' | 'productKey' | 'gatewayId'>): void {
    const before = this.#devices.get(facts.deviceId)
    if (before && before.serial !== facts.serial) this.#forgetSerial(before)
    const entry: DeviceEntry = {
      deviceId: before?.deviceId ?? facts.deviceId,
      brandId: this.#share(brandId),
      serial: facts.serial,
      productKey: this.#share(facts.productKey),
      gatewayId: facts.gatewayId === null ? null : this.#share(facts.gatewayId),
      hashes: before?.hashes ?? [],
    }
    this.#countChild(before?.gatewayId ?? null, -1)
    this.#countChild(entry.gatewayId, 1)
    this.#devices.set(entry.deviceId, entry)
    mapIn(this.#bySerial, entry.brandId).set(entry.serial, entry.deviceId)
  }

  /** The credentials a device has now; those it had before and has no more stop working, and are named. */
  setCredentials(deviceId: string, credentials: readonly CredentialFacts[]): string[] {
    const device = this.#devices.get(deviceId)
    if (!device) return []
    const before = device.hashes.map((hash) => this.#credentials.get(hash)!.credentialId)
    for (const hash of device.hashes) this.#credentials.delete(hash)
    device.hashes = credentials.map((credential) => credential.hash)
    for (const { hash, credentialId } of credentials)
      this.#credentials.set(hash, { credentialId, deviceId: device.deviceId })
    return before.filter((credentialId) => !credentials.some((one) => one.credentialId === credentialId))
  }

  revoke(credentialId: string, deviceId: string): void {
    const device = this.#devices.get(deviceId)
    if (!device) return
    const revoked = (hash: string): boolean => this.#credentials.get(hash)?.credentialId === credentialId
    for (const hash of device.hashes.filter(revoked)) this.#credentials.delete(hash)
    device.hashes = device.hashes.filter((hash) => this.#credentials.has(hash))
  }

  removeDevice(deviceId: string): void {
    const device = this.#devices.get(deviceId)
    if (!device) return
    for (const hash of device.hashes) this.#credentials.delete(hash)
    this.#forgetSerial(device)
    this.#countChild(device.gatewayId, -1)
    this.#devices.delete(deviceId)
  }

  /** What a control record teaches; `true` when the device's credentials have to be read anew. */
  learn(brandId: string, change: ControlChange): boolean {
    switch (change.type) {
      case 'product.version':
        this.setProduct(brandId, { version: change.version, document: change.product })
        return false
      case 'device.added':
      case 'device.changed':
      case 'device.moved':
        this.setDevice(brandId, change.device)
        return true
      case 'device.removed':
        this.removeDevice(change.deviceId)
        return false
      default:
        return false
    }
  }

  #countChild(gatewayId: string | null, by: 1 | -1): void {
    if (gatewayId === null) return
    const count = (this.#children.get(gatewayId) ?? 0) + by
    if (count > 0) this.#children.set(gatewayId, count)
    else this.#children.delete(gatewayId)
  }

  #forgetSerial(device: KnownDevice): void {
    const serials = this.#bySerial.get(device.brandId)
    if (serials?.get(device.serial) === device.deviceId) serials.delete(device.serial)
  }

  #share(text: string): string {
    const known = this.#shared.get(text)
    if (known !== undefined) return known
    this.#shared.set(text, text)
    return text
  }
}

function mapIn<V>(outer: Map<string, Map<string, V>>, key: string): Map<string, V> {
  let inner = outer.get(key)
  if (!inner) outer.set(key, (inner = new Map()))
  return inner
}
