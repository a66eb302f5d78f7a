/** What devices were promised: readings whose acknowledgement arrived. */
export class Ledger {
  readonly #acknowledged = new Map<string, Map<number, number>>()
  sent = 0

  acknowledge(deviceId: string, atMs: number, value: number): void {
    let readings = this.#acknowledged.get(deviceId)
    if (!readings) this.#acknowledged.set(deviceId, (readings = new Map()))
    readings.set(atMs, value)
  }

  get size(): number {
    let size = 0
    for (const readings of this.#acknowledged.values()) size += readings.size
    return size
  }

  devices(): Iterable<[deviceId: string, readings: ReadonlyMap<number, number>]> {
    return this.#acknowledged
  }

  /** Promised readings that are not among those found. */
  missing(found: (deviceId: string, atMs: number) => number | undefined): string[] {
    const missing: string[] = []
    for (const [deviceId, readings] of this.#acknowledged)
      for (const [atMs, value] of readings)
        if (found(deviceId, atMs) !== value) missing.push(`${deviceId} at ${atMs}: ${value}`)
    return missing
  }
}
