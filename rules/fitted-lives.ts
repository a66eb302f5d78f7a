import type { ServiceLife } from '#models'

/** What the fleet has taught of one component, and which night taught it. */
export interface FittedLife {
  version: number
  life: ServiceLife
}

/** By component. */
export type FittedLives = ReadonlyMap<string, FittedLife>

export const NO_LIVES: FittedLives = new Map()
