import { TRUTH } from './alert-clock.ts'
import { FALSE } from './alert-lifecycle.ts'
import type { Device } from './device.ts'
import { closeInstance } from './lifecycle-end.ts'
import type { Turn } from './turn.ts'
import { verificationWindowMs } from './verification.ts'

/**
 * T26: a component was renewed or repaired. Alerts of it end as serviced when their condition is
 * known-false now; otherwise at the first known-false answer within the verification window. One
 * that is known-true after that was not fixed and stays the episode it is. Windows begin anew: what was
 * measured before says nothing of the new part, also where it arrives only now.
 */
export function markServiced(turn: Turn, device: Device, component: string, atMs: number): void {
  const deadlineMs = turn.atMs + verificationWindowMs(device, component)
  const servicedMs = Math.min(atMs, turn.atMs)
  for (const instance of device.instances) {
    const { episode, core, offset } = instance
    if (instance.plan.component !== component) continue
    if (instance.windows.length > 0 && !instance.watch) {
      for (const window of instance.windows) window.forget(servicedMs)
      instance.settle(Math.max(device.watermarkMs, servicedMs))
    }
    if (!episode) continue
    if (core[offset + TRUTH] === FALSE && device.knows(turn, instance))
      closeInstance(turn, device, instance, 'serviced')
    else episode.serviced = { atMs: servicedMs, deadlineMs }
  }
}
