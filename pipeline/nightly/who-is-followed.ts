import { type Database, holdJob, type JobLease, readControlRecords } from '#store'

/** Homes that do not agree to be watched, as the log last said: nothing of their appliances is looked at. */
export async function unwatchedHomes(db: Database, brandId: string, beforeMs: number): Promise<ReadonlySet<string>> {
  const records = await db.asHub((tx) =>
    readControlRecords(tx, { brandId, deviceIds: null, types: ['consent.monitoring'], beforeMs }),
  )
  const unwatched = new Set<string>()
  for (const { change } of records) {
    if (change.type !== 'consent.monitoring') continue
    if (change.granted) unwatched.delete(change.homeId)
    else unwatched.add(change.homeId)
  }
  return unwatched
}

/** What is known of appliances that are gone goes with them; of those nobody may watch, nothing is said any more. */
export async function letGo(
  { db, lease, nowMs }: { db: Database; lease: JobLease; nowMs: number },
  { brandId, unwatched }: { brandId: string; unwatched: ReadonlySet<string> },
): Promise<void> {
  await db.asHub(async (tx) => {
    await holdJob(tx, lease, nowMs)
    for (const table of ['part_lives', 'component_health'] as const)
      await tx
        .deleteFrom(table)
        .where('brand_id', '=', brandId)
        .where('device_id', 'in', (eb) =>
          eb
            .selectFrom('devices')
            .select('device_id')
            .where('brand_id', '=', brandId)
            .where('removed_at_ms', 'is not', null),
        )
        .execute()
    if (unwatched.size === 0) return
    await tx
      .deleteFrom('component_health')
      .where('brand_id', '=', brandId)
      .where('device_id', 'in', (eb) =>
        eb
          .selectFrom('devices')
          .select('device_id')
          .where('brand_id', '=', brandId)
          .where('home_id', 'in', [...unwatched]),
      )
      .execute()
  })
}
