import { type Selectable, sql } from 'kysely'
import { PartLife, type PartSpec, type SavedPartLife } from '#rules'
import type { PartLivesTable, Tx } from '#store'

/** One life of one part, in memory while it is followed. */
export interface FollowedLife {
  deviceId: string
  component: string
  ordinal: number
  bornMs: number | null
  throughMs: number
  over: boolean
  life: PartLife
}

/** Lives that are still lived, of these devices. */
export async function readOpenLives(
  tx: Tx,
  { brandId, deviceIds }: { brandId: string; deviceIds: readonly string[] },
): Promise<Selectable<PartLivesTable>[]> {
  return tx
    .selectFrom('part_lives')
    .selectAll()
    .where('brand_id', '=', brandId)
    .where('over', '=', false)
    .where(sql<boolean>`device_id = ANY (${[...deviceIds]}::text[])`)
    .execute()
}

export function followedLife(row: Selectable<PartLivesTable>, spec: PartSpec): FollowedLife {
  return {
    deviceId: row.device_id,
    component: row.component,
    ordinal: row.ordinal,
    bornMs: row.born_ms,
    throughMs: row.through_ms,
    over: row.over,
    life: new PartLife(spec, parseLife(row.life)),
  }
}

const ROWS_PER_STATEMENT = 500

export async function writeLives(
  tx: Tx,
  { brandId, productKey, lives }: { brandId: string; productKey: string; lives: readonly FollowedLife[] },
): Promise<void> {
  for (let from = 0; from < lives.length; from += ROWS_PER_STATEMENT) {
    const rows = lives.slice(from, from + ROWS_PER_STATEMENT).map((it) => ({
      brand_id: brandId,
      device_id: it.deviceId,
      component: it.component,
      ordinal: it.ordinal,
      product_key: productKey,
      born_ms: it.bornMs,
      through_ms: it.throughMs,
      life: JSON.stringify(it.life.save()),
      over: it.over,
      ended: it.life.seen().end !== null,
    }))
    await tx
      .insertInto('part_lives')
      .values(rows)
      .onConflict((conflict) =>
        conflict.columns(['brand_id', 'device_id', 'component', 'ordinal']).doUpdateSet((eb) => ({
          product_key: eb.ref('excluded.product_key'),
          born_ms: eb.ref('excluded.born_ms'),
          through_ms: eb.ref('excluded.through_ms'),
          life: eb.ref('excluded.life'),
          over: eb.ref('excluded.over'),
          ended: eb.ref('excluded.ended'),
        })),
      )
      .execute()
  }
}

/** JSON has no NaN: what is no number comes back as none. */
export function parseLife(text: string): SavedPartLife {
  const saved = JSON.parse(text) as Record<'course' | 'points', (number | null)[]> & SavedPartLife
  const numbers = (values: readonly (number | null)[]): number[] => values.map((value) => value ?? Number.NaN)
  return { ...saved, course: numbers(saved.course), points: numbers(saved.points) }
}
