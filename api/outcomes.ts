import type { Insertable } from 'kysely'
import { type Static, Type } from 'typebox'
import { Instant, Key, Sku } from '#contracts'
import { derivedId, HubError } from '#platform'
import type { OutcomesTable, Tx } from '#store'
import { Closed } from './http/schemas.ts'
import { msOf } from './http/times.ts'

/** A repair or failure of the past, as a brand's own system knows it. */
export const NewOutcome = Closed({
  serial: Type.String({ minLength: 1, maxLength: 64 }),
  component: Type.Optional(Key),
  at: Instant,
  symptom: Type.Optional(Type.String({ minLength: 1, maxLength: 64 })),
  cause: Type.Optional(
    Type.String({ minLength: 1, maxLength: 64, description: 'what was found; `no_fault_found` when nothing was' }),
  ),
  parts: Type.Optional(Type.Array(Sku, { maxItems: 20 })),
})
export type NewOutcome = Static<typeof NewOutcome>

/** Rows of one statement. */
const ROWS_PER_INSERT = 1_000

export interface TakenOutcome {
  id: string
  /** It was there already. */
  known: boolean
}

/**
 * Writes outcomes down; the same again changes nothing. What cannot be taken gives its error in its place.
 */
export async function takeOutcomes(
  tx: Tx,
  { brandId, nowMs, importId }: { brandId: string; nowMs: number; importId: string | null },
  outcomes: readonly NewOutcome[],
): Promise<(TakenOutcome | HubError)[]> {
  const devices = await tx
    .selectFrom('devices')
    .select(['device_id', 'serial'])
    .where('brand_id', '=', brandId)
    .where('removed_at_ms', 'is', null)
    .where('serial', 'in', outcomes.length > 0 ? [...new Set(outcomes.map(({ serial }) => serial))] : [''])
    .execute()
  const bySerial = new Map(devices.map((row) => [row.serial, row.device_id]))
  const rows = outcomes.map((outcome) => rowOrError(outcome, bySerial, { brandId, nowMs, importId }))
  const good = rows.filter((row): row is OutcomeRow => !(row instanceof HubError))
  const made = new Set<string>()
  for (let from = 0; from < good.length; from += ROWS_PER_INSERT) {
    const inserted = await tx
      .insertInto('outcomes')
      .values(good.slice(from, from + ROWS_PER_INSERT))
      .onConflict((conflict) => conflict.doNothing())
      .returning('outcome_id')
      .execute()
    for (const row of inserted) made.add(row.outcome_id)
  }
  return rows.map((row) => {
    if (row instanceof HubError) return row
    // Of the same outcome twice in one body the second is known.
    const known = !made.delete(row.outcome_id)
    return { id: row.outcome_id, known }
  })
}

type OutcomeRow = Insertable<OutcomesTable>

function rowOrError(
  { serial, component, at, symptom, cause, parts = [] }: NewOutcome,
  bySerial: ReadonlyMap<string, string>,
  { brandId, nowMs, importId }: { brandId: string; nowMs: number; importId: string | null },
): OutcomeRow | HubError {
  const deviceId = bySerial.get(serial)
  if (deviceId === undefined)
    return new HubError('NOT_FOUND', `No device of the serial “${serial}” is registered.`, { pointer: '/serial' })
  try {
    const atMs = msOf(at, '/at')
    if (atMs > nowMs) return new HubError('VALIDATION_FAILED', `${at} has not come yet.`, { pointer: '/at' })
    return {
      brand_id: brandId,
      outcome_id: derivedId('out', brandId, deviceId, component ?? '', atMs, symptom ?? '', cause ?? ''),
      device_id: deviceId,
      serial,
      component: component ?? null,
      at_ms: atMs,
      symptom: symptom ?? null,
      cause: cause ?? null,
      parts,
      import_id: importId,
      created_at_ms: nowMs,
    }
  } catch (error) {
    if (error instanceof HubError) return error
    throw error
  }
}

/** From now on the brand's repairs between these times are taken to be all there were. */
export async function noteKnownSpan(
  tx: Tx,
  { brandId, spanId, fromMs, toMs }: { brandId: string; spanId: string; fromMs: number; toMs: number },
): Promise<void> {
  await tx
    .insertInto('outcome_spans')
    .values({ brand_id: brandId, span_id: spanId, from_ms: fromMs, to_ms: toMs })
    .onConflict((conflict) => conflict.columns(['brand_id', 'span_id']).doUpdateSet({ from_ms: fromMs, to_ms: toMs }))
    .execute()
}
