import type { LevelTrackerOptions, LifeModelOptions } from '#models'

/**
 * One configuration per kind of component, chosen on training folds only; nothing here knows a file, a unit or a data set.
 * Time constants are in the kind's own units of use.
 */
export interface ComponentKind {
  tracker: LevelTrackerOptions
  life: LifeModelOptions
}

/** A filter that clogs from dry dust; use is dust fed (feed × s), level is pressure drop in Pa. */
export const GAS_FILTER: ComponentKind = {
  tracker: { fast: 4, slow: 20 },
  life: {
    path: { start: 5, limit: 600, growth: 'geometric', floor: 10 },
    bandwidth: 0.04,
    doubt: 40,
    pointsLeast: 20,
    spanLeast: 0.02,
  },
}

/** A filter that clogs from solids in a liquid; use is solids fed (per cent × s), level is pressure drop in psi. */
export const LIQUID_FILTER: ComponentKind = {
  tracker: { fast: 2, slow: 10 },
  life: {
    path: { start: 0.3, limit: 20, growth: 'geometric', floor: 1 },
    bandwidth: 0.05,
    doubt: 4,
    pointsLeast: 20,
    spanLeast: 0.02,
  },
}
