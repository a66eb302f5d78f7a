import { Type } from 'typebox'
import { Duration, instant, Key, type ProductDocument, RuleDocument } from '#contracts'
import { canonicalJson, durationMs, HubError, isoDuration, newId, sha256Hex } from '#platform'
import { canonicalRule, parseRule, ruleJsonSchema } from '#rules'
import type { Tx } from '#store'
import { AUTHOR, PUBLIC, VIEWER } from '../http/access.ts'
import { utf8Text } from '../http/bodies.ts'
import { commit, type Work } from '../http/commit.ts'
import { isStorableText } from '../http/json-body.ts'
import { listPage, PageOf, PageQuery } from '../http/paging.ts'
import { read } from '../http/read.ts'
import { Closed, Nullable, PathName, Time } from '../http/schemas.ts'
import { rawBodyValidator } from '../http/validation.ts'
import type { Routes } from './routes.ts'

const YAML_TYPES = ['application/yaml', 'application/x-yaml', 'text/yaml']
/** A rule with thirty leaves, both languages and comments stays far below. */
const RULE_BYTES_MAX = 131_072

const Status = Type.Enum(['draft', 'active', 'shadow', 'paused'])
const Rule = Closed({
  key: Key,
  status: Status,
  version: Type.Integer({ description: 'the newest saved' }),
  liveVersion: Nullable(Type.Integer({ description: 'the one in force; null when none is' })),
  canaryShare: Type.Number(),
  settle: Nullable(
    Type.String({
      ...Duration,
      description: 'how long a new case waits before anyone is asked or sent; null: the hub’s own ten minutes',
    }),
  ),
  document: RuleDocument,
  createdAt: Time,
  updatedAt: Time,
})
const Version = Closed({
  version: Type.Integer(),
  document: RuleDocument,
  source: Nullable(Type.String({ description: 'as written, when it came as YAML' })),
  author: Type.String(),
  createdAt: Time,
  activatedAt: Nullable(Time),
  warmedAt: Nullable(Time),
})
const Shadow = Closed({
  version: Type.Optional(Type.Integer({ minimum: 1, description: 'the newest when left out' })),
  canaryShare: Type.Optional(
    Type.Number({
      exclusiveMinimum: 0,
      maximum: 1,
      description: 'share of the fleet it applies to, chosen by device; 1 when left out',
    }),
  ),
})
/** The hub's own wait, which is what a storm of the whole fleet needs to show itself: a brand may only shorten it. */
const SETTLE_MS_MAX = 600_000
const GoLive = Closed({
  ...Shadow.properties,
  settle: Type.Optional(
    Type.String({
      ...Duration,
      description:
        'how long a new case waits for what else the home may need, and for a storm to show itself, before anyone is asked or sent: 0 s to 10 min (PT0S, 3m), ten minutes when left out; only past the canary',
    }),
  ),
})
const params = Closed({ rule: PathName })
const tags = ['rules']

/** Rules: written, saved as versions, put in force, watched in shadow, paused. */
export const ruleRoutes: Routes = async (app, services) => {
  app.addContentTypeParser(YAML_TYPES, { parseAs: 'buffer', bodyLimit: RULE_BYTES_MAX }, (_request, body, done) => {
    try {
      const text = utf8Text(body as Buffer)
      if (!isStorableText(text)) throw new HubError('RULE_INVALID', 'The rule holds a NUL character.')
      done(null, text)
    } catch (error) {
      done(error as Error)
    }
  })

  // The rule language judges its own documents, with pointers, product and all; the schema here is for readers.
  const judgedByLanguage = { validatorCompiler: rawBodyValidator, bodyLimit: RULE_BYTES_MAX }
  const ruleBody = { body: RuleDocument, consumes: ['application/json', ...YAML_TYPES] }

  app.get(
    '/api/rules/schema',
    {
      config: { access: PUBLIC },
      schema: {
        summary: 'JSON Schema of the rule language, for editors',
        tags,
        response: { 200: Type.Object({}, { additionalProperties: true }) },
      },
    },
    async () => ruleJsonSchema as Record<string, unknown>,
  )

  app.post(
    '/api/rules',
    {
      config: { access: AUTHOR },
      ...judgedByLanguage,
      schema: { summary: 'Save a new rule as a draft (JSON or YAML)', tags, ...ruleBody, response: { 201: Rule } },
    },
    (request, reply) =>
      commit(services, request, reply, async (work) => {
        const { tx, brandId, nowMs } = work
        const document = await parseForBrand(tx, brandId, request.body)
        const before = await lockRule(tx, brandId, document.key)
        if (before && before.status !== 'deleted') {
          throw new HubError('CONFLICT', `There is a rule “${document.key}” already. PUT saves a new version.`, {
            pointer: '/key',
          })
        }
        const version = (before?.current_version ?? 0) + 1
        const row = {
          status: 'draft',
          current_version: version,
          live_version: null,
          activation: null,
          canary_share: 1,
          settle_ms: null,
        } as const
        await tx
          .insertInto('rules')
          .values({ brand_id: brandId, rule_key: document.key, ...row, created_at_ms: nowMs, updated_at_ms: nowMs })
          .onConflict((conflict) =>
            conflict
              .columns(['brand_id', 'rule_key'])
              .doUpdateSet({ ...row, created_at_ms: nowMs, updated_at_ms: nowMs, deleted_at_ms: null }),
          )
          .execute()
        await addVersion(work, version, document, request.body)
        work.audit('rule.created', document.key, { version })
        return { status: 201, body: await showRule(tx, brandId, document.key) }
      }),
  )

  app.get(
    '/api/rules',
    {
      config: { access: VIEWER },
      schema: {
        summary: 'Rules by key',
        tags,
        querystring: Closed({ ...PageQuery, status: Type.Optional(Status) }),
        response: { 200: PageOf(Rule) },
      },
    },
    (request) =>
      read(services, request, (tx, brandId) => {
        const { status } = request.query
        const all = ruleRows(tx, brandId)
        const query = status === undefined ? all : all.where('r.status', '=', status)
        return listPage(query, request.query, { by: ['rule_key'], table: 'r' }, ruleOfRow)
      }),
  )

  app.get(
    '/api/rules/:rule',
    { config: { access: VIEWER }, schema: { summary: 'One rule', tags, params, response: { 200: Rule } } },
    (request) => read(services, request, (tx, brandId) => showRule(tx, brandId, request.params.rule)),
  )

  app.get(
    '/api/rules/:rule/versions',
    {
      config: { access: VIEWER },
      schema: {
        summary: 'Every version, newest first',
        tags,
        params,
        querystring: Closed(PageQuery),
        response: { 200: PageOf(Version) },
      },
    },
    (request) =>
      read(services, request, async (tx, brandId) => {
        await showRule(tx, brandId, request.params.rule)
        return listPage(
          tx
            .selectFrom('rule_versions')
            .selectAll()
            .where('brand_id', '=', brandId)
            .where('rule_key', '=', request.params.rule),
          request.query,
          { by: ['version'], direction: 'desc' },
          (row) => ({
            version: row.version,
            document: row.document,
            source: row.source,
            author: row.author,
            createdAt: instant(row.created_at_ms),
            activatedAt: row.activated_at_ms === null ? null : instant(row.activated_at_ms),
            warmedAt: row.warmed_at_ms === null ? null : instant(row.warmed_at_ms),
          }),
        )
      }),
  )

  app.put(
    '/api/rules/:rule',
    {
      config: { access: AUTHOR },
      ...judgedByLanguage,
      schema: {
        summary: 'Save a rule: a new version when its meaning changed, in force only once activated',
        description:
          'Saving the same meaning again makes no version and no event; changed texts are taken over into the newest version.',
        tags,
        params,
        ...ruleBody,
        response: { 200: Rule },
      },
    },
    (request, reply) =>
      commit(services, request, reply, async (work) => {
        const { tx, brandId, nowMs } = work
        const document = await parseForBrand(tx, brandId, request.body)
        if (document.key !== request.params.rule) {
          throw new HubError('RULE_INVALID', 'The key of a rule does not change.', { pointer: '/key' })
        }
        const before = await lockRule(tx, brandId, document.key)
        if (!before || before.status === 'deleted') throw unknownRule(document.key)
        const newest = await tx
          .selectFrom('rule_versions')
          .select(['version', 'canonical_sha256', 'document'])
          .where('brand_id', '=', brandId)
          .where('rule_key', '=', document.key)
          .where('version', '=', before.current_version)
          .executeTakeFirstOrThrow()
        if (newest.canonical_sha256 === canonicalHash(document)) {
          if (canonicalJson(newest.document) !== canonicalJson(document)) {
            await tx
              .updateTable('rule_versions')
              .set({ document: JSON.stringify(document), source: sourceOf(request.body) })
              .where('brand_id', '=', brandId)
              .where('rule_key', '=', document.key)
              .where('version', '=', newest.version)
              .execute()
            work.audit('rule.texts_changed', document.key, { version: newest.version })
          }
          return { status: 200, body: await showRule(tx, brandId, document.key) }
        }
        const version = before.current_version + 1
        await tx
          .updateTable('rules')
          .set({ current_version: version, updated_at_ms: nowMs })
          .where('brand_id', '=', brandId)
          .where('rule_key', '=', document.key)
          .execute()
        await addVersion(work, version, document, request.body)
        work.audit('rule.saved', document.key, { version })
        return { status: 200, body: await showRule(tx, brandId, document.key) }
      }),
  )

  for (const [action, mode, body] of [
    ['activate', 'active', GoLive],
    ['shadow', 'shadow', Shadow],
  ] as const) {
    app.post(
      `/api/rules/:rule/${action}`,
      {
        config: { access: AUTHOR },
        schema: {
          summary:
            mode === 'active'
              ? 'Put a version in force: from here its alerts make offers and orders'
              : 'Let a version watch and score without touching anybody',
          tags,
          params,
          body,
          response: { 200: Rule },
        },
      },
      (request, reply) =>
        commit(services, request, reply, (work) => goLive(work, request.params.rule, mode, request.body)),
    )
  }

  app.post(
    '/api/rules/:rule/pause',
    {
      config: { access: AUTHOR },
      schema: {
        summary: 'Take a rule out of force: its alerts resolve, unanswered offers are withdrawn, orders stay',
        tags,
        params,
        body: Closed({}),
        response: { 200: Rule },
      },
    },
    (request, reply) =>
      commit(services, request, reply, async (work) => {
        const { tx, brandId } = work
        const { rule } = request.params
        await takeOutOfForce(work, rule, 'paused')
        return { status: 200, body: await showRule(tx, brandId, rule) }
      }),
  )

  app.delete(
    '/api/rules/:rule',
    {
      config: { access: AUTHOR },
      schema: { summary: 'Delete a rule; its versions stay for replay', tags, params, response: { 204: Type.Null() } },
    },
    (request, reply) =>
      commit(services, request, reply, async (work) => {
        await takeOutOfForce(work, request.params.rule, 'deleted')
        return { status: 204, body: null }
      }),
  )
}

async function goLive(
  { tx, brandId, nowMs, change, audit }: Work,
  key: string,
  mode: 'active' | 'shadow',
  wanted: { version?: number; canaryShare?: number; settle?: string },
) {
  const rule = await lockRule(tx, brandId, key)
  if (!rule || rule.status === 'deleted') throw unknownRule(key)
  const version = wanted.version ?? rule.current_version
  const canaryShare = wanted.canaryShare ?? 1
  const settleMs = settleOf(wanted.settle, canaryShare)
  const saved = await tx
    .selectFrom('rule_versions')
    .select('document')
    .where('brand_id', '=', brandId)
    .where('rule_key', '=', key)
    .where('version', '=', version)
    .executeTakeFirst()
  if (!saved) throw new HubError('VALIDATION_FAILED', `“${key}” has no version ${version}.`, { pointer: '/version' })
  const asItIs = rule.status === mode && rule.live_version === version && rule.canary_share === canaryShare
  // Nothing changes, so nothing is said: activating a hundred times makes no event.
  if (asItIs && rule.settle_ms === settleMs) return { status: 200, body: await showRule(tx, brandId, key) }
  if (asItIs) {
    // The wait is the service side's business: what the rule decides stays as it is.
    await tx
      .updateTable('rules')
      .set({ settle_ms: settleMs, updated_at_ms: nowMs })
      .where('brand_id', '=', brandId)
      .where('rule_key', '=', key)
      .execute()
    audit('rule.settle_changed', key, { settleMs })
    return { status: 200, body: await showRule(tx, brandId, key) }
  }
  // The product may have changed since the rule was saved.
  const document = await parseForBrand(tx, brandId, saved.document)
  const changeId = newId('chg')
  // An edit of a live rule keeps its activation, and with it the episodes that are open; enabling it is a new one.
  const activation = rule.status === mode && rule.activation !== null ? rule.activation : changeId
  await tx
    .updateTable('rules')
    .set({
      status: mode,
      live_version: version,
      activation,
      canary_share: canaryShare,
      settle_ms: settleMs,
      updated_at_ms: nowMs,
    })
    .where('brand_id', '=', brandId)
    .where('rule_key', '=', key)
    .execute()
  await tx
    .updateTable('rule_versions')
    .set({ activated_at_ms: nowMs })
    .where('brand_id', '=', brandId)
    .where('rule_key', '=', key)
    .where('version', '=', version)
    .execute()
  await change({ type: 'rule.activated', rule: document, version, mode, canaryShare, activation }, changeId)
  audit(mode === 'active' ? 'rule.activated' : 'rule.shadowed', key, { version, canaryShare, settleMs })
  return { status: 200, body: await showRule(tx, brandId, key) }
}

async function takeOutOfForce({ tx, brandId, nowMs, change, audit }: Work, key: string, to: 'paused' | 'deleted') {
  const rule = await lockRule(tx, brandId, key)
  if (!rule || rule.status === 'deleted') throw unknownRule(key)
  if (rule.status === to) return
  if (to === 'paused' && rule.status === 'draft') {
    throw new HubError('STATE_FORBIDS', `“${key}” is a draft: there is nothing to pause.`)
  }
  const wasLive = rule.status === 'active' || rule.status === 'shadow'
  await tx
    .updateTable('rules')
    .set({
      status: to,
      live_version: null,
      activation: null,
      updated_at_ms: nowMs,
      ...(to === 'deleted' ? { deleted_at_ms: nowMs } : {}),
    })
    .where('brand_id', '=', brandId)
    .where('rule_key', '=', key)
    .execute()
  if (wasLive) await change({ type: 'rule.paused', ruleKey: key })
  audit(to === 'paused' ? 'rule.paused' : 'rule.deleted', key)
}

/** A rule as the brand may write it: well formed, and about a product it has. */
async function parseForBrand(tx: Tx, brandId: string, body: unknown): Promise<RuleDocument> {
  const document = parseRule(body)
  const { product } = document.scope
  if (product === undefined) return document
  const row = await tx
    .selectFrom('products as p')
    .innerJoin('product_versions as v', (join) =>
      join
        .onRef('v.brand_id', '=', 'p.brand_id')
        .onRef('v.product_key', '=', 'p.product_key')
        .onRef('v.version', '=', 'p.current_version'),
    )
    .select('v.document')
    .where('p.brand_id', '=', brandId)
    .where('p.product_key', '=', product)
    .where('p.removed_at_ms', 'is', null)
    .executeTakeFirst()
  if (!row) {
    throw new HubError(
      'RULE_INVALID',
      `There is no product “${product}”. Create it first, or scope the rule by category.`,
      {
        pointer: '/scope/product',
      },
    )
  }
  return parseRule(body, row.document as ProductDocument)
}

async function addVersion(
  { tx, brandId, nowMs, principal }: Work,
  version: number,
  document: RuleDocument,
  body: unknown,
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
    })
    .execute()
}

function sourceOf(body: unknown): string | null {
  return typeof body === 'string' ? body : null
}

function canonicalHash(document: RuleDocument): string {
  return sha256Hex(canonicalRule(document))
}

function lockRule(tx: Tx, brandId: string, key: string) {
  return tx
    .selectFrom('rules')
    .selectAll()
    .where('brand_id', '=', brandId)
    .where('rule_key', '=', key)
    .forUpdate()
    .executeTakeFirst()
}

/** The wait a brand set for a rule's new cases; `null` for the hub's own. */
function settleOf(settle: string | undefined, canaryShare: number): number | null {
  if (settle === undefined) return null
  const pointer = '/settle'
  const ms = durationMs(settle)
  if (ms === null || ms > SETTLE_MS_MAX)
    throw new HubError('VALIDATION_FAILED', `settle is 0 s to 10 min; ${settle} is not.`, { pointer })
  if (canaryShare < 1) {
    const detail =
      'On a share of the fleet a rule keeps the hub’s own wait of ten minutes. Leave settle out, or activate the rule for all devices (canaryShare 1).'
    throw new HubError('VALIDATION_FAILED', detail, { pointer })
  }
  return ms
}

function ruleRows(tx: Tx, brandId: string) {
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

async function showRule(tx: Tx, brandId: string, key: string) {
  const row = await ruleRows(tx, brandId).where('r.rule_key', '=', key).executeTakeFirst()
  if (!row) throw unknownRule(key)
  return ruleOfRow(row)
}

function ruleOfRow(row: {
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

function unknownRule(key: string): HubError {
  return new HubError('NOT_FOUND', `There is no rule “${key}”.`)
}
