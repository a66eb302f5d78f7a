/** What did not go the ordinary way, since the log began: visible, never silently dropped. */
export interface Counters {
  /** Late readings put in their place (T13). */
  late: number
  /** Too late, or imported: history only (T14). */
  backfill: number
  duplicates: number
  /** Same time, other value: the first won (T16). */
  conflicts: number
  /** Pending conditions dropped for a gap (T5). */
  gaps: number
  /** Late readings that changed what had been decided. */
  revised: number
  errors: number
  /** Of devices the log had not introduced, or had removed. */
  unknownDevice: number
}

export function freshCounters(): Counters {
  return {
    late: 0,
    backfill: 0,
    duplicates: 0,
    conflicts: 0,
    gaps: 0,
    revised: 0,
    errors: 0,
    unknownDevice: 0,
  }
}
