import pg from 'pg'
import { expect, inject, onTestFinished, test } from 'vitest'

/** Tables that hold nothing of a brand. Inside a brand's transaction they are empty. */
const OF_THE_HUB = [
  'evaluator_state',
  'hub_facts',
  'job_leases',
  'log_positions',
  'partners',
  'state_snapshot_pages',
  'state_snapshots',
  'webhook_receipts',
]
/** The one table without policies: it says which migrations were applied, and the hub may only read it. */
const OPEN = ['schema_migrations']
/** Keyed by the order of their making, since the appender goes through every brand's together. */
const KEYED_OTHERWISE = ['control_changes']

interface TableFacts {
  name: string
  by_brand: boolean
  secured: boolean
  forced: boolean
  policies: number
  key: string[]
}

async function tables(): Promise<TableFacts[]> {
  const client = new pg.Client(inject('postgresOwnerUrl'))
  await client.connect()
  onTestFinished(() => client.end())
  const { rows } = await client.query<TableFacts>(`
    SELECT c.relname AS name, c.relrowsecurity AS secured, c.relforcerowsecurity AS forced,
           EXISTS (SELECT FROM pg_attribute WHERE attrelid = c.oid AND attname = 'brand_id') AS by_brand,
           (SELECT count(*)::int FROM pg_policy WHERE polrelid = c.oid) AS policies,
           ARRAY(SELECT a.attname::text FROM pg_index i, unnest(i.indkey) WITH ORDINALITY AS k (attnum, place)
                   JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.attnum
                  WHERE i.indrelid = c.oid AND i.indisprimary ORDER BY place) AS key
      FROM pg_class c WHERE c.relkind IN ('r', 'p') AND c.relnamespace = 'public'::regnamespace ORDER BY 1`)
  return rows
}

test('every table is under forced row-level security with a policy', async () => {
  const open = (await tables()).filter(({ secured, forced, policies }) => !secured || !forced || policies === 0)
  expect(open.map(({ name }) => name)).toEqual(OPEN)
})

test('every table has the brand in it, or is known to be the hub’s own', async () => {
  const names = (await tables()).filter(({ by_brand }) => !by_brand).map(({ name }) => name)
  expect(names.filter((name) => !OF_THE_HUB.includes(name) && !OPEN.includes(name))).toEqual([])
})

test('the key of a brand’s table begins with the brand', async () => {
  const others = (await tables()).filter(({ by_brand, key }) => by_brand && key[0] !== 'brand_id')
  expect(others.map(({ name }) => name)).toEqual(KEYED_OTHERWISE)
})

test('no foreign key between brands’ tables leaves the brand out', async () => {
  const client = new pg.Client(inject('postgresOwnerUrl'))
  await client.connect()
  onTestFinished(() => client.end())
  const { rows } = await client.query(`
    SELECT conrelid::regclass::text AS child, confrelid::regclass::text AS parent
      FROM pg_constraint f
     WHERE contype = 'f'
       AND EXISTS (SELECT FROM pg_attribute WHERE attrelid = conrelid AND attname = 'brand_id')
       AND EXISTS (SELECT FROM pg_attribute WHERE attrelid = confrelid AND attname = 'brand_id')
       AND NOT EXISTS (SELECT FROM pg_attribute WHERE attrelid = conrelid AND attname = 'brand_id' AND attnum = ANY (conkey))`)
  expect(rows).toEqual([])
})
