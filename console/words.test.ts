import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { DECLINE_REASONS, PARTNER_REASONS, PARTNER_STATUSES, VERDICTS } from '#contracts'
import { COMMON } from './pages/words-common.ts'
import { JOB } from './pages/words-job.ts'
import { OFFER } from './pages/words-offer.ts'

const PAGES = join(import.meta.dirname, 'pages')
const code = readdirSync(PAGES)
  .filter((name) => name.endsWith('.ts') && !name.startsWith('words'))
  .map((name) => readFileSync(join(PAGES, name), 'utf8'))
  .join('\n')
const all = Object.entries({ ...COMMON, ...OFFER, ...JOB }) as [string, readonly [string, string]][]
const CJK = /[\u3400-\u9fff]/

test('every word stands in both languages, each in its own', () => {
  for (const [key, [zh, en]] of all) {
    // What only one language says, as an ending, is empty in the other.
    if (['switchTo', 'listComma'].includes(key) || key.endsWith('After') || key.endsWith('Before')) continue
    expect(zh, key).toMatch(CJK)
    expect(en, key).toMatch(/[a-z]/i)
    expect(en, key).not.toMatch(CJK)
  }
})

test('no word stands in two lists, where one would hide the other', () => {
  const keys = [COMMON, OFFER, JOB].flatMap((words) => Object.keys(words))
  expect(keys.filter((key, i) => keys.indexOf(key) !== i)).toEqual([])
})

test('every word is said somewhere', () => {
  // These come over the wire and are said by their code.
  const codes = new Set<string>([
    ...PARTNER_STATUSES,
    ...VERDICTS,
    ...DECLINE_REASONS,
    ...Object.values(PARTNER_REASONS).flat(),
    // Severity, and how a repair ended.
    ...['info', 'warning', 'critical', 'verified', 'not_fixed', 'not_observed', 'unverified'],
  ])
  const unused = all.map(([key]) => key).filter((key) => !codes.has(key) && !code.includes(`'${key}'`))
  expect(unused).toEqual([])
})

test('every code the technician’s page may be told has words', () => {
  const own = { price: 'reasonPrice', other: 'otherReason', failed: 'statusFailed' }
  const known = new Set(all.map(([key]) => key))
  for (const it of [...PARTNER_STATUSES, ...VERDICTS, ...Object.values(PARTNER_REASONS).flat()])
    expect(known.has((own as Record<string, string>)[it] ?? it), it).toBe(true)
})
