import type { Happening } from './alert-lifecycle.ts'
import type { Device } from './device.ts'
import { clearEpisode, openEpisode, reopenEpisode, resolveEpisode } from './episodes.ts'
import type { Instance } from './instance.ts'
import type { SampleListener } from './instance-core.ts'
import type { Turn } from './turn.ts'

/** Turns what happens to an instance into effects. */
export class Announcer implements SampleListener {
  device!: Device
  instance!: Instance
  readonly #turn: Turn

  constructor(turn: Turn) {
    this.#turn = turn
  }

  happened(what: Happening, atMs: number, startedAtMs: number): void {
    const { device, instance } = this
    if (instance.warming) return
    if (instance.watch) {
      if (what === 'opened') instance.watch.verified = true
      return
    }
    switch (what) {
      case 'opened':
        openEpisode(this.#turn, device, instance, startedAtMs, atMs)
        break
      case 'resolved':
        resolveEpisode(this.#turn, device, instance, 'cleared')
        break
      case 'cleared':
        clearEpisode(this.#turn, device, instance)
        break
      case 'reopened':
        reopenEpisode(this.#turn, device, instance)
        break
      case 'wavered':
        if (instance.episode) instance.episode.wavered++
        break
      case 'dropped':
        this.#turn.counters.gaps++
        break
    }
  }

  /** T12: frozen by unknown truth; one event per rule and hour, never an offer. */
  failed(detail: string): void {
    const { device, instance } = this
    device.brand.reportError(this.#turn, instance.plan.ruleKey, detail)
  }
}
