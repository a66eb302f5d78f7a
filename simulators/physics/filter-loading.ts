/**
 * A pleated HEPA filter filling with dust.
 *
 * Resistance is that of the clean medium plus that of the deposit (Darcy's law for both; the
 * specific-cake-resistance form of textbook aerosol filtration). While dust settles in the
 * depth of the medium the resistance grows in proportion to its mass; once fibres are
 * covered a cake forms and each gram costs more, hence the quadratic term (clogging
 * experiments on fibrous filters show this knee).
 */
export interface FilterMedium {
  /** Clean, Pa per m³/h of the whole filter. */
  cleanResistance: number
  /** Added by depth loading when full, Pa per m³/h. */
  depthResistance: number
  /** Added by the cake when full, Pa per m³/h. */
  cakeResistance: number
  /** Dust at which it counts as full, g: the flow has halved (the end of life of GB/T 18801, class P4 from 12 g). */
  capacityG: number
  /** Share of particles held in one pass; H13 is 0.9995, household pleats near 0.995. */
  efficiency: number
}

/** Scaled so that the AP-300 at high speed moves 300 m³/h clean and 150 m³/h when full. */
export const HEPA_300: FilterMedium = {
  cleanResistance: 1 / 6,
  depthResistance: 1,
  cakeResistance: 2 / 3,
  capacityG: 12,
  efficiency: 0.995,
}

/** Pa per m³/h with `dustG` on it. */
export function filterResistance(medium: FilterMedium, dustG: number): number {
  const load = dustG / medium.capacityG
  return medium.cleanResistance + medium.depthResistance * load + medium.cakeResistance * load ** 2
}

/** Grams caught from air of `pm25UgM3` drawn at `flowM3h` for `hours`. */
export function dustCaught(
  medium: FilterMedium,
  { pm25UgM3, flowM3h, hours }: { pm25UgM3: number; flowM3h: number; hours: number },
): number {
  return pm25UgM3 * 1e-6 * flowM3h * hours * medium.efficiency
}
