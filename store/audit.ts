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

/** One brand's trail, walked from its first entry to its head. */
export interface AuditCheck {
  /** Entries that hold together, from the first on. */
  entries: number
  /** Hash of the last of them, hex: written down elsewhere, it proves later that nothing before it was changed. */
  head: string
  /** The first entry that does not hold, or `null`. */
  broken: { ordinal: number; why: 'missing' | 'changed' } | null
}

/** Walks a brand's trail and stops at the first entry that is missing or was changed. */
export async function checkAudit(tx: Tx, brandId: string): Promise<AuditCheck> {
  let expected = 1
  let previous: Buffer = Buffer.alloc(0)
  const found = (why: 'missing' | 'changed' | null): AuditCheck => ({
    entries: expected - 1,
    head: previous.toString('hex'),
    broken: why === null ? null : { ordinal: expected, why },
  })
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
      if (row.ordinal !== expected) return found('missing')
      const text = entryText({ ...row, brandId, atMs: row.at_ms })
      const hash = createHash('sha256').update(previous).update(text).digest()
      if (!row.prev_hash.equals(previous) || !row.hash.equals(hash)) return found('changed')
      previous = row.hash
      expected++
    }
    if (rows.length < PAGE_SIZE) break
  }
  // The head knows how long the trail is: cut off at its end, it would look whole otherwise.
  const head = await tx
    .selectFrom('audit_heads')
    .select(['ordinal', 'hash'])
    .where('brand_id', '=', brandId)
    .executeTakeFirst()
  if (!head) return found(expected === 1 ? null : 'changed')
  if (head.ordinal >= expected) return found('missing')
  return found(head.ordinal === expected - 1 && head.hash.equals(previous) ? null : 'changed')
}

/** Whose trails there are; in hub scope every brand's, the operator's own among them. */
export async function auditTrails(tx: Tx): Promise<string[]> {
  const rows = await tx.selectFrom('audit_heads').select('brand_id').orderBy('brand_id').execute()
  return rows.map((row) => row.brand_id)
}

function entryText(entry: Required<AuditEntry>): string {
  const { brandId, atMs, actor, action, subject, detail } = entry
  return canonicalJson([brandId, atMs, actor, action, subject, detail])
}
