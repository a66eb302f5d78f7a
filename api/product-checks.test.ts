import { expect, test } from 'vitest'
import type { ProductDocument, Wear } from '#contracts'
import type { HubError } from '#platform'
import { checkProduct } from './product-checks.ts'

const product = (wear: Wear): ProductDocument => ({
  key: 'ap-300',
  category: 'air-purifier',
  metrics: [
    { key: 'filter_dp_pa', unit: 'Pa', type: 'number' },
    { key: 'mode', unit: '1', type: 'string' },
  ],
  components: [{ key: 'hepa-filter', kind: 'filter', wear }],
})

function problems(wear: Wear): Record<string, string> {
  try {
    checkProduct(product(wear))
    return {}
  } catch (error) {
    return Object.fromEntries((error as HubError).problems!.map(({ pointer, detail }) => [pointer, detail]))
  }
}

test('how a component wears is said in numbers the product reports, on a way with two ends', () => {
  const wear: Wear = { metric: 'filter_dp_pa', fresh: 50, worn: 250 }
  expect(problems(wear)).toEqual({})
  expect(problems({ ...wear, growth: 'geometric' })).toEqual({})
  const at = '/components/0/wear'
  expect(problems({ ...wear, metric: 'nothing' })).toEqual({
    [`${at}/metric`]: expect.stringContaining('not a metric'),
  })
  expect(problems({ ...wear, metric: 'mode' })).toEqual({ [`${at}/metric`]: expect.stringContaining('text') })
  expect(problems({ ...wear, while: [{ metric: 'fan', op: '>', value: 1 }] })).toEqual({
    [`${at}/while/0/metric`]: expect.stringContaining('not a metric'),
  })
  expect(problems({ ...wear, worn: 50 })).toEqual({ [`${at}/worn`]: expect.any(String) })
  expect(problems({ ...wear, fresh: 0, growth: 'geometric' })).toEqual({ [`${at}/growth`]: expect.any(String) })
})
