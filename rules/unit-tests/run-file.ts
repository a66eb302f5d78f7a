import type { ProductDocument, RuleDocument } from '#contracts'
import { productFor } from './product-for.ts'
import { runRuleTest, type TestResult } from './run-test.ts'
import type { RuleTestFile } from './test-file.ts'

export interface FileSubject {
  rules: readonly RuleDocument[]
  /** Made up for each test when left out. */
  product?: ProductDocument
}

/** Runs every test of a file. `every` of a test stands before what the product promises. */
export function runRuleTests(file: RuleTestFile, { rules, product }: FileSubject): TestResult[] {
  return file.tests.map((test) =>
    runRuleTest(test, { rules, product: product ? reportingEvery(product, test.every) : productFor(rules, test) }),
  )
}

function reportingEvery(product: ProductDocument, every: string | undefined): ProductDocument {
  if (every === undefined) return product
  return {
    ...product,
    metrics: product.metrics.map((metric) => ({ ...metric, expectedEvery: every })),
    ...(product.reporting ? { reporting: { ...product.reporting, every } } : {}),
  }
}
