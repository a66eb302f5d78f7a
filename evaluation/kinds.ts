import { median } from 'simple-statistics'
import type { BatteryKind, LevelTrackerOptions, LifeModelOptions } from '#models'

/**
 * One configuration per kind of component; nothing here knows a file, a unit or a data set. How far the figures were looked at
 * while these were chosen, `models/README.md` says.
 * `fast` and `slow` are shares of the median life of the fleet at hand, so that a kind keeps its settings at any size.
 */
export interface ComponentKind {
  tracker: LevelTrackerOptions
  life: LifeModelOptions
}

/** A filter that clogs from dry dust; use is dust fed, level is pressure drop in Pa. */
export const GAS_FILTER: ComponentKind = {
  tracker: { fast: 0.017, slow: 0.085 },
  life: {
    path: { start: 5, limit: 600, growth: 'geometric', floor: 10 },
    bandwidth: 0.04,
    doubt: 40,
    pointsLeast: 20,
    spanLeast: 0.02,
  },
}

/** A filter that clogs from solids in a liquid; use is solids fed, level is pressure drop in psi. */
export const LIQUID_FILTER: ComponentKind = {
  tracker: { fast: 0.02, slow: 0.1 },
  life: {
    path: { start: 0.3, limit: 20, growth: 'geometric', floor: 1 },
    bandwidth: 0.05,
    doubt: 4,
    pointsLeast: 20,
    spanLeast: 0.02,
  },
}

/** A primary battery of six cells in series; use is energy drawn in J, level is voltage. */
export const PRIMARY_BATTERY: ComponentKind = {
  tracker: { fast: 0.005, slow: 0.03 },
  life: {
    path: { start: 9.3, limit: 6, growth: 'linear' },
    bandwidth: 0.04,
    doubt: 10,
    pointsLeast: 10,
    spanLeast: 0.01,
  },
}

/** A lithium-ion cell; use is full cycles, level is what is left of the way from its first capacity (1) to its end (0). */
export const LITHIUM_CELL: ComponentKind = {
  tracker: { fast: 0.03, slow: 0.1 },
  life: {
    path: { start: 1, limit: 0, growth: 'linear' },
    bandwidth: 0.06,
    doubt: 10,
    pointsLeast: 10,
    spanLeast: 0.02,
  },
}

/** A lithium thionyl chloride cell of 3.6 V under a radio's bursts; its voltage stands until it is nearly spent. */
export const LITHIUM_PRIMARY: BatteryKind = { fullV: 3.6, emptyV: 3, voltsPerC: 0.003 }

/** A kind's tracker for a fleet: its shares times the median life of the training units. */
export function trackerFor({ tracker }: ComponentKind, lives: readonly (number | null)[]): LevelTrackerOptions {
  const typical = median(lives.filter((life) => life !== null))
  return { fast: tracker.fast * typical, slow: tracker.slow * typical }
}
