/** What somebody standing before the appliance can see and do; the fleet is this. */
export interface World {
  has(serial: string): boolean
  /** 0 new, 1 failed. */
  wear(serial: string, component: string): number
  replace(serial: string, component: string, how: Replacement): void
}

export interface Replacement {
  atMs: number
  by: string
  /** A bad part: wears this many times as fast as a good one. 1 when absent. */
  pace?: number
}
