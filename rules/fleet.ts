import { Brand } from './brand.ts'
import { registryKey } from './checkpoint-keys.ts'
import type { Device } from './device.ts'
import { TickTimers } from './tick-timers.ts'
import type { Turn } from './turn.ts'

/** Everything the records have told: brands with their devices and rules, and what waits for time to pass. */
export class Fleet {
  readonly brands = new Map<string, Brand>()
  readonly #timers = new TickTimers<Brand | Device>()
  /** Devices changed since the last checkpoint. */
  readonly dirtyDevices = new Set<Device>()
  /** Registry entries changed since the last checkpoint, by key. */
  readonly dirtyKeys = new Set<string>()

  brand(brandId: string): Brand {
    let brand = this.brands.get(brandId)
    if (!brand) {
      brand = new Brand(brandId)
      this.brands.set(brandId, brand)
    }
    return brand
  }

  device(brandId: string, deviceId: string): Device | undefined {
    return this.brands.get(brandId)?.devices.get(deviceId)
  }

  /** To be called after anything changed in a device: notes it for the checkpoint and for the clock. */
  touched(device: Device, turn: Turn): void {
    if (device.dirty) {
      device.dirty = false
      this.dirtyDevices.add(device)
    }
    this.schedule(device, turn)
    // Whoever is kept quiet by recurring maintenance is told when it ends.
    if (device.brand.hushed.size > 0 && device.brand.windows.byId.size > 0) this.schedule(device.brand, turn)
  }

  schedule(item: Brand | Device, turn: Turn): void {
    this.#timers.schedule(item, item.dueMs(turn))
  }

  /** Runs the boundaries up to `toMs`; only those at which something is due cost anything. */
  runTicks(turn: Turn, toMs: number): void {
    for (let boundaryMs = this.#timers.nextMs(); boundaryMs <= toMs; boundaryMs = this.#timers.nextMs()) {
      turn.tickMs = turn.atMs = boundaryMs
      for (const item of this.#timers.take()) {
        if (item instanceof Brand) this.#endSilences(item, turn, boundaryMs)
        else {
          if (item.dueMs(turn) <= boundaryMs) item.tick(turn, boundaryMs)
          this.touched(item, turn)
        }
      }
    }
  }

  #endSilences(brand: Brand, turn: Turn, boundaryMs: number): void {
    for (const { silenceId, untilMs } of brand.silences.values()) {
      if (untilMs > boundaryMs) continue
      brand.silences.delete(silenceId)
      this.dirtyKeys.add(registryKey('silence', brand.brandId, silenceId))
    }
    this.tellHushed(brand, turn)
    this.schedule(brand, turn)
  }

  /** A silence is over: what it hushed and still stands is told (T22). */
  tellHushed(brand: Brand, turn: Turn): void {
    const devices = [...brand.hushed].sort((a, b) => (a.timerKey < b.timerKey ? -1 : 1))
    for (const device of devices) {
      if (!device.tellHushed(turn)) brand.hushed.delete(device)
      this.touched(device, turn)
    }
  }
}
