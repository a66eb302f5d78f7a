import type { Clock } from '#platform'
import type { Connection } from './connection.ts'
import type { Credential } from './identity.ts'
import type { AuditEntry } from './options.ts'

/** Topics come from outside and may be 64 KiB long. */
const DETAIL_LENGTH = 256

/** Writes down what a known client tried. Unknown ones are only counted: they could fill any book. */
export class Audit {
  readonly #write: (entry: AuditEntry) => void
  readonly #clock: Clock

  constructor(write: (entry: AuditEntry) => void, clock: Clock) {
    this.#write = write
    this.#clock = clock
  }

  note(connection: Connection, action: AuditEntry['action'], detail: string, who = connection.device): void {
    if (!who) return
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
  return { action, brandId, deviceId, credentialId, address, detail: detail.slice(0, DETAIL_LENGTH), atMs }
}
