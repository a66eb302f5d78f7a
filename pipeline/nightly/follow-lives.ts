import type { ControlRecord, ProductDocument } from '#contracts'
import { sha256Hex } from '#platform'
import { PartLife, type PartSpec, partSpecOf } from '#rules'
import { type ColumnBatch, type Database, type HistoryStore, holdJob, type JobLease } from '#store'
import type { PastOutcome } from '../backtest/against-outcomes.ts'
import { type FleetDevice, groupBy, readPage } from '../backtest/fleet.ts'
import { type FollowedLife, followedLife, readOpenLives, writeLives } from './life-rows.ts'

export interface FollowParts {
  db: Database
  history: Pick<HistoryStore, 'scanColumns'>
  lease: JobLease
  nowMs: number
}

export interface FollowedProduct {
  brandId: string
  product: ProductDocument
  /** Homes nobody may watch: their appliances' readings are passed over for good. */
  unwatched: ReadonlySet<string>
}

/** Devices followed together: their lives and a day of their readings fit memory many times over. */
const DEVICES_PER_PAGE = 1_000
/** A part that failed before half its way was not worn out: it teaches nothing of wear. */
const WORN_OUT_LEAST = 0.5

/** Components of a product whose life can be followed. */
export function partsOf(product: ProductDocument): PartSpec[] {
  return (product.components ?? []).map(({ key }) => partSpecOf(product, key)).filter((spec) => spec !== null)
}

/**
 * Brings the lives of a product's parts up to the present: reads what arrived since the last night, device by device,
 * and the services and failures between. After an import of a past, or where the product says otherwise how its parts
 * wear, it reads all there is and keeps, of each device, whichever reaches further back.
 */
export async function followLives(parts: FollowParts, { brandId, product, unwatched }: FollowedProduct): Promise<void> {
  const { db, lease, nowMs } = parts
  const specs = partsOf(product)
  const specSha256 = sha256Hex(JSON.stringify(specs))
  const run = await db.asBrand(brandId, (tx) =>
    tx
      .selectFrom('life_runs')
      .selectAll()
      .where('brand_id', '=', brandId)
      .where('product_key', '=', product.key)
      .executeTakeFirst(),
  )
  const sameSpec = run?.spec_sha256 === specSha256
  const brought = run ? await broughtSince(db, brandId, run.ran_at_ms) : false
  const fromMs = sameSpec && !brought ? run!.through_ms : 0
  for (let afterId: string | null = null; ; ) {
    const page = await readPage(db, {
      brandId,
      productKeys: [product.key],
      afterId,
      limit: DEVICES_PER_PAGE,
      types: ['component.reset', 'fault.reported'],
      toMs: nowMs,
    })
    await followPage(parts, { brandId, product, unwatched, specs, fromMs, keepKnown: sameSpec }, page)
    if (page.devices.length < DEVICES_PER_PAGE) break
    afterId = page.devices.at(-1)!.facts.deviceId
  }
  const row = { spec_sha256: specSha256, through_ms: nowMs, ran_at_ms: nowMs }
  await db.asHub(async (tx) => {
    await holdJob(tx, lease, nowMs)
    await tx
      .insertInto('life_runs')
      .values({ brand_id: brandId, product_key: product.key, ...row })
      .onConflict((conflict) => conflict.columns(['brand_id', 'product_key']).doUpdateSet(row))
      .execute()
  })
}

/** Whether a past was brought in since: readings or repairs older than what was followed. */
async function broughtSince(db: Database, brandId: string, sinceMs: number): Promise<boolean> {
  return db.asBrand(brandId, async (tx) => {
    const readings = await tx
      .selectFrom('imports')
      .select('import_id')
      .where('brand_id', '=', brandId)
      .where('kind', '=', 'telemetry')
      .where('updated_at_ms', '>=', sinceMs)
      .limit(1)
      .executeTakeFirst()
    const repairs = await tx
      .selectFrom('outcomes')
      .select('outcome_id')
      .where('brand_id', '=', brandId)
      .where('created_at_ms', '>=', sinceMs)
      .limit(1)
      .executeTakeFirst()
    return readings !== undefined || repairs !== undefined
  })
}

interface Followed extends FollowedProduct {
  specs: readonly PartSpec[]
  fromMs: number
  /** What is stored was seen in the same way and may go on. */
  keepKnown: boolean
}

type Page = Awaited<ReturnType<typeof readPage>>

async function followPage({ db, history, lease, nowMs }: FollowParts, followed: Followed, page: Page): Promise<void> {
  const { brandId, product, unwatched, specs, fromMs, keepKnown } = followed
  if (page.devices.length === 0) return
  const deviceIds = page.devices.map(({ facts }) => facts.deviceId)
  const rows = keepKnown ? await db.asBrand(brandId, (tx) => readOpenLives(tx, { brandId, deviceIds })) : []
  const known = groupBy(rows, ({ device_id }) => device_id)
  const watched = page.devices.filter(({ facts }) => facts.homeId === null || !unwatched.has(facts.homeId))
  const watchedIds = watched.map(({ facts }) => facts.deviceId)
  const devices = new Map(
    page.devices.map((device): [string, DeviceLives] => {
      const { deviceId } = device.facts
      const events = eventsOf(page.controls.get(deviceId) ?? [], page.outcomes.get(deviceId) ?? [])
      const stored = specs.flatMap((spec) => {
        const row = known.get(deviceId)?.find(({ component }) => component === spec.component)
        return row ? [followedLife(row, spec)] : []
      })
      const afresh = fromMs === 0 && watchedIds.includes(deviceId)
      return [deviceId, new DeviceLives({ device, specs, events, stored, afresh })]
    }),
  )
  const metrics = [...new Set(specs.flatMap(metricsOf))]
  const earliestMs = Math.min(nowMs, ...[...devices.values()].map((device) => device.fromMs(fromMs)))
  for await (const batch of history.scanColumns({
    brandId,
    deviceIds: watchedIds,
    metrics,
    fromMs: earliestMs,
    toMs: nowMs,
  }))
    for (const { deviceId, from, to } of batch.runs) devices.get(deviceId)?.read(batch, { from, to, metrics })
  const lives = [...devices.values()].flatMap((device) => device.done(nowMs))
  const replaced = [...devices].filter(([, device]) => device.replaces).map(([deviceId]) => deviceId)
  await db.asHub(async (tx) => {
    await holdJob(tx, lease, nowMs)
    if (!keepKnown || replaced.length > 0)
      await tx
        .deleteFrom('part_lives')
        .where('brand_id', '=', brandId)
        .where('device_id', 'in', keepKnown ? replaced : deviceIds)
        .execute()
    await writeLives(tx, { brandId, productKey: product.key, lives })
  })
}

export function metricsOf({ metric, counterMetric, conditions }: PartSpec): string[] {
  return [metric, ...(counterMetric === null ? [] : [counterMetric]), ...conditions.map((it) => it.metric)]
}

/** Something that happened to a part. */
interface PartEvent {
  atMs: number
  /** When the hub learned of it. */
  toldMs: number
  component: string
  kind: 'renewed' | 'failed'
}

function eventsOf(controls: readonly ControlRecord[], outcomes: readonly PastOutcome[]): PartEvent[] {
  const events = controls.flatMap(({ change, receivedAtMs: toldMs }): PartEvent[] => {
    if (change.type === 'component.reset')
      return [{ atMs: change.atMs, toldMs, component: change.component, kind: 'renewed' }]
    if (change.type !== 'fault.reported' || change.component === null) return []
    return [{ atMs: change.atMs, toldMs, component: change.component, kind: 'failed' }]
  })
  const brought = outcomes.flatMap(({ repaired, kind, component, atMs }): PartEvent[] => {
    if (!repaired || component === null) return []
    // What was brought in since has everything read again.
    const told = { atMs, toldMs: atMs, component }
    const renewed: PartEvent = { ...told, kind: 'renewed' }
    return kind === 'failure' ? [{ ...told, kind: 'failed' }, renewed] : [renewed]
  })
  return [...events, ...brought].sort((a, b) => a.atMs - b.atMs)
}

/** The parts of one device while its readings pass. */
class DeviceLives {
  readonly #specs: readonly PartSpec[]
  readonly #device: FleetDevice
  readonly #stored: readonly FollowedLife[]
  readonly #lines: PartLine[]
  readonly #before: PartLine[]

  constructor(given: {
    device: FleetDevice
    specs: readonly PartSpec[]
    events: readonly PartEvent[]
    stored: readonly FollowedLife[]
    /** Everything is read again. */
    afresh: boolean
  }) {
    this.#specs = given.specs
    this.#device = given.device
    this.#stored = given.stored
    const line = (spec: PartSpec, stored: FollowedLife | undefined) =>
      new PartLine(
        spec,
        given.device,
        given.events.filter(({ component }) => component === spec.component),
        stored,
      )
    const storedOf = (spec: PartSpec) => given.stored.find(({ component }) => component === spec.component)
    this.#lines = given.specs.map((spec) => line(spec, given.afresh ? undefined : storedOf(spec)))
    // What goes on from where it stood, in case the past that is still kept reaches less far back.
    this.#before = given.afresh ? given.stored.map((it) => line(this.#specOf(it.component), it)) : []
  }

  #specOf(component: string): PartSpec {
    return this.#specs.find((spec) => spec.component === component)!
  }

  /** From when its readings are needed. */
  fromMs(runFromMs: number): number {
    return Math.min(runFromMs, ...this.#stored.map(({ throughMs }) => throughMs))
  }

  read(batch: ColumnBatch, { from, to, metrics }: { from: number; to: number; metrics: readonly string[] }): void {
    const { arrivedAtMs, measuredAtMs, values } = batch
    const place = new Map(metrics.map((metric, m) => [metric, m]))
    for (let i = from; i < to; i++) {
      const value = (metric: string): number => {
        const cell = values[place.get(metric)!]![i]
        return typeof cell === 'number' ? cell : Number.NaN
      }
      for (const line of this.#lines) line.read(arrivedAtMs[i]!, measuredAtMs[i]!, value)
      for (const line of this.#before) line.read(arrivedAtMs[i]!, measuredAtMs[i]!, value)
    }
  }

  /** Read afresh, the lives reach at least as far back as those that are stored, which they replace. */
  get replaces(): boolean {
    if (this.#before.length === 0) return false
    return this.#lines.every((line) => {
      const before = this.#before.find((it) => it.component === line.component)
      return before === undefined || (line.ordinal >= before.ordinal && line.firstDay <= before.firstDay)
    })
  }

  done(nowMs: number): FollowedLife[] {
    const lines = this.#before.length > 0 && !this.replaces ? this.#before : this.#lines
    return lines.flatMap((line) => line.done(nowMs, this.#device.facts.deviceId))
  }
}

/** The lives of one part of one device, one after the other. */
class PartLine {
  readonly #spec: PartSpec
  readonly #events: readonly PartEvent[]
  readonly #over: Omit<FollowedLife, 'deviceId' | 'throughMs'>[] = []
  readonly #fromMs: number
  #next = 0
  #life: PartLife
  #ordinal: number
  #bornMs: number | null
  #heard: boolean

  constructor(spec: PartSpec, device: FleetDevice, events: readonly PartEvent[], stored: FollowedLife | undefined) {
    this.#spec = spec
    this.#fromMs = stored?.throughMs ?? 0
    // What was told before is in what is stored.
    this.#events = events.filter(({ toldMs }) => toldMs >= this.#fromMs)
    this.#life = stored?.life ?? new PartLife(spec)
    this.#ordinal = stored?.ordinal ?? 0
    this.#bornMs = stored?.bornMs ?? device.facts.installedAtMs
    this.#heard = stored !== undefined
  }

  get component(): string {
    return this.#spec.component
  }

  get ordinal(): number {
    return this.#ordinal
  }

  /** The first day that is known of its lives. */
  get firstDay(): number {
    const [first = this.#life] = this.#over.map(({ life }) => life)
    return first.seen().points[0]?.day ?? Number.POSITIVE_INFINITY
  }

  read(arrivedAtMs: number, measuredAtMs: number, value: (metric: string) => number): void {
    if (arrivedAtMs < this.#fromMs) return
    this.#passEvents(measuredAtMs)
    this.#heard = true
    this.#life.read(measuredAtMs, value, this.#bornMs ?? Number.NaN)
  }

  #passEvents(toMs: number): void {
    for (let next = this.#events[this.#next]; next && next.atMs <= toMs; next = this.#events[++this.#next]) {
      if (next.kind === 'failed') {
        if ((this.#life.wear()?.wear ?? 0) >= WORN_OUT_LEAST) this.#life.failed(next.atMs)
      } else this.#renew(next.atMs)
    }
  }

  #renew(atMs: number): void {
    // Several sources may tell of the same service, and a life that was never seen is none.
    if (this.#bornMs !== null && this.#bornMs >= atMs) return
    const { next } = this.#life.renew(atMs)
    if (this.#heard) {
      this.#over.push({
        component: this.#spec.component,
        ordinal: this.#ordinal++,
        bornMs: this.#bornMs,
        over: true,
        life: this.#life,
      })
    }
    this.#life = next
    this.#bornMs = atMs
    this.#heard = false
  }

  done(nowMs: number, deviceId: string): FollowedLife[] {
    this.#passEvents(nowMs)
    const last = {
      component: this.#spec.component,
      ordinal: this.#ordinal,
      bornMs: this.#bornMs,
      over: false,
      life: this.#life,
    }
    return [...this.#over, last].map((life) => ({ ...life, deviceId, throughMs: nowMs }))
  }
}
