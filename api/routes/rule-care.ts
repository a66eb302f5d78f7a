import { Type } from 'typebox'
import { Key } from '#contracts'
import { expectedOf, OverrideDailyCap } from '../expected-volume.ts'
import { AUTHOR, brandOf, VIEWER } from '../http/access.ts'
import { commit } from '../http/commit.ts'
import { listPage, PageOf, PageQuery } from '../http/paging.ts'
import { read } from '../http/read.ts'
import { Closed, Nullable, PathName, Time } from '../http/schemas.ts'
import { activationOf, decide, proposalOfRow, propose } from '../rule-approval.ts'
import { diffOfVersions, rollBack } from '../rule-history.ts'
import { goLive } from '../rule-life.ts'
import { showRule } from '../rules.ts'
import type { Routes } from './routes.ts'
import { Change, GoLive, Rule } from './rules.ts'

const Proposal = Closed({
  id: Type.String(),
  rule: Key,
  version: Type.Integer(),
  canaryShare: Type.Number(),
  settle: Nullable(Type.String()),
  state: Type.Enum(['open', 'approved', 'rejected', 'replaced']),
  proposedBy: Type.String({ description: 'the key that proposed it' }),
  proposedAt: Time,
  decidedBy: Nullable(Type.String()),
  decidedAt: Nullable(Time),
  note: Nullable(Type.String()),
})
const Note = Closed({ note: Type.Optional(Type.String({ minLength: 1, maxLength: 500 })) })
const VersionNumber = Type.Integer({ minimum: 1, maximum: 1_000_000 })
const params = Closed({ rule: PathName })
const ofProposal = Closed({ rule: PathName, proposal: PathName })
const tags = ['rules']

/** What was different when, the way back, and the second person. */
export const ruleCareRoutes: Routes = async (app, services) => {
  app.get(
    '/api/rules/:rule/diff',
    {
      config: { access: VIEWER },
      schema: {
        summary: 'What differs between two versions, place by place',
        tags,
        params,
        querystring: Closed({ from: VersionNumber, to: VersionNumber }),
        response: { 200: Closed({ items: Type.Array(Change), nextCursor: Type.Null() }) },
      },
    },
    (request) =>
      read(services, request, async (tx, brandId) => ({
        items: await diffOfVersions(tx, brandId, request.params.rule, request.query),
        nextCursor: null,
      })),
  )

  app.post(
    '/api/rules/:rule/roll-back',
    {
      config: { access: AUTHOR },
      schema: {
        summary: 'Go back to an older version: saved once more as the newest, in force where the rule is',
        description:
          'Where a second person has to agree, the answer holds the proposal, and the version in force stays until then. ' +
          'Where the rule is active, more cases in a day than the brand allows is 409 `DAILY_CAP_EXCEEDED`, as with activate.',
        tags,
        params,
        body: Closed({ to: VersionNumber, overrideDailyCap: OverrideDailyCap }),
        response: { 200: Closed({ rule: Rule, proposal: Nullable(Proposal) }) },
      },
    },
    async (request, reply) => {
      const { rule } = request.params
      const { to, overrideDailyCap } = request.body
      const now = await read(services, request, (tx, brandId) => showRule(tx, brandId, rule))
      const { canaryShare } = now
      const expected =
        now.status === 'active'
          ? await expectedOf(services, brandOf(request), { rule, version: to, canaryShare, overrideDailyCap })
          : null
      return commit(services, request, reply, async (work) => {
        const { proposal } = await rollBack(work, rule, to)
        if (overrideDailyCap)
          work.audit('rule.daily_cap_overridden', rule, { ...overrideDailyCap, ...expected?.casesPerDay })
        const body = {
          rule: await showRule(work.tx, work.brandId, rule),
          proposal: proposal && proposalOfRow(proposal),
        }
        return { status: 200, body }
      })
    },
  )

  app.post(
    '/api/rules/:rule/proposals',
    {
      config: { access: AUTHOR },
      schema: {
        summary: 'Propose to put a version in force; another key approves it',
        tags,
        params,
        body: Closed({ ...GoLive.properties, overrideDailyCap: OverrideDailyCap }),
        response: { 201: Proposal },
      },
    },
    async (request, reply) => {
      const { rule } = request.params
      const { overrideDailyCap, ...wanted } = request.body
      const expected = await expectedOf(services, brandOf(request), { rule, ...wanted, overrideDailyCap })
      return commit(services, request, reply, async (work) => {
        if (overrideDailyCap)
          work.audit('rule.daily_cap_overridden', rule, { ...overrideDailyCap, ...expected?.casesPerDay })
        return { status: 201, body: proposalOfRow(await propose(work, rule, wanted)) }
      })
    },
  )

  app.get(
    '/api/rules/:rule/proposals',
    {
      config: { access: VIEWER },
      schema: {
        summary: 'Proposals of a rule, newest first',
        tags,
        params,
        querystring: Closed(PageQuery),
        response: { 200: PageOf(Proposal) },
      },
    },
    (request) =>
      read(services, request, async (tx, brandId) => {
        await showRule(tx, brandId, request.params.rule)
        return listPage(
          tx
            .selectFrom('rule_proposals')
            .selectAll()
            .where('brand_id', '=', brandId)
            .where('rule_key', '=', request.params.rule),
          request.query,
          { by: ['proposed_at_ms', 'proposal_id'], direction: 'desc' },
          proposalOfRow,
        )
      }),
  )

  app.post(
    '/api/rules/:rule/proposals/:proposal/approve',
    {
      config: { access: AUTHOR },
      schema: {
        summary: 'Agree to a proposal of another key: from here the version is in force',
        tags,
        params: ofProposal,
        body: Note,
        response: { 200: Rule },
      },
    },
    (request, reply) =>
      commit(services, request, reply, async (work) => {
        const { rule, proposal } = request.params
        const approved = await decide(work, { key: rule, proposalId: proposal, to: 'approved', ...request.body })
        return goLive(work, rule, 'active', activationOf(approved))
      }),
  )

  app.post(
    '/api/rules/:rule/proposals/:proposal/reject',
    {
      config: { access: AUTHOR },
      schema: {
        summary: 'Refuse a proposal, or take one’s own back',
        tags,
        params: ofProposal,
        body: Note,
        response: { 200: Proposal },
      },
    },
    (request, reply) =>
      commit(services, request, reply, async (work) => {
        const { rule, proposal } = request.params
        const rejected = await decide(work, { key: rule, proposalId: proposal, to: 'rejected', ...request.body })
        return { status: 200, body: proposalOfRow(rejected) }
      }),
  )
}
