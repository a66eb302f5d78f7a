/** A place in the queue of acknowledgements. */
export interface Place {
  release: (() => void) | null
}

/**
 * Acknowledges publishes in the order they came [MQTT-4.6.0-2], although each is stored, or
 * answered at once, in its own time.
 */
export class AckOrder {
  #queue: Place[] = []
  #releasing = false

  /** Takes the next place. */
  enter(): Place {
    const place: Place = { release: null }
    this.#queue.push(place)
    return place
  }

  /** This one may be acknowledged, as soon as all before it were. */
  settle(place: Place, release: () => void): void {
    place.release = release
    // Acknowledging may read, and so settle, more: that waits for its turn in the loop below.
    if (this.#releasing) return
    this.#releasing = true
    try {
      while (this.#queue[0]?.release) this.#queue.shift()!.release!()
    } finally {
      this.#releasing = false
    }
  }

  /** Nothing will be acknowledged any more. */
  clear(): void {
    this.#queue = []
  }
}
