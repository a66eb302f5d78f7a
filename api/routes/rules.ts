import { Type } from 'typebox'
import { Duration, instant, Key, RuleDocument } from '#contracts'
import { canonicalJson, HubError } from '#platform'
import { dispatchOf, ruleDiff, ruleJsonSchema } from '#rules'
import { Expected, expectedOf, OverrideDailyCap } from '../expected-volume.ts'
import { AUTHOR, brandOf, PUBLIC, VIEWER } from '../http/access.ts'
import { utf8Text } from '../http/bodies.ts'
import { commit, type Work } from '../http/commit.ts'
import { isStorableText } from '../http/json-body.ts'
import { listPage, PageOf, PageQuery } from '../http/paging.ts'
import { read } from '../http/read.ts'
import { Closed, Nullable, PathName, Time } from '../http/schemas.ts'
import { rawBodyValidator } from '../http/validation.ts'
import { needsApproval } from '../rule-approval.ts'
import { versionDocument } from '../rule-history.ts'
import { goLive, takeOutOfForce } from '../rule-life.ts'
import {
  addRuleVersion,
  canonicalHash,
  lockRule,
  parseForBrand,
  ruleOfRow,
  ruleRows,
  showRule,
  sourceOf,
  unknownRule,
} from '../rules.ts'
import type { Routes } from './routes.ts'

const YAML_TYPES = ['application/yaml', 'application/x-yaml', 'text/yaml']
/** A rule with thirty leaves, both languages and comments stays far below. */
const RULE_BYTES_MAX = 131_072

const Status = Type.Enum(['draft', 'active', 'shadow', 'paused'])
export const Rule = Closed({
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
export const Change = Closed({
  pointer: Type.String(),
  from: Type.Optional(Type.Unknown({ description: 'absent where there was nothing' })),
  to: Type.Optional(Type.Unknown({ description: 'absent where there is nothing' })),
  decides: Type.Boolean({ description: 'of the part that decides; words and the service called for are not' }),
  text: Type.String({ description: '`for: 10m → 15m`' }),
})
const Version = Closed({
  version: Type.Integer(),
  document: RuleDocument,
  source: Nullable(Type.String({ description: 'as written, when it came as YAML' })),
  author: Type.String(),
  createdAt: Time,
  activatedAt: Nullable(Time),
  warmedAt: Nullable(Time),
  restoredFrom: Nullable(Type.Integer({ description: 'the version it repeats, when somebody went back' })),
  changes: Type.Array(Change, { description: 'against the version before; empty for the first' }),
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
export const GoLive = Closed({
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
        await addRuleVersion(work, version, document, request.body)
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
            .select((eb) =>
              eb
                .selectFrom('rule_versions as before')
                .select('before.document')
                .whereRef('before.brand_id', '=', 'rule_versions.brand_id')
                .whereRef('before.rule_key', '=', 'rule_versions.rule_key')
                .whereRef('before.version', '=', eb('rule_versions.version', '-', 1))
                .as('document_before'),
            )
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
            restoredFrom: row.restored_from,
            changes: row.document_before === null ? [] : ruleDiff(row.document_before, row.document),
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
        // What follows may not change under a live rule without the second person: that makes a version too.
        const orders =
          before.live_version === newest.version &&
          follows(newest.document) !== follows(document) &&
          (await needsApproval(tx, brandId, document))
        if (newest.canonical_sha256 === canonicalHash(document) && !orders) {
          if (canonicalJson(newest.document) !== canonicalJson(document)) {
            await tx
              .updateTable('rule_versions')
              .set({ document: JSON.stringify(document), source: sourceOf(request.body) })
              .where('brand_id', '=', brandId)
              .where('rule_key', '=', document.key)
              .where('version', '=', newest.version)
              .execute()
            work.audit('rule.texts_changed', document.key, {
              version: newest.version,
              changes: ruleDiff(newest.document, document).map(({ text }) => text),
            })
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
        await addRuleVersion(work, version, document, request.body)
        work.audit('rule.saved', document.key, {
          version,
          changes: ruleDiff(newest.document, document).map(({ text }) => text),
        })
        return { status: 200, body: await showRule(tx, brandId, document.key) }
      }),
  )

  app.post(
    '/api/rules/:rule/activate',
    {
      config: { access: AUTHOR },
      schema: {
        summary: 'Put a version in force: from here its alerts make offers and orders',
        description:
          'Answers with what it is expected to cause on the devices it applies to. More cases in a day than the brand allows ' +
          '(`casesPerDayMax` of `PATCH /api/brand/settings`) is 409 `DAILY_CAP_EXCEEDED` with the numbers, unless overridden.',
        tags,
        params,
        body: Closed({
          ...GoLive.properties,
          overrideDailyCap: OverrideDailyCap,
        }),
        response: { 200: Closed({ ...Rule.properties, expected: Nullable(Expected) }) },
      },
    },
    async (request, reply) => {
      const { rule } = request.params
      const { overrideDailyCap, ...wanted } = request.body
      const expected = await expectedOf(services, brandOf(request), { rule, ...wanted, overrideDailyCap })
      return commit(services, request, reply, async (work) => {
        await refuseAlone(work, rule, wanted.version)
        const { status, body } = await goLive(work, rule, 'active', wanted)
        if (overrideDailyCap)
          work.audit('rule.daily_cap_overridden', rule, { ...overrideDailyCap, ...expected?.casesPerDay })
        return { status, body: { ...body, expected } }
      })
    },
  )

  app.post(
    '/api/rules/:rule/shadow',
    {
      config: { access: AUTHOR },
      schema: {
        summary: 'Let a version watch and score without touching anybody',
        tags,
        params,
        body: Shadow,
        response: { 200: Rule },
      },
    },
    (request, reply) =>
      commit(services, request, reply, (work) => goLive(work, request.params.rule, 'shadow', request.body)),
  )

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

/** @throws {HubError} `APPROVAL_NEEDED` where the brand wants two people for a rule that sends anybody */
async function refuseAlone({ tx, brandId }: Work, key: string, version: number | undefined): Promise<void> {
  const rule = await lockRule(tx, brandId, key)
  if (!rule || rule.status === 'deleted') return
  const wanted = version ?? rule.current_version
  const document = await versionDocument(tx, brandId, key, wanted).catch(() => null)
  if (!document || !(await needsApproval(tx, brandId, document))) return
  throw new HubError(
    'APPROVAL_NEEDED',
    `“${key}” makes offers or orders, which takes two people here: POST /api/rules/${key}/proposals, and another key approves it.`,
  )
}

/** What a rule has others do, in one text that compares. */
function follows(document: RuleDocument): string {
  return canonicalJson({ dispatch: dispatchOf(document), service: document.service ?? null })
}
