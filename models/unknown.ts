/**
 * Why a model says nothing. Each is a sentence for a person elsewhere; here it is a reason a program can act on:
 * - `too-few-points`, `too-short-span`: wait;
 * - `no-fleet`: nothing of this kind has reached its end yet, so nobody knows how long it takes;
 * - `no-trend`: the readings do not move towards the limit;
 * - `no-use`: the part is hardly used, so its use says nothing of days;
 * - `beyond-horizon`: longer than the fleet has ever shown, which is not the same as a date;
 * - `implausible-input`: the readings cannot be what they say they are.
 */
export type UnknownReason =
  | 'too-few-points'
  | 'too-short-span'
  | 'no-fleet'
  | 'no-trend'
  | 'no-use'
  | 'beyond-horizon'
  | 'implausible-input'

export interface Unknown {
  known: false
  reason: UnknownReason
}

export const unknown = (reason: UnknownReason): Unknown => ({ known: false, reason })
