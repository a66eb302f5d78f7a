import type { JobTemplate, Text } from '#contracts'
import type { Work } from '../core.ts'

/** What the brand says about the parts of a visit. */
export interface VisitParts {
  /** By stock number; a part the brand never described has none. */
  names: ReadonlyMap<string, Text>
  /** Longest time any of them takes to reach the region. */
  leadMs: number
}

const DAY_MS = 86_400_000

export async function visitParts(
  work: Work,
  jobs: readonly Pick<JobTemplate, 'parts'>[],
  region: string | null,
): Promise<VisitParts> {
  const skus = jobs.flatMap((job) => (job.parts ?? []).map((part) => part.sku))
  if (skus.length === 0) return { names: new Map(), leadMs: 0 }
  const rows = await work.tx
    .selectFrom('parts')
    .select(['sku', 'name', 'lead_days'])
    .where('brand_id', '=', work.brandId)
    .where('sku', 'in', skus)
    .execute()
  return {
    names: new Map(rows.map((row) => [row.sku, row.name])),
    leadMs: Math.max(0, ...rows.map((row) => leadDays(row.lead_days, region))) * DAY_MS,
  }
}

/** The entry whose region prefix is the longest that fits; `""` fits all. */
export function leadDays(byRegion: Readonly<Record<string, number>>, region: string | null): number {
  const fitting = Object.keys(byRegion).filter((prefix) => (region ?? '').startsWith(prefix))
  const closest = fitting.sort((a, b) => b.length - a.length)[0]
  return closest === undefined ? 0 : (byRegion[closest] ?? 0)
}
