import type { Evidence, ProductDocument, RuleDocument, Text } from '#contracts'
import { compare } from '#rules'

/** Names people read, from the product where it has them, from the key otherwise. */
export function componentName(product: Pick<ProductDocument, 'components'> | null, key: string): Text {
  const named = product?.components?.find((component) => component.key === key)?.name
  return named ?? { en: key.replaceAll('-', ' '), 'zh-CN': key }
}

/** What a condition compares that no metric is: a product that has a metric of this name names it itself. */
const OF_NO_METRIC: Readonly<Partial<Record<string, Text>>> = {
  age: { en: 'age', 'zh-CN': '使用时间' },
  silence: { en: 'silence', 'zh-CN': '无数据时间' },
  season: { en: 'season', 'zh-CN': '季节' },
  remaining_life: { en: 'remaining life', 'zh-CN': '预计剩余寿命' },
}

export function metricName(product: Pick<ProductDocument, 'metrics'> | null, key: string): Text {
  const named = product?.metrics.find((metric) => metric.key === key)?.name ?? OF_NO_METRIC[key]
  return named ?? { en: key.replaceAll('_', ' '), 'zh-CN': key }
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

/** Beyond this many decimals a difference means nothing to anybody. */
const DECIMALS_MAX = 4

/** Both numbers with as few decimals as still tell them apart. */
function apart(value: number, limit: number): [value: string, limit: string] {
  for (let decimals = 1; ; decimals++) {
    const [a, b] = [value, limit].map((it) => String(Number(it.toFixed(decimals)))) as [string, string]
    if (a !== b || value === limit || decimals === DECIMALS_MAX) return [a, b]
  }
}

const SIDES: Readonly<Record<'above' | 'below', Text>> = {
  above: { en: 'above', 'zh-CN': '高于' },
  below: { en: 'below', 'zh-CN': '低于' },
}

/** A measured value beside its limit: "is 262.1 Pa, above the limit of 250 Pa". */
function measured({ value, op, limit, unit }: Evidence & { value: number; limit: number }): Text {
  const [shown, bound] = apart(value, limit).map((it) => (unit === '' || unit === '1' ? it : `${it} ${unit}`))
  if (op === '==') return { en: `is ${shown}`, 'zh-CN': `为${shown}` }
  if (op === '!=') return { en: `is ${shown} instead of ${bound}`, 'zh-CN': `为${shown}，应为${bound}` }
  if (value === limit) return { en: `is at its limit of ${bound}`, 'zh-CN': `已到限值${bound}` }
  const side = SIDES[op === '>' || op === '>=' ? 'above' : 'below']
  return { en: `is ${shown}, ${side.en} the limit of ${bound}`, 'zh-CN': `为${shown}，${side['zh-CN']}限值${bound}` }
}

/** What a forecast says, in days from now: "expected to be due in about 20 days (13 to 31)". */
function aheadOf(
  { forecast, metric }: Evidence,
  { product, atMs }: { product: ProductDocument | null; atMs: number },
): Text | null {
  if (!forecast) return null
  const days = (ms: number): number => Math.max(0, Math.round((ms - atMs) / DAY_MS))
  const [early, middle] = [days(forecast.p10Ms), days(forecast.p50Ms)]
  const late = forecast.p90Ms === null ? null : days(forecast.p90Ms)
  const range =
    late === null
      ? { en: `${early} days at the earliest`, 'zh-CN': `最早${early}天` }
      : { en: `${early} to ${late} days`, 'zh-CN': `${early}至${late}天` }
  if (metric !== forecast.metric)
    return {
      en: `going by how such parts wear, it is due in about ${middle} days (${range.en})`,
      'zh-CN': `按同类部件的损耗规律，预计约${middle}天后到期（${range['zh-CN']}）`,
    }
  const name = metricName(product, metric)
  const limit = `${Number(forecast.reaches.toPrecision(4))}${forecast.unit === '' || forecast.unit === '1' ? '' : ` ${forecast.unit}`}`
  return {
    en: `at the present trend ${name.en} reaches ${limit} in about ${middle} days (${range.en})`,
    'zh-CN': `按目前趋势，${name['zh-CN']}约${middle}天后达到${limit}（${range['zh-CN']}）`,
  }
}

/** The leaf that tells the finding: the first number that is compared and stands where the comparison says. */
function telling(product: ProductDocument | null, evidence: readonly Evidence[]) {
  return evidence.find(
    (leaf): leaf is Evidence & { value: number; limit: number } =>
      typeof leaf.value === 'number' &&
      leaf.limit !== null &&
      compare(leaf.op, leaf.value, leaf.limit) &&
      product?.metrics.find((metric) => metric.key === leaf.metric)?.type !== 'boolean',
  )
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
  const leaf = telling(options.product, options.evidence)
  if (!leaf) return found
  const ahead = aheadOf(leaf, options)
  if (ahead) return { en: `${found.en}: ${ahead.en}.`, 'zh-CN': `${found['zh-CN']}：${ahead['zh-CN']}。` }
  const name = metricName(options.product, leaf.metric)
  const since = duration(Math.max(0, options.atMs - leaf.sinceMs))
  const words = measured(leaf)
  return {
    en: `${found.en}: ${name.en} ${words.en}${since ? `; it has been so for ${since.en}` : ''}.`,
    'zh-CN': `${found['zh-CN']}：${name['zh-CN']}${words['zh-CN']}${since ? `，已持续${since['zh-CN']}` : ''}。`,
  }
}
