import { RESERVED_KEYS } from '#contracts'

/** Names that every object inherits: as a rule, metric or parameter they would meet what is not theirs. */
export function isReserved(name: string): boolean {
  return RESERVED_KEYS.has(name)
}
