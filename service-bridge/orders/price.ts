import type { AgreementDocument, ChargeLine, JobPart, Text } from '#contracts'

export interface PricedJob {
  code: string
  parts: readonly JobPart[]
}

/**
 * Price lines of one visit from an agreement's list: what is named for a job goes before
 * what holds for all; the inspection is charged once per visit, labour once per job, parts
 * by quantity and under the brand's name for it. A part without a price is left out: it is then
 * settled by a quote.
 */
export function priceLines(
  agreement: Pick<AgreementDocument, 'prices'>,
  jobs: readonly PricedJob[],
  names: ReadonlyMap<string, Text> = new Map(),
): ChargeLine[] {
  const lines: ChargeLine[] = []
  const find = (kind: ChargeLine['kind'], job: string) =>
    agreement.prices.find((price) => price.kind === kind && price.job === job && price.sku === undefined) ??
    agreement.prices.find((price) => price.kind === kind && price.job === undefined && price.sku === undefined)

  const [firstJob] = jobs
  const inspection = firstJob && find('inspection', firstJob.code)
  if (inspection) lines.push({ kind: 'inspection', amountMinor: inspection.amountMinor })
  for (const job of jobs) {
    const labour = find('labour', job.code)
    if (labour) lines.push({ kind: 'labour', amountMinor: labour.amountMinor })
    for (const part of job.parts) {
      const price = agreement.prices.find((line) => line.kind === 'part' && line.sku === part.sku)
      if (!price) continue
      const name = names.get(part.sku)
      lines.push({
        kind: 'part',
        sku: part.sku,
        ...(name ? { name } : {}),
        quantity: part.quantity,
        amountMinor: price.amountMinor * part.quantity,
      })
    }
    const other = find('other', job.code)
    if (other) lines.push({ kind: 'other', amountMinor: other.amountMinor })
  }
  return lines
}

export function totalOf(lines: readonly Pick<ChargeLine, 'amountMinor'>[]): number {
  return lines.reduce((sum, line) => sum + line.amountMinor, 0)
}
