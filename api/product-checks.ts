import { type Component, type Metric, type ProductDocument, RESERVED_KEYS } from '#contracts'
import { durationMs, HubError, type Problem } from '#platform'
import { recoveryProblems } from '#rules'
import type { Tx } from '#store'

/** What a schema cannot say of a product: names that are unique, exist and inherit nothing; ranges the right way round. */
export function checkProduct(document: ProductDocument): void {
  const problems: Problem[] = []
  const note = (pointer: string, detail: string): void => void problems.push({ pointer, detail })
  const unique = (keys: readonly string[], pointer: (i: number) => string): void =>
    keys.forEach((key, i) => {
      if (RESERVED_KEYS.has(key)) note(pointer(i), `“${key}” is a reserved name`)
      if (keys.indexOf(key) !== i) note(pointer(i), `“${key}” is listed twice`)
    })
  const metrics = new Map(document.metrics.map((metric) => [metric.key, metric]))
  unique([document.key], () => '/key')
  unique(
    document.metrics.map((metric) => metric.key),
    (i) => `/metrics/${i}/key`,
  )
  document.metrics.forEach(({ min, max, type }, i) => {
    if (min !== undefined && max !== undefined && min > max) note(`/metrics/${i}/min`, 'is above max')
    if (type !== 'number' && (min ?? max) !== undefined) note(`/metrics/${i}`, 'only a number has min and max')
  })
  const components = document.components ?? []
  unique(
    components.map((component) => component.key),
    (i) => `/components/${i}/key`,
  )
  components.forEach(({ ratedLife }, i) => {
    if (ratedLife && 'metric' in ratedLife && !metrics.has(ratedLife.metric)) {
      note(`/components/${i}/ratedLife/metric`, `“${ratedLife.metric}” is not a metric of this product`)
    }
  })
  for (const [i, component] of components.entries())
    checkWear(component, metrics, (at, detail) => note(`/components/${i}/wear${at}`, detail))
  const listed = new Set(components.map((component) => component.key))
  for (const key of Object.keys(document.warranty?.components ?? {})) {
    if (!listed.has(key)) note(`/warranty/components/${key}`, 'is not a component of this product')
  }
  const { reporting } = document
  if (reporting && (durationMs(reporting.every) ?? 0) <= 0) note('/reporting/every', 'must be longer than nothing')
  problems.push(...recoveryProblems(document))
  if (problems.length > 0) {
    const [first] = problems
    throw new HubError('VALIDATION_FAILED', `The product at ${first!.pointer}: ${first!.detail}.`, { problems })
  }
}

/** Wear shows in numbers the product reports, on a way that has two ends. */
function checkWear(
  { wear }: Component,
  metrics: ReadonlyMap<string, Metric>,
  note: (at: string, detail: string) => void,
): void {
  if (!wear) return
  const number = (key: string, at: string): void => {
    const metric = metrics.get(key)
    if (!metric) note(at, `“${key}” is not a metric of this product`)
    else if (metric.type === 'string') note(at, `“${key}” is text; wear is seen in numbers`)
  }
  number(wear.metric, '/metric')
  for (const [k, { metric }] of (wear.while ?? []).entries()) number(metric, `/while/${k}/metric`)
  if (wear.fresh === wear.worn) note('/worn', 'is what a new one shows')
  if (wear.growth === 'geometric' && (wear.fresh <= 0 || wear.worn <= 0))
    note('/growth', 'geometric needs values above 0')
}

/** History keeps one type per metric for ever: a metric of another type is another metric. */
export async function refuseTypeChange(tx: Tx, brandId: string, document: ProductDocument): Promise<void> {
  const versions = await tx
    .selectFrom('product_versions')
    .select('document')
    .where('brand_id', '=', brandId)
    .where('product_key', '=', document.key)
    .execute()
  const types = new Map(
    versions.flatMap((version) => version.document.metrics.map((metric) => [metric.key, metric.type])),
  )
  document.metrics.forEach((metric, i) => {
    const was = types.get(metric.key)
    if (was === undefined || was === metric.type) return
    throw new HubError(
      'VALIDATION_FAILED',
      `“${metric.key}” is of type ${was} and stays so. Give the new metric a new key.`,
      {
        pointer: `/metrics/${i}/type`,
      },
    )
  })
}
