import type { Core } from './core.ts'

/** Links are bearer secrets: made again from their parts when needed, stored only as hashes. */

export function offerToken(core: Core, offerId: string, generation: number): string {
  return core.box.derivedToken('offer', offerId, generation)
}

export function offerLink(core: Core, offerId: string, generation: number): string {
  return `${core.publicUrl}/h/${offerToken(core, offerId, generation)}`
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
