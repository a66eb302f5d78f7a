import { instant, type RuleDocument } from '#contracts'
import { HubError, isHubError, isoDuration, sha256Hex } from '#platform'
import { canonicalRule, inhibitionProblems, parseRule, placedInText } from '#rules'
import type { Tx } from '#store'
import { currentProduct } from './current-product.ts'
import type { Work } from './http/commit.ts'
import { textOfBody } from './http/json-body.ts'

/** A rule as the brand may write it: well formed, and about a product it has. */
export async function parseForBrand(tx: Tx, brandId: string, body: unknown): Promise<RuleDocument> {
  try {
    return await parseWithBrand(tx, brandId, body)
  } catch (error) {
    const text = textOfBody(body)
    throw text !== null && isHubError(error, 'RULE_INVALID') ? placedInText(error, text) : error
  }
}

async function parseWithBrand(tx: Tx, brandId: string, body: unknown): Promise<RuleDocument> {
  const document = parseRule(body)
  await checkInhibition(tx, brandId, document)
  const { product } = document.scope
  if (product === undefined) return document
  const known = await currentProduct(tx, brandId, product)
  if (!known) {
    throw new HubError(
      'RULE_INVALID',
      `There is no product “${product}”. Create it first, or scope the rule by category.`,
      refusedAt('/scope/product', `There is no product “${product}”.`),
    )
  }
  return parseRule(body, known)
}

/** One problem found beyond the rule itself, in the form of those found within. */
function refusedAt(pointer: string, detail: string) {
  return { pointer, problems: [{ pointer, detail }] }
}

/** T23: rules that inhibit each other would keep both from being told. Judged over newest and live versions alike. */
async function checkInhibition(tx: Tx, brandId: string, document: RuleDocument): Promise<void> {
  if (!document.inhibitedBy) return
  const rows = await tx
    .selectFrom('rules as r')
    .innerJoin('rule_versions as v', (join) =>
      join.onRef('v.brand_id', '=', 'r.brand_id').onRef('v.rule_key', '=', 'r.rule_key'),
    )
    .select(['r.rule_key', 'v.document'])
    .where('r.brand_id', '=', brandId)
    .where('r.status', '<>', 'deleted')
    .where('r.rule_key', '<>', document.key)
    .where((eb) =>
      eb.or([eb('v.version', '=', eb.ref('r.current_version')), eb('v.version', '=', eb.ref('r.live_version'))]),
    )
    .execute()
  const others = new Map<string, string[]>()
  for (const { rule_key, document: other } of rows)
    others.set(rule_key, [...(others.get(rule_key) ?? []), ...(other.inhibitedBy ?? [])])
  const problems = inhibitionProblems(document, others)
  const [first] = problems
  if (first)
    throw new HubError('RULE_INVALID', `${first.pointer}: ${first.detail}`, { pointer: first.pointer, problems })
}

export async function addRuleVersion(
  { tx, brandId, nowMs, principal }: Work,
  version: number,
  document: RuleDocument,
  body: unknown,
  restoredFrom: number | null = null,
) {
  await tx
    .insertInto('rule_versions')
    .values({
      brand_id: brandId,
      rule_key: document.key,
      version,
      document: JSON.stringify(document),
      source: sourceOf(body),
      canonical_sha256: canonicalHash(document),
      author: principal.keyId,
      created_at_ms: nowMs,
      restored_from: restoredFrom,
    })
    .execute()
}

export function sourceOf(body: unknown): string | null {
  return typeof body === 'string' ? body : null
}

export function canonicalHash(document: RuleDocument): string {
  return sha256Hex(canonicalRule(document))
}

export function lockRule(tx: Tx, brandId: string, key: string) {
  return tx
    .selectFrom('rules')
    .selectAll()
    .where('brand_id', '=', brandId)
    .where('rule_key', '=', key)
    .forUpdate()
    .executeTakeFirst()
}

export function ruleRows(tx: Tx, brandId: string) {
  return tx
    .selectFrom('rules as r')
    .innerJoin('rule_versions as v', (join) =>
      join
        .onRef('v.brand_id', '=', 'r.brand_id')
        .onRef('v.rule_key', '=', 'r.rule_key')
        .onRef('v.version', '=', 'r.current_version'),
    )
    .select([
      'r.rule_key',
      'r.status',
      'r.current_version',
      'r.live_version',
      'r.canary_share',
      'r.settle_ms',
      'r.created_at_ms',
      'r.updated_at_ms',
      'v.document',
    ])
    .where('r.brand_id', '=', brandId)
    .where('r.status', '<>', 'deleted')
}

export async function showRule(tx: Tx, brandId: string, key: string) {
  const row = await ruleRows(tx, brandId).where('r.rule_key', '=', key).executeTakeFirst()
  if (!row) throw unknownRule(key)
  return ruleOfRow(row)
}

export function ruleOfRow(row: {
  rule_key: string
  status: string
  current_version: number
  live_version: number | null
  canary_share: number
  settle_ms: number | null
  document: RuleDocument
  created_at_ms: number
  updated_at_ms: number
}) {
  return {
    key: row.rule_key,
    status: row.status,
    version: row.current_version,
    liveVersion: row.live_version,
    canaryShare: row.canary_share,
    settle: row.settle_ms === null ? null : isoDuration(row.settle_ms),
    document: row.document,
    createdAt: instant(row.created_at_ms),
    updatedAt: instant(row.updated_at_ms),
  }
}

/** A version of a rule, the newest unless another is named. @throws {HubError} `NOT_FOUND`, `VALIDATION_FAILED` */
export async function ruleDocumentOf(tx: Tx, brandId: string, key: string, version?: number): Promise<RuleDocument> {
  const { version: newest } = await showRule(tx, brandId, key)
  const row = await tx
    .selectFrom('rule_versions')
    .select('document')
    .where('brand_id', '=', brandId)
    .where('rule_key', '=', key)
    .where('version', '=', version ?? newest)
    .executeTakeFirst()
  if (!row) throw new HubError('VALIDATION_FAILED', `“${key}” has no version ${version}.`, { pointer: '/version' })
  return row.document as RuleDocument
}

export function unknownRule(key: string): HubError {
  return new HubError('NOT_FOUND', `There is no rule “${key}”.`)
}
