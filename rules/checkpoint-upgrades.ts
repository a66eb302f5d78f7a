import type { EntryKind } from './checkpoint-keys.ts'

/** Turns an entry of one format into the next; only ever forward. */
type Upgrade = (kind: EntryKind, entry: Record<string, unknown>) => Record<string, unknown>

/**
 * Steps by the format they start from. To change what an entry holds: raise `CHECKPOINT_FORMAT`,
 * add the step from the format before, keep its test with an entry as it was written then.
 */
const UPGRADES: Readonly<Record<number, Upgrade>> = {
  // Services of components came with `usage` and `age`; nobody had noted any. All else reads as it was.
  1: (_kind, entry) => entry,
}

/** The format this code writes. */
export const FORMAT_NOW = 2

/**
 * Brings an entry of any earlier format to the present one.
 *
 * @throws when the entry was written by a later version: going back would guess.
 */
export function upgradeEntry(
  kind: EntryKind,
  entry: { f: number },
  upgrades: Readonly<Record<number, Upgrade>> = UPGRADES,
  now = FORMAT_NOW,
): Record<string, unknown> {
  let upgraded: Record<string, unknown> = { ...entry }
  for (let format = entry.f; format !== now; format++) {
    const step = upgrades[format]
    if (format > now || !step)
      throw new Error(`The evaluator's state has format ${entry.f}; this version reads up to ${now}.`)
    upgraded = { ...step(kind, upgraded), f: format + 1 }
  }
  return upgraded
}
