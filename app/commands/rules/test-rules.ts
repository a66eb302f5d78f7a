import { existsSync, readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { parse } from 'yaml'
import { catalogEntry } from '#catalog'
import type { ProductDocument, RuleDocument } from '#contracts'
import { HubError } from '#platform'
import { type FileSubject, parseRule, parseRuleTests, type RuleTestFile, runRuleTests, type TestResult } from '#rules'
import { type CommandContext, EXIT, type ExitCode } from '../../cli.ts'
import { readArguments } from '../../options.ts'

export const TEST_USAGE = `Usage: beforehand rules test FILE… [--json]

Plays the tests of each file through the evaluator that decides live, and compares.
  FILE   YAML or JSON: rules, and tests with series, events and what is expected; docs/trust.md explains them

Exit codes: 0 all as expected, 1 something is not, 2 a file cannot be understood, 3 a file is missing.`

interface FileResult {
  file: string
  passed: number
  failed: number
  tests: TestResult[]
}

/** Runs the tests of rules in files; all of them, whatever fails. */
export async function testRules({ args, cwd, say, answer }: CommandContext): Promise<ExitCode> {
  const { words } = readArguments(args, {})
  if (words.length === 0) throw new HubError('USAGE', 'rules test needs at least one file.')
  const results: FileResult[] = []
  for (const word of words) {
    const path = resolve(cwd, word)
    const file = readable(word, () => parseRuleTests(textOf(path, word)))
    const tests = runRuleTests(file, subjectOf(file, path))
    const failed = tests.filter(({ failures }) => failures.length > 0).length
    results.push({ file: word, passed: tests.length - failed, failed, tests })
    for (const line of linesOf(results.at(-1)!)) say(line)
  }
  const total = (what: 'passed' | 'failed') => results.reduce((sum, result) => sum + result[what], 0)
  say(`${total('passed')} passed, ${total('failed')} failed`)
  answer({ passed: total('passed'), failed: total('failed'), files: results })
  return total('failed') === 0 ? EXIT.done : EXIT.checkFailed
}

function linesOf({ file, tests }: FileResult): string[] {
  return [
    file,
    ...tests.flatMap(({ name, failures }) => [
      `  ${failures.length === 0 ? '✓' : '✗'} ${name}`,
      ...failures.flatMap(({ at, detail, drawing }) => [
        `      ${at === '' ? '' : `at ${at}: `}${detail}`,
        ...drawing.map((line) => `      ${line}`),
      ]),
    ]),
  ]
}

/** Rules and product of a test file; what it names lies beside it. */
function subjectOf(file: RuleTestFile, path: string): FileSubject {
  const beside = (name: string): string => join(dirname(path), name)
  const entry = file.catalog === undefined ? undefined : catalogEntry(file.catalog)
  if (file.catalog !== undefined && !entry)
    throw new HubError('USAGE', `${path}: the catalogue has no kind of product “${file.catalog}”.`)
  const named = typeof file.product === 'string' ? parse(textOf(beside(file.product), file.product)) : file.product
  const product = (named as ProductDocument | undefined) ?? entry?.product
  const rules: readonly RuleDocument[] = file.rules
    ? file.rules.map((name) => readable(name, () => parseRule(textOf(beside(name), name), product)))
    : entry!.rules
  return { rules, ...(product ? { product } : {}) }
}

function textOf(path: string, name: string): string {
  if (!existsSync(path)) throw new HubError('MISSING_DEPENDENCY', `There is no file ${name} (${path}).`)
  return readFileSync(path, 'utf8')
}

/** Says in which file something is wrong. */
function readable<T>(name: string, read: () => T): T {
  try {
    return read()
  } catch (error) {
    if (!(error instanceof HubError) || error.code === 'MISSING_DEPENDENCY') throw error
    throw new HubError('USAGE', `${name}: ${error.message}`, { cause: error, problems: error.problems })
  }
}
