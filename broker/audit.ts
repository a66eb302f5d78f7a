import { type Clock, realClock } from '#platform'
import { AddressLimit } from './address-limit.ts'
import type { Connection } from './connection.ts'
import type { Credential } from './identity.ts'
import type { AuditEntry } from './options.ts'

/** Topics come from outside and may be 64 KiB long. */
const DETAIL_LENGTH = 256
/** Of one credential at once, then one a minute: a firmware that tries the same again and again has been heard. */
const ENTRIES_AT_ONCE = 20
const ENTRIES_PER_SECOND = 1 / 60

/** Writes down what a known client tried. Unknown ones are only counted: they could fill any book. */
export class Audit {
  readonly #write: (entry: AuditEntry) => void
  readonly #clock: Clock
  readonly #perCredential = new AddressLimit({ perSecond: ENTRIES_PER_SECOND, burst: ENTRIES_AT_ONCE })

  constructor(write: (entry: AuditEntry) => void, clock: Clock) {
    this.#write = write
    this.#clock = clock
  }

  note(connection: Connection, action: AuditEntry['action'], detail: string, who = connection.device): void {
    if (!who || !this.#perCredential.allow(who.credentialId, realClock.nowMs())) return
    this.#write(entryOf(who, connection.origin.address, action, detail, this.#clock.nowMs()))
  }
}

function entryOf(
  who: Credential,
  address: string,
  action: AuditEntry['action'],
  detail: string,
  atMs: number,
): AuditEntry {
  const { brandId, deviceId, credentialId } = who
  return { action, brandId, deviceId, credentialId, address, detail: writable(detail), atMs }
}

/** No database takes NUL or half a surrogate pair as text; an entry must not be lost for the sake of them. */
function writable(detail: string): string {
  return detail.slice(0, DETAIL_LENGTH).replaceAll('\0', '\uFFFD').toWellFormed()
}
