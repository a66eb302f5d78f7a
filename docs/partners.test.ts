import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Compile } from 'typebox/compile'
import { expect, test } from 'vitest'
import { PARTNER_REASONS, PARTNER_STATUSES, PartnerEvent, SiteAddress, WorkOrderPacket } from '#contracts'

const page = readFileSync(join(import.meta.dirname, 'partners.md'), 'utf8')

test.each([
  ['order', WorkOrderPacket],
  ['site', SiteAddress],
] as const)('the %s that is shown is one', (kind, schema) => {
  const shown = page.match(new RegExp(`^\`\`\`json ${kind}\n([\\s\\S]*?)^\`\`\``, 'm'))
  expect(Compile(schema).Errors(JSON.parse(shown![1]!))).toEqual([])
})

test('what is said back is understood', () => {
  const sayings = [...page.matchAll(/say '(\{[\s\S]*?\})'\n/g)].map(([, body]) => JSON.parse(body!) as unknown)
  expect(sayings.length).toBeGreaterThanOrEqual(4)
  for (const body of sayings) {
    // Ids are left open on the page.
    const filled = JSON.parse(JSON.stringify(body).replaceAll('it_…', 'it_8d2n5v1k7m0q4x9c3b6f')) as unknown
    expect(Compile(PartnerEvent).Errors(filled), JSON.stringify(body)).toEqual([])
  }
})

/** Rows of the table with this heading: the names in the first cell, and the last cell. */
function rowsBelow(heading: string): [names: string[], last: string][] {
  const from = page.indexOf(heading)
  expect(from, heading).toBeGreaterThan(0)
  const table = page.slice(from, page.indexOf('\n\n', from)).split('\n').slice(2)
  return table.map((row) => {
    const cells = row.split('|').slice(1, -1)
    return [namesIn(cells[0]!), cells.at(-1)!]
  })
}
const namesIn = (cell: string): string[] => [...cell.matchAll(/`([a-z_]+)`/g)].map(([, name]) => name!)

test('every status and every reason stands on the page, and no other', () => {
  const statuses = rowsBelow('| status | says | needs | the case |').flatMap(([names]) => names)
  expect(statuses.sort()).toEqual([...PARTNER_STATUSES].sort())
  const reasons = rowsBelow('| status | reasons |').map(([[status], last]) => [status, namesIn(last)])
  expect(Object.fromEntries(reasons)).toEqual(PARTNER_REASONS)
})
