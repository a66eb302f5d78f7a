import { type Selectable, sql } from 'kysely'
import type { ProductDocument, Text } from '#contracts'
import { lifeFactors, type ServiceLife } from '#models'
import type { PartSpec } from '#rules'
import { type ComponentHealthTable, type Database, type HealthPoint, holdJob, type JobLease, type Tx } from '#store'
import { partsOf } from './follow-lives.ts'
import { type FollowedLife, followedLife } from './life-rows.ts'

/** Rows gone through together. */
const ROWS_PER_PAGE = 2_000
const ROWS_PER_STATEMENT = 500

export interface HealthParts {
  db: Database
  lease: JobLease
  nowMs: number
  /** Takes what is new for whoever draws it. */
  onHealth: (points: readonly HealthPoint[]) => Promise<void>
}

type HealthRow = Selectable<ComponentHealthTable>

/** Says of every part of a product how worn it is and what is left of it, by tonight's model; or why nobody can say. */
export async function writeHealth(
  { db, lease, nowMs, onHealth }: HealthParts,
  { brandId, product, unwatched }: { brandId: string; product: ProductDocument; unwatched: ReadonlySet<string> },
): Promise<void> {
  for (const spec of partsOf(product)) {
    const fitted = await db.asBrand(brandId, (tx) => newestModel(tx, brandId, product.key, spec.component))
    for (let after = ''; ; ) {
      const lives = await db.asBrand(brandId, (tx) =>
        openLives(tx, { brandId, productKey: product.key, spec, unwatched, after }),
      )
      if (lives.length === 0) break
      const rows = lives.map((life) => healthOf(life, spec, fitted, { brandId, nowMs }))
      await db.asHub(async (tx) => {
        await holdJob(tx, lease, nowMs)
        await upsert(tx, rows)
      })
      await onHealth(rows.flatMap((row) => pointOf(row, product.key)))
      if (lives.length < ROWS_PER_PAGE) break
      after = lives.at(-1)!.deviceId
    }
  }
}

interface Fitted {
  version: number
  life: ServiceLife
}

async function newestModel(tx: Tx, brandId: string, productKey: string, component: string): Promise<Fitted | null> {
  const row = await tx
    .selectFrom('models')
    .select(['version', 'content'])
    .where('brand_id', '=', brandId)
    .where('product_key', '=', productKey)
    .where('component', '=', component)
    .where('kind', '=', 'life')
    .orderBy('version', 'desc')
    .limit(1)
    .executeTakeFirst()
  return row ? { version: row.version, life: row.content as unknown as ServiceLife } : null
}

async function openLives(
  tx: Tx,
  given: { brandId: string; productKey: string; spec: PartSpec; unwatched: ReadonlySet<string>; after: string },
): Promise<FollowedLife[]> {
  const { brandId, productKey, spec, unwatched, after } = given
  const rows = await tx
    .selectFrom('part_lives')
    .selectAll()
    .$if(unwatched.size > 0, (query) =>
      query.where('device_id', 'not in', (eb) =>
        eb
          .selectFrom('devices')
          .select('device_id')
          .where('brand_id', '=', brandId)
          .where('home_id', 'in', [...unwatched]),
      ),
    )
    .where('brand_id', '=', brandId)
    .where('product_key', '=', productKey)
    .where('component', '=', spec.component)
    .where('over', '=', false)
    .where(sql<boolean>`device_id COLLATE "C" > ${after}`)
    .orderBy(sql`device_id COLLATE "C"`)
    .limit(ROWS_PER_PAGE)
    .execute()
  return rows.map((row) => followedLife(row, spec))
}

function healthOf(
  { deviceId, component, life }: FollowedLife,
  spec: PartSpec,
  fitted: Fitted | null,
  { brandId, nowMs }: { brandId: string; nowMs: number },
): HealthRow {
  const stands = life.wear()
  const said = life.remaining(fitted?.life ?? null)
  // Days since the day the numbers stand for have passed already.
  const since = stands ? Math.max(0, (nowMs - stands.asOfMs) / 86_400_000) : 0
  const left = (days: number): number => Math.max(0, days - since)
  const factors: Text[] =
    fitted && stands && said.known ? lifeFactors(fitted.life, stands.at, said, { ...spec, metric: spec.name }) : []
  return {
    brand_id: brandId,
    device_id: deviceId,
    component,
    wear: stands?.wear ?? null,
    p10_days: said.known ? left(Math.min(said.p10, said.p50)) : null,
    p50_days: said.known ? left(said.p50) : null,
    p90_days: said.known ? left(Math.max(said.p90, said.p50)) : null,
    out_of_distribution: said.known && said.outOfDistribution,
    as_of_ms: stands?.asOfMs ?? null,
    model_version: fitted?.version ?? null,
    reason: said.known ? null : said.reason,
    factors,
    updated_at_ms: nowMs,
  }
}

async function upsert(tx: Tx, rows: readonly HealthRow[]): Promise<void> {
  for (let from = 0; from < rows.length; from += ROWS_PER_STATEMENT) {
    await tx
      .insertInto('component_health')
      .values(
        rows.slice(from, from + ROWS_PER_STATEMENT).map((row) => ({ ...row, factors: JSON.stringify(row.factors) })),
      )
      .onConflict((conflict) =>
        conflict.columns(['brand_id', 'device_id', 'component']).doUpdateSet((eb) => ({
          wear: eb.ref('excluded.wear'),
          p10_days: eb.ref('excluded.p10_days'),
          p50_days: eb.ref('excluded.p50_days'),
          p90_days: eb.ref('excluded.p90_days'),
          out_of_distribution: eb.ref('excluded.out_of_distribution'),
          as_of_ms: eb.ref('excluded.as_of_ms'),
          model_version: eb.ref('excluded.model_version'),
          reason: eb.ref('excluded.reason'),
          factors: eb.ref('excluded.factors'),
          updated_at_ms: eb.ref('excluded.updated_at_ms'),
        })),
      )
      .execute()
  }
}

function pointOf(row: HealthRow, productKey: string): HealthPoint[] {
  if (row.wear === null || row.as_of_ms === null) return []
  return [
    {
      brandId: row.brand_id,
      deviceId: row.device_id,
      productKey,
      component: row.component,
      atMs: row.updated_at_ms,
      wear: row.wear,
      p10Days: row.p10_days,
      p50Days: row.p50_days,
      p90Days: row.p90_days,
    },
  ]
}
