import type { Diagnosis, Text } from '#contracts'
import type { Work } from '../core.ts'
import { type CaseFacts, ruleDocument } from '../facts.ts'
import { componentName } from '../notices/plain-words.ts'
import { FORESEEN_MS } from '../policy.ts'

/** Findings of one appliance that a technician should have in mind: more than this nobody reads at the door. */
const ALTERNATIVES_MAX = 5
const DAY_MS = 86_400_000
const YEAR_MS = 365 * DAY_MS

/**
 * What else may be behind a fault that a person reported: other alerts of the appliance, open or of the last thirty
 * days; the last repair of the component; and its age, where it has outlived what it was made for.
 */
export async function alternativesOf(work: Work, facts: CaseFacts): Promise<Diagnosis['alternatives']> {
  const { record } = facts
  const alerts = await work.tx
    .selectFrom('alerts')
    .select(['rule_key', 'rule_version', 'component', 'opened_at_ms'])
    .where('brand_id', '=', work.brandId)
    .where('device_id', '=', record.device_id)
    .where('mode', '=', 'active')
    .where((eb) => eb.or([eb('resolved_at_ms', 'is', null), eb('resolved_at_ms', '>', work.atMs - FORESEEN_MS)]))
    .orderBy('opened_at_ms', 'desc')
    .limit(20)
    .execute()
  const found = new Map<string, Text>()
  for (const alert of alerts) {
    if (alert.rule_key === record.rule_key || found.has(alert.rule_key)) continue
    const rule = await ruleDocument(work, alert.rule_key, alert.rule_version)
    if (rule) found.set(rule.cause?.code ?? rule.key, rule.cause?.text ?? rule.name)
  }
  const repaired = await lastRepair(work, facts)
  if (repaired) found.set('repaired-before', repaired)
  const aged = outlived(facts, work.atMs)
  if (aged) found.set('age', aged)
  return [...found].slice(0, ALTERNATIVES_MAX).map(([code, text]) => ({ code, text }))
}

async function lastRepair(work: Work, { record, product }: CaseFacts): Promise<Text | null> {
  const row = await work.tx
    .selectFrom('order_items as i')
    .innerJoin('cases as c', (join) => join.onRef('c.brand_id', '=', 'i.brand_id').onRef('c.case_id', '=', 'i.case_id'))
    .select(['i.finished_at_ms', 'c.component'])
    .where('i.brand_id', '=', work.brandId)
    .where('c.device_id', '=', record.device_id)
    .where('i.finished_at_ms', 'is not', null)
    .where('i.verdict', 'in', ['confirmed', 'other_cause'])
    .orderBy('i.finished_at_ms', 'desc')
    .executeTakeFirst()
  if (!row) return null
  const name = componentName(product, row.component)
  const days = Math.max(0, Math.round((work.atMs - row.finished_at_ms!) / DAY_MS))
  return { en: `${name.en} was repaired ${days} days ago`, 'zh-CN': `${days}天前维修过${name['zh-CN']}` }
}

/** The component, or where nothing points to one the whole appliance, is older than it was rated for. */
function outlived({ record, product, device }: CaseFacts, atMs: number): Text | null {
  if (device?.installedAtMs === null || device?.installedAtMs === undefined) return null
  const ageMs = atMs - device.installedAtMs
  const life = product?.components?.find((one) => one.key === record.component)?.ratedLife
  if (!life || !('days' in life) || ageMs < life.days * DAY_MS) return null
  const years = Math.round((ageMs / YEAR_MS) * 10) / 10
  return { en: `in use for ${years} years, longer than it is rated for`, 'zh-CN': `已使用${years}年，超过额定寿命` }
}
