/** What is done for an appliance by the calendar, as cleaning its drum: no physics feels it, but whoever looks sees it. */
export class Care {
  readonly #doneAtMs = new Map<string, number>()

  /** 0 freshly done, 1 due; due when nobody ever did it. */
  wear(serial: string, component: string, nowMs: number): number {
    const doneMs = this.#doneAtMs.get(`${serial}/${component}`)
    return doneMs === undefined ? 1 : Math.min(1, (nowMs - doneMs) / LASTS_MS)
  }

  done(serial: string, component: string, atMs: number): void {
    this.#doneAtMs.set(`${serial}/${component}`, atMs)
  }
}

/** Nobody would call it dirty again sooner. */
const LASTS_MS = 60 * 86_400_000
