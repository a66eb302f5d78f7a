import type { Margins } from './conformal.ts'

/** A course this many standard deviations off is outside what the fleet has shown. */
const STRANGE = 3.5
/** Covariates that alone make life uncertain by more than this (as standard deviation of its logarithm). */
const UNSEEN_LOG_SD = 0.1
/** Margins grow by this for each standard deviation beyond {@link STRANGE}, up to the most. */
const WIDEN_PER_SD = 0.25
const WIDEN_MOST = 3
/** Half of a 90 % and of an 80 % interval, in standard deviations. */
const Z90 = 1.645
const Z80 = 1.282

/** How far a device is outside what its fleet has shown. */
export interface Doubt {
  /** Of its course, in standard deviations; below 3 is ordinary. */
  strangeness: number
  /** Standard deviation of log life from a load or medium the fleet has not shown. */
  logSd: number
}

export const isOutside = ({ strangeness, logSd }: Doubt): boolean => strangeness > STRANGE || logSd > UNSEEN_LOG_SD

/**
 * The ends of the intervals around a forecast: its margins as measured on units kept out of the fit, wider for a course
 * or a load the fleet has not shown. Never below 0.
 *
 * @param whole the whole life the forecast speaks of, in the same unit: what a doubt about the law of life is a share of
 */
export function sidesOf(
  remaining: number,
  margins: Margins,
  { strangeness, logSd, whole }: Doubt & { whole: number },
): { p05: number; p10: number; p90: number; p95: number } {
  const widen = Math.min(1 + WIDEN_PER_SD * Math.max(strangeness - STRANGE, 0), WIDEN_MOST)
  const doubt = logSd * whole
  // Independent of what the residuals show, so the two add as squares; the margin itself may lie on either side.
  const side = (margin: number, z: number) => {
    const own = margin * widen
    const more = Math.hypot(own, z * doubt) - Math.abs(own)
    return Math.max(remaining + own + Math.sign(z) * more, 0)
  }
  return {
    p05: side(margins.low90, -Z90),
    p10: side(margins.low80, -Z80),
    p90: side(margins.high80, Z80),
    p95: side(margins.high90, Z90),
  }
}
