import type { Coverage, ExtendedWarranty, Payer, ProductDocument } from '#contracts'
import { durationMs } from '#platform'

export interface CoverageQuestion {
  product: Pick<ProductDocument, 'warranty'>
  component: string
  purchasedAtMs: number | null
  installedAtMs: number | null
  extended: ExtendedWarranty | null
  atMs: number
  /** The visit repeats one whose repair did not hold: of the partner that comes now, or of another. */
  rework: 'own' | 'of_another' | null
}

/** Who pays for a visit and on what ground. */
export interface CoverageAnswer {
  coverage: Coverage
  payer: Payer
  /** End of the cover that applies; `null` when none does or it has no end. */
  untilMs: number | null
}

/**
 * The maker's warranty (of the component where it names one, else of the whole), then an
 * extended one or a care plan, then the homeowner. A repair that did not hold is its partner's to repeat, and costs the home nothing whoever comes.
 * Without a purchase or installation date there is no warranty to rely on: better to quote a
 * price and find it waived than to promise a free visit.
 */
export function coverageOf(question: CoverageQuestion): CoverageAnswer {
  // Its own repair a partner repeats at its own cost; another is paid by the brand, and settled between those two.
  if (question.rework) {
    return { coverage: 'guarantee', payer: question.rework === 'own' ? 'partner' : 'brand', untilMs: null }
  }
  const { warranty } = question.product
  if (warranty) {
    const startMs = warranty.startsAt === 'purchase' ? question.purchasedAtMs : question.installedAtMs
    const termMs = durationMs(warranty.components?.[question.component] ?? warranty.whole ?? 'PT0S') ?? 0
    if (startMs !== null && question.atMs < startMs + termMs) {
      return { coverage: 'in_warranty', payer: 'warranty', untilMs: startMs + termMs }
    }
  }
  const { extended } = question
  if (extended && (!extended.components || extended.components.includes(question.component))) {
    const untilMs = Date.parse(extended.until)
    if (question.atMs < untilMs) {
      return extended.kind === 'care_plan'
        ? { coverage: 'care_plan', payer: 'brand', untilMs }
        : { coverage: 'in_warranty', payer: 'extended_warranty', untilMs }
    }
  }
  return { coverage: 'out_of_warranty', payer: 'homeowner', untilMs: null }
}
