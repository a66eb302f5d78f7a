import { Compile } from 'typebox/compile'
import { describe, expect, test } from 'vitest'
import { type Condition, JobTemplate, ProductDocument, RuleDocument, WHOLE_DEVICE } from '#contracts'
import { catalog, catalogEntry, jobTemplate } from './index.ts'

const productSchema = Compile(ProductDocument)
const ruleSchema = Compile(RuleDocument)
const jobSchema = Compile(JobTemplate)

function metricsOf(condition: Condition): string[] {
  if ('all' in condition) return condition.all.flatMap(metricsOf)
  if ('any' in condition) return condition.any.flatMap(metricsOf)
  if ('not' in condition) return metricsOf(condition.not)
  if ('noData' in condition) return condition.noData.metric ? [condition.noData.metric] : []
  if ('metric' in condition) return [condition.metric]
  const [leaf] = Object.values(condition) as [{ metric?: string }]
  return leaf.metric === undefined ? [] : [leaf.metric]
}

describe.each(catalog)('$category', (entry) => {
  const metrics = new Set(entry.product.metrics.map((metric) => metric.key))
  const components = new Set(entry.product.components?.map((component) => component.key))
  const skus = new Set(entry.parts.map((part) => part.sku))

  test('fits the published schemas', () => {
    expect([...productSchema.Errors(entry.product)]).toEqual([])
    for (const rule of entry.rules) expect([...ruleSchema.Errors(rule)], rule.key).toEqual([])
    for (const job of entry.jobs) expect([...jobSchema.Errors(job)], job.code).toEqual([])
  })

  test('rules speak of metrics, components, jobs and parts that exist', () => {
    for (const rule of entry.rules) {
      expect([...components, WHOLE_DEVICE]).toContain(rule.component)
      for (const metric of metricsOf(rule.when)) expect(metrics).toContain(metric)
      if (rule.dispatch === 'notify') continue
      const job = jobTemplate(rule.service!.job)!
      expect(entry.jobs).toContain(job)
      for (const part of rule.service?.parts ?? []) expect(skus).toContain(part.sku)
      if (rule.service?.selfService) expect(rule.service.selfService.guide).toBe(job.selfService?.guide)
    }
  })

  test('every component says how its repair shows, but for what only eyes can see', () => {
    for (const component of entry.product.components ?? []) {
      if (component.kind === 'hygiene') continue
      expect(component.recovery, component.key).toBeDefined()
      for (const metric of metricsOf(component.recovery!.when)) expect(metrics).toContain(metric)
      if (component.part) expect(skus).toContain(component.part)
    }
  })

  test('what people notice of each component points to it and to no other', () => {
    const codes = (entry.product.components ?? []).flatMap((component) => {
      expect(component.symptoms?.length ?? 0, component.key).toBeGreaterThan(0)
      for (const { name } of component.symptoms!) expect(name?.['zh-CN'].length).toBeGreaterThan(0)
      return component.symptoms!.map(({ code }) => code)
    })
    expect(new Set(codes).size).toBe(codes.length)
  })

  test('is found by its category', () => {
    expect(catalogEntry(entry.category)).toBe(entry)
    expect(catalogEntry('toaster')).toBeUndefined()
  })
})
