import type { Evidence, ProductDocument, RuleDocument, Text } from '#contracts'

/** Names people read, from the product where it has them, from the key otherwise. */
export function componentName(product: Pick<ProductDocument, 'components'> | null, key: string): Text {
  const named = product?.components?.find((component) => component.key === key)?.name
  return named ?? { en: key.replaceAll('-', ' '), 'zh-CN': key }
}

export function metricName(product: Pick<ProductDocument, 'metrics'> | null, key: string): Text {
  const named = product?.metrics.find((metric) => metric.key === key)?.name
  return named ?? { en: key.replaceAll('_', ' '), 'zh-CN': key }
}

function shown(value: number | string | boolean | null): string {
  return typeof value === 'number' ? String(Math.round(value * 10) / 10) : String(value ?? '–')
}

const DAY_MS = 86_400_000
const HOUR_MS = 3_600_000
const MINUTE_MS = 60_000

/** For how long, in the unit people would say; `null` for what has only just begun. */
function duration(ms: number): Text | null {
  const days = Math.floor(ms / DAY_MS)
  if (days >= 2) return { en: `${days} days`, 'zh-CN': `${days}天` }
  const minutes = Math.floor(ms / MINUTE_MS)
  if (minutes < 1) return null
  if (minutes < 60) return { en: minutes === 1 ? 'a minute' : `${minutes} minutes`, 'zh-CN': `${minutes}分钟` }
  const hours = Math.round(ms / HOUR_MS)
  return { en: hours === 1 ? 'an hour' : `${hours} hours`, 'zh-CN': `${hours}小时` }
}

/**
 * Why a visit is proposed, in a sentence anybody understands: what was found, the measured
 * value beside its limit, and for how long.
 */
export function whyInPlainWords(options: {
  rule: Pick<RuleDocument, 'name' | 'cause'>
  product: ProductDocument | null
  evidence: readonly Evidence[]
  atMs: number
}): Text {
  const found = options.rule.cause?.text ?? options.rule.name
  const leaf = options.evidence.find((item) => item.limit !== null) ?? options.evidence[0]
  if (!leaf || leaf.value === null) return found
  const name = metricName(options.product, leaf.metric)
  const since = duration(Math.max(0, options.atMs - leaf.sinceMs))
  const unit = leaf.unit ? ` ${leaf.unit}` : ''
  const limit = leaf.limit === null ? null : `${shown(leaf.limit)}${unit}`
  return {
    en: `${found.en}: ${name.en} is ${shown(leaf.value)}${unit}${limit ? `, the limit is ${limit}` : ''}${since ? `; it has been so for ${since.en}` : ''}.`,
    'zh-CN': `${found['zh-CN']}：${name['zh-CN']}为${shown(leaf.value)}${unit}${limit ? `，限值${limit}` : ''}${since ? `，已持续${since['zh-CN']}` : ''}。`,
  }
}
