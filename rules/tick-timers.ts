/** Hub time passes for conditions in steps of this size. */
export const TICK_MS = 10_000

export function boundaryAtOrAfter(atMs: number): number {
  return Math.ceil(atMs / TICK_MS) * TICK_MS
}

/** The first boundary at which more than `atMs` has passed. */
export function boundaryAfter(atMs: number): number {
  return Math.floor(atMs / TICK_MS) * TICK_MS + TICK_MS
}

/** Something that wants to be looked at when hub time passes a boundary. */
export interface Tickable {
  /** Orders what is due at the same boundary, so that every run serves it alike. */
  readonly timerKey: string
  /** The boundary it waits for; entries for another one are stale. */
  scheduledMs: number
}

/**
 * Boundaries with what waits for them: a tick costs what is due, not what exists. Moving to an
 * earlier boundary leaves a stale entry behind; moving to a later one is done when the earlier comes.
 */
export class TickTimers<T extends Tickable> {
  readonly #waiting = new Map<number, T[]>()
  /** Binary heap of the boundaries in the map. */
  readonly #boundaries: number[] = []

  /** Makes sure the item is looked at at `boundaryMs` or before. */
  schedule(item: T, boundaryMs: number): void {
    if (boundaryMs >= item.scheduledMs) return
    item.scheduledMs = boundaryMs
    const waiting = this.#waiting.get(boundaryMs)
    if (waiting) {
      waiting.push(item)
      return
    }
    this.#waiting.set(boundaryMs, [item])
    this.#push(boundaryMs)
  }

  /** The earliest boundary somebody may wait for; `Infinity` when nobody does. */
  nextMs(): number {
    return this.#boundaries[0] ?? Number.POSITIVE_INFINITY
  }

  /** Takes what waits for the earliest boundary, in order of key; it is no longer scheduled. */
  take(): T[] {
    const boundaryMs = this.#pop()
    const items = (this.#waiting.get(boundaryMs) ?? []).filter((item) => item.scheduledMs === boundaryMs)
    this.#waiting.delete(boundaryMs)
    for (const item of items) item.scheduledMs = Number.POSITIVE_INFINITY
    return items.length > 1
      ? [...new Set(items)].sort((a, b) => (a.timerKey < b.timerKey ? -1 : a.timerKey > b.timerKey ? 1 : 0))
      : items
  }

  #push(boundaryMs: number): void {
    const heap = this.#boundaries
    let at = heap.push(boundaryMs) - 1
    while (at > 0) {
      const parent = (at - 1) >> 1
      if (heap[parent]! <= boundaryMs) break
      heap[at] = heap[parent]!
      at = parent
    }
    heap[at] = boundaryMs
  }

  #pop(): number {
    const heap = this.#boundaries
    const top = heap[0]!
    const last = heap.pop()!
    if (heap.length === 0) return top
    let at = 0
    for (;;) {
      let child = 2 * at + 1
      if (child >= heap.length) break
      if (child + 1 < heap.length && heap[child + 1]! < heap[child]!) child++
      if (heap[child]! >= last) break
      heap[at] = heap[child]!
      at = child
    }
    heap[at] = last
    return top
  }
}
