import type { OfferView } from '#contracts'
import { instant } from '#contracts'
import type { TruthSink } from '../fleet/truth.ts'

/** What people did, for whoever tells the story. */
export type HomeownerChange =
  | { kind: 'notice'; atMs: number; view: OfferView; link: string }
  | {
      kind:
        | 'accept'
        | 'snooze'
        | 'decline'
        | 'self_service'
        | 'ignore'
        | 'stop'
        | 'reschedule'
        | 'cancel'
        | 'withdraw'
        | 'quote'
        | 'rate'
        | 'solved'
      atMs: number
      view: OfferView
      detail: string
    }
  | { kind: 'did_it'; atMs: number; serial: string; component: string }
  | { kind: 'report'; atMs: number; serial: string; component: string; channel: string }
  | { kind: 'warned'; atMs: number; text: string }

/** Writes down what people do: as truth, by appliance, and as it happens. */
export class HomeDiary {
  readonly #truth: TruthSink
  readonly #onChange: ((change: HomeownerChange) => void) | undefined

  constructor(truth: TruthSink, onChange?: (change: HomeownerChange) => void) {
    this.#truth = truth
    this.#onChange = onChange
  }

  /** An answer the hub took. */
  did(change: Extract<HomeownerChange, { detail: string }>): void {
    this.deed(change.view, change.atMs, change.detail === '' ? change.kind : `${change.kind} ${change.detail}`)
    this.tell(change)
  }

  /** What the hub cannot see, or need not. */
  deed(view: OfferView, atMs: number, deed: string): void {
    for (const { device, component } of view.needs)
      this.write({ serial: device.serial, category: device.category, component: component.key }, atMs, deed)
  }

  write(part: { serial: string; category: string; component: string }, atMs: number, deed: string): void {
    this.#truth.write({ at: instant(atMs), ...part, kind: 'deed', by: 'homeowner', deed })
  }

  tell(change: HomeownerChange): void {
    this.#onChange?.(change)
  }
}
