import type { ResolveReason } from '#contracts'
import { NOBODY, signal } from './alert-clock.ts'
import { CLOSE } from './alert-lifecycle.ts'
import type { Device } from './device.ts'
import { resolveEpisode } from './episodes.ts'
import type { Instance } from './instance.ts'
import type { Turn } from './turn.ts'

/**
 * Ends the stay of an instance from outside: service, dismissal, silence. The condition goes on:
 * still true, it opens a new episode after its full `for`.
 */
export function closeInstance(turn: Turn, device: Device, instance: Instance, reason: ResolveReason): void {
  resolveEpisode(turn, device, instance, reason)
  resetStates(turn, instance)
  device.settle(instance)
}

/** Back to inactive, with what the condition knows kept. */
export function resetStates(turn: Turn, { core, offset, plan }: Instance): void {
  signal(core, offset, CLOSE, turn.atMs, NOBODY)
  for (const level of plan.levels) signal(core, offset + level.at, CLOSE, turn.atMs, NOBODY)
}
