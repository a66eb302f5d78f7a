import type { Core, Work } from './core.ts'

/** Links are bearer secrets: made again from their parts when needed, stored only as hashes. */

export function offerToken(core: Core, offerId: string, generation: number): string {
  return core.box.derivedToken('offer', offerId, generation)
}

export function offerLink(core: Core, offerId: string, generation: number): string {
  return `${core.publicUrl}/h/${offerToken(core, offerId, generation)}`
}

/** Stands in a brand's path where the link's token goes. */
const PATH_TOKEN = '{token}'

/** The offer's page inside the brand's mini-program; `null` while the brand has not said where it is. */
export async function miniProgramPath(
  core: Core,
  work: Work,
  offerId: string,
  generation: number,
): Promise<string | null> {
  const brand = await work.tx
    .selectFrom('brands')
    .select('settings')
    .where('brand_id', '=', work.brandId)
    .executeTakeFirst()
  const path = brand?.settings.miniProgramPath
  return typeof path === 'string' ? path.replace(PATH_TOKEN, offerToken(core, offerId, generation)) : null
}

export function jobToken(core: Core, workOrderId: string): string {
  return core.box.derivedToken('job', workOrderId)
}

export function orderLinks(core: Core, workOrderId: string): { site: string; job: string; events: string } {
  const partner = `${core.publicUrl}/partner/v1/work-orders/${workOrderId}`
  return {
    site: `${partner}/site`,
    job: `${core.publicUrl}/j/${jobToken(core, workOrderId)}`,
    events: `${partner}/events`,
  }
}
