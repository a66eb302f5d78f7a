import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { RuleDocument } from '#contracts'
import { parseRule } from '#rules'

const page = readFileSync(join(import.meta.dirname, 'rules.md'), 'utf8')
const examples = (kind: string): string[] =>
  [...page.matchAll(new RegExp(`^\`\`\`yaml ${kind}\n([\\s\\S]*?)^\`\`\``, 'gm'))].map(([, text]) => text!)

const around = (when: unknown) => ({
  key: 'example',
  name: { en: 'x', 'zh-CN': 'x' },
  scope: { product: 'ap-300' },
  component: 'device',
  when,
})

describe('the page about rules', () => {
  test('every example of a rule is one', () => {
    const rules = examples('rule')
    expect(rules.length).toBeGreaterThanOrEqual(4)
    for (const text of rules) expect(() => parseRule(text), text).not.toThrow()
  })

  test('every member of a rule is explained, and no other', () => {
    const from = page.indexOf('## What it says')
    const table = page.slice(from, page.indexOf('\n## ', from + 1))
    const explained = [...table.matchAll(/^\| `(\w+)` \|/gm)].map(([, member]) => member!)
    expect(explained.sort()).toEqual(Object.keys(RuleDocument.properties).sort())
  })

  test('there is an example of every kind of condition the language has, and each is one', () => {
    const conditions = examples('when').map((text) => parse(text) as object)
    for (const when of conditions) expect(() => parseRule(around(when)), JSON.stringify(when)).not.toThrow()
    const shown = new Set(
      conditions
        .flatMap((when) => ('all' in when ? (when.all as object[]) : [when]))
        .map((when) => Object.keys(when)[0]),
    )
    const kinds = JSON.stringify(RuleDocument.properties.when).matchAll(
      /"required":\["(metric|change|usage|age|event|season|anomaly|forecast|remaining|noData)"/g,
    )
    const known = new Set([...kinds].map(([, kind]) => kind!))
    expect(known.size).toBe(10)
    expect([...shown].sort()).toEqual([...known].sort())
  })

  test('the truth table is Kleene’s', () => {
    const value = (word: string): boolean | null => (word === 'unknown' ? null : word === 'true')
    const rows = [...page.matchAll(/^\| (true|false|unknown) \| (true|false|unknown) \| (\w+) \| (\w+) \| (\w+) \|$/gm)]
    expect(rows).toHaveLength(9)
    for (const [, ...words] of rows) {
      const [a, b, all, any, not] = words.map(value)
      expect([all, any, not], words.join(' ')).toEqual([
        a === false || b === false ? false : a === null || b === null ? null : true,
        a === true || b === true ? true : a === null || b === null ? null : false,
        a === null ? null : !a,
      ])
    }
  })
})
