/** A text seen this often is worth a name: PostgreSQL then keeps its plan, and planning under row-level security is half of its work. */
const SEEN_MIN = 5
/** A kept plan takes some tens of kilobytes in every session: enough for what the hub asks all day, and no more. */
const NAMED_MAX = 300
/** Texts counted that have no name yet; lists of every length make new ones for ever. */
const COUNTED_MAX = 5_000

/** Names for the statements that come again and again, the same in every session of one pool. */
export class StatementNames {
  readonly #names = new Map<string, string>()
  readonly #seen = new Map<string, number>()

  /** `undefined` for a text that is rare, or came when all names were given. */
  nameOf(text: string): string | undefined {
    const known = this.#names.get(text)
    if (known !== undefined || this.#names.size >= NAMED_MAX) return known
    const seen = (this.#seen.get(text) ?? 0) + 1
    if (seen < SEEN_MIN) {
      if (this.#seen.size >= COUNTED_MAX) this.#seen.clear()
      this.#seen.set(text, seen)
      return undefined
    }
    this.#seen.delete(text)
    const name = `hub_${this.#names.size + 1}`
    this.#names.set(text, name)
    return name
  }
}
