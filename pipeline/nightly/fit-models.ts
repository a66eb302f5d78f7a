import { sql } from 'kysely'
import type { ControlChange, ProductDocument } from '#contracts'
import { fitServiceLife, LIVES_MOST, type SeenLife, type ServiceLife, type Unknown } from '#models'
import { derivedId, sha256Hex } from '#platform'
import { PartLife, type PartSpec } from '#rules'
import { type Database, holdJob, type JobLease, type ModelOutcome, submitChange, type Tx } from '#store'
import { partsOf } from './follow-lives.ts'
import { parseLife } from './life-rows.ts'

const DAY_MS = 86_400_000
/** More lives than a curve learns from; what a night reads stays bounded, however large the fleet. */
const ENDED_MOST = 2_000
const CENSORED_MOST = 500
/** Parts that still work live on: what they say of a life is taken in again after a week. */
const REFIT_MS = 7 * DAY_MS
/** A life of fewer days says nothing of how one ends. */
const POINTS_LEAST = 5

/** What became of one component's model tonight. */
export interface FitReport {
  productKey: string
  component: string
  outcome: ModelOutcome
  reason: string | null
  version: number | null
  lives: number
  censored: number
}

export interface FitParts {
  db: Database
  lease: JobLease
  nowMs: number
}

/**
 * Fits a model of remaining life for every component of a product whose wear can be seen, from all lives followed so far.
 * What is new becomes a version of its own, and a record of the log from which on it decides; where there is too little,
 * the reason is kept and nothing changes.
 */
export async function fitModels(
  parts: FitParts,
  { brandId, product }: { brandId: string; product: ProductDocument },
): Promise<FitReport[]> {
  const reports: FitReport[] = []
  for (const spec of partsOf(product)) reports.push(await fitOne(parts, brandId, product.key, spec))
  return reports
}

async function fitOne({ db, lease, nowMs }: FitParts, brandId: string, productKey: string, spec: PartSpec) {
  const of = { brandId, productKey, component: spec.component }
  const { seen, newest } = await db.asBrand(brandId, async (tx) => ({
    seen: [
      ...(await readLives(tx, { ...of, spec, ended: true, limit: ENDED_MOST })),
      ...(await readLives(tx, { ...of, spec, ended: false, limit: CENSORED_MOST })),
    ],
    newest: await newestOf(tx, of),
  }))
  const lives = seen.filter(({ end }) => end !== null).length
  const report = { productKey, component: spec.component, lives, censored: seen.length - lives }
  // Nothing has come to its end since: the same lives teach the same.
  const learnt =
    newest !== undefined && newest.lives === Math.min(lives, LIVES_MOST) && nowMs - newest.fitted_at_ms < REFIT_MS
  const fitted = learnt ? null : fitServiceLife(seen, spec.path)
  return db.asHub(async (tx): Promise<FitReport> => {
    await holdJob(tx, lease, nowMs)
    const told = await outcomeOf(tx, { ...of, fitted, seen, newest, nowMs })
    await note(tx, brandId, nowMs, { ...report, ...told })
    return { ...report, ...told }
  })
}

type Newest = Awaited<ReturnType<typeof newestOf>>

async function outcomeOf(
  tx: Tx,
  given: Omit<Published, 'version' | 'fitted'> & { fitted: ServiceLife | Unknown | null; newest: Newest },
): Promise<Pick<FitReport, 'outcome' | 'reason' | 'version'>> {
  const { fitted, newest } = given
  if (fitted === null) return { outcome: 'unchanged', reason: null, version: newest!.version }
  if ('known' in fitted) return { outcome: 'refused', reason: fitted.reason, version: null }
  if (newest && sameContent(newest.content, fitted))
    return { outcome: 'unchanged', reason: null, version: newest.version }
  const version = (newest?.version ?? 0) + 1
  await publish(tx, { ...given, version, fitted })
  return { outcome: 'fitted', reason: null, version }
}

interface ModelOf {
  brandId: string
  productKey: string
  component: string
}

function newestOf(tx: Tx, { brandId, productKey, component }: ModelOf) {
  return tx
    .selectFrom('models')
    .select(['version', 'content', 'lives', 'fitted_at_ms'])
    .where('brand_id', '=', brandId)
    .where('product_key', '=', productKey)
    .where('component', '=', component)
    .where('kind', '=', 'life')
    .orderBy('version', 'desc')
    .limit(1)
    .executeTakeFirst()
}

/** The database keeps the members of an object in an order of its own. */
function sameContent(a: unknown, b: unknown): boolean {
  const sorted = (value: unknown): unknown =>
    typeof value !== 'object' || value === null || Array.isArray(value)
      ? value
      : Object.fromEntries(Object.entries(value).sort(([x], [y]) => (x < y ? -1 : 1)))
  const hash = (value: unknown): string => sha256Hex(JSON.stringify(value, (_key, member) => sorted(member)))
  return hash(a) === hash(b)
}

async function readLives(
  tx: Tx,
  given: ModelOf & { spec: PartSpec; ended: boolean; limit: number },
): Promise<SeenLife[]> {
  const rows = await tx
    .selectFrom('part_lives')
    .select(['life', 'device_id'])
    .where('brand_id', '=', given.brandId)
    .where('product_key', '=', given.productKey)
    .where('component', '=', given.component)
    .where('ended', '=', given.ended)
    // Ids are drawn by lot, so the first are a fair sample, and the same one every night.
    .orderBy(sql`device_id COLLATE "C"`)
    .orderBy('ordinal')
    .limit(given.limit)
    .execute()
  return rows
    .map(({ life, device_id }) => ({ ...new PartLife(given.spec, parseLife(life)).seen(), of: device_id }))
    .filter(({ points }) => points.length >= POINTS_LEAST)
}

interface Published extends ModelOf {
  version: number
  fitted: ServiceLife
  seen: readonly SeenLife[]
  nowMs: number
}

async function publish(tx: Tx, { brandId, productKey, component, version, fitted, seen, nowMs }: Published) {
  const changeId = derivedId('chg', 'model.fitted', brandId, productKey, component, version)
  const content = fitted as unknown as Record<string, unknown>
  const change: ControlChange = { type: 'model.fitted', productKey, component, kind: 'life', version, content }
  const days = seen.flatMap(({ points }) => points.map(({ day }) => day))
  await tx
    .insertInto('models')
    .values({
      brand_id: brandId,
      product_key: productKey,
      component,
      kind: 'life',
      version,
      change_id: changeId,
      fitted_at_ms: nowMs,
      from_ms: days.reduce((least, day) => Math.min(least, day), Number.MAX_SAFE_INTEGER / DAY_MS) * DAY_MS,
      to_ms: (days.reduce((most, day) => Math.max(most, day), 0) + 1) * DAY_MS,
      lives: fitted.lives,
      censored: fitted.censored,
      held_out: JSON.stringify(fitted.heldOut),
      content: JSON.stringify(fitted),
    })
    .execute()
  await submitChange(tx, { brandId, change, changeId, nowMs })
}

async function note(tx: Tx, brandId: string, nowMs: number, report: FitReport): Promise<void> {
  const { productKey, component, outcome, reason, lives, censored } = report
  const row = { at_ms: nowMs, outcome, reason, lives, censored }
  await tx
    .insertInto('model_attempts')
    .values({ brand_id: brandId, product_key: productKey, component, kind: 'life', ...row })
    .onConflict((conflict) => conflict.columns(['brand_id', 'product_key', 'component', 'kind']).doUpdateSet(row))
    .execute()
}
