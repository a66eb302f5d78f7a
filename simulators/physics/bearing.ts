/**
 * Fatigue of a ball bearing as a growing crack (Paris' law): each revolution lengthens it by
 * an amount that rises with the load and with the crack itself, so that damage is slow for
 * long and then fast. The exponent 3 is also that of ball-bearing life in ISO 281.
 */
const PARIS_EXPONENT = 3
/** Crack of a bearing as delivered, as a share of the one that fails it. */
export const CRACK_NEW = 0.04

/**
 * The crack after `revolutions` under a relative `load` (1 = rated), where a new bearing lasts
 * `lifeRevolutions` at rated load. Closed form of da/dN = C·load³·a^1.5, so the step width
 * does not matter.
 */
export function growCrack(
  crack: number,
  { revolutions, load, lifeRevolutions }: { revolutions: number; load: number; lifeRevolutions: number },
): number {
  const lived = lifeShare(crack) + (revolutions * load ** PARIS_EXPONENT) / lifeRevolutions
  return crackAt(lived)
}

/** Wear 0–1: the share of the life at rated load that this crack stands for. */
export function lifeShare(crack: number): number {
  return (CRACK_NEW ** -0.5 - crack ** -0.5) / (CRACK_NEW ** -0.5 - 1)
}

/** The crack of a bearing that has lived this share of its life; held just past failure, where it no longer grows but rattles. */
export function crackAt(share: number): number {
  const root = CRACK_NEW ** -0.5 - Math.min(share, 1.1) * (CRACK_NEW ** -0.5 - 1)
  return root ** -2
}
