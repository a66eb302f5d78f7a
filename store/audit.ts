import { createHash } from 'node:crypto'
import { sql } from 'kysely'
import { canonicalJson } from '#platform'
import { HUB_BRAND } from './tables/tenant.ts'
import type { Tx } from './tenancy.ts'

export interface AuditEntry {
  /** Null for what the operator did to the hub as a whole. */
  brandId: string | null
  atMs: number
  /** Who: a key id, a partner, `homeowner`, `hub`. Never a person's name. */
  actor: string
  /** What, as `thing.done`: `site.fetched`, `key.created`. */
  action: string
  /** To what: an id. */
  subject: string
  /** More about it. No personal data and no secrets: the trail outlives an erasure. */
  detail?: Record<string, unknown>
}

/**
 * Adds to a brand's audit trail. Every entry's hash covers the entry before it; the head row is
 * locked until the transaction ends, so that concurrent writers queue up and the chain has no forks.
 * Write it late in the transaction for that reason.
 */
export async function writeAudit(tx: Tx, entry: AuditEntry): Promise<void> {
  const brandId = entry.brandId ?? HUB_BRAND
  const text = entryText({ ...entry, brandId, detail: entry.detail ?? {} })
  // An update waits for the row and then sees its newest state, which a read before a lock would not.
  await sql`
    WITH head AS (
      INSERT INTO audit_heads AS h (brand_id, ordinal, prev_hash, hash)
      VALUES (${brandId}, 1, ''::bytea, sha256(convert_to(${text}, 'UTF8')))
      ON CONFLICT (brand_id) DO UPDATE SET
        ordinal = h.ordinal + 1, prev_hash = h.hash, hash = sha256(h.hash || convert_to(${text}, 'UTF8'))
      RETURNING ordinal, prev_hash, hash
    )
    INSERT INTO audit (brand_id, ordinal, at_ms, actor, action, subject, detail, prev_hash, hash)
    SELECT ${brandId}, ordinal, ${entry.atMs}::bigint, ${entry.actor}, ${entry.action}, ${entry.subject},
           ${JSON.stringify(entry.detail ?? {})}::jsonb, prev_hash, hash
      FROM head`.execute(tx)
}

const PAGE_SIZE = 1_000

/** Walks a brand's trail. Returns the ordinal of the first entry that is missing or was changed, or null when all is well. */
export async function firstBrokenAudit(tx: Tx, brandId: string): Promise<number | null> {
  let expected = 1
  let previous: Buffer = Buffer.alloc(0)
  for (;;) {
    const rows = await tx
      .selectFrom('audit')
      .selectAll()
      .where('brand_id', '=', brandId)
      .where('ordinal', '>=', expected)
      .orderBy('ordinal')
      .limit(PAGE_SIZE)
      .execute()
    for (const row of rows) {
      const text = entryText({ ...row, brandId, atMs: row.at_ms })
      const hash = createHash('sha256').update(previous).update(text).digest()
      if (row.ordinal !== expected || !row.prev_hash.equals(previous) || !row.hash.equals(hash)) return expected
      previous = row.hash
      expected++
    }
    if (rows.length < PAGE_SIZE) break
  }
  const head = await tx
    .selectFrom('audit_heads')
    .select(['ordinal', 'hash'])
    .where('brand_id', '=', brandId)
    .executeTakeFirst()
  const intact = head ? head.ordinal === expected - 1 && head.hash.equals(previous) : expected === 1
  return intact ? null : expected
}

function entryText(entry: Required<AuditEntry>): string {
  const { brandId, atMs, actor, action, subject, detail } = entry
  return canonicalJson([brandId, atMs, actor, action, subject, detail])
}
