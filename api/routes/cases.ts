import { Type } from 'typebox'
import { CASE_STATES, Key, SafetyKind, Severity } from '#contracts'
import { AUTHOR, brandOf, VIEWER } from '../http/access.ts'
import { actorOf } from '../http/actor.ts'
import { PageOf, PageQuery } from '../http/paging.ts'
import { Closed, Nullable, PathName, Time } from '../http/schemas.ts'
import type { Routes } from './routes.ts'

const CaseState = Type.Enum([...CASE_STATES])
const Case = Closed({
  id: Type.String(),
  deviceId: Type.String(),
  homeId: Nullable(Type.String()),
  component: Key,
  state: CaseState,
  end: Nullable(Type.Enum(['verified', 'no_fault_found', 'not_observed', 'unverified'])),
  source: Type.Enum(['alert', 'reported']),
  severity: Severity,
  safety: Nullable(SafetyKind),
  dispatch: Type.Enum(['notify', 'offer', 'auto']),
  endedBy: Nullable(Type.String({ description: 'the happening that ended it, or why its alert ended' })),
  rule: Nullable(Closed({ key: Key, version: Type.Integer() })),
  needsReview: Nullable(Type.String()),
  acknowledgedAt: Nullable(Time),
  openedAt: Time,
  updatedAt: Time,
  closedAt: Nullable(Time),
  holdId: Nullable(Type.String()),
  offerId: Nullable(Type.String()),
  workOrderId: Nullable(Type.String()),
})
const CaseEvent = Closed({
  ordinal: Type.Integer(),
  at: Time,
  event: Type.String(),
  from: Nullable(CaseState),
  to: CaseState,
  row: Type.String({ description: 'row of the case table, as C4' }),
  by: Closed({ kind: Type.String(), id: Nullable(Type.String()) }),
  why: Nullable(Type.String({ description: 'a code, or a text of the hub; also in events' })),
  words: Nullable(Type.String({ description: 'what a person wrote of it; in no event, gone with the home' })),
  ruleVersion: Nullable(Type.Integer()),
  evidence: Type.Unknown(),
})
const params = Closed({ case: PathName })
const tags = ['cases']

/** Open service needs: one per component, from first alert to proven repair. */
export const caseRoutes: Routes = async (app, { bridge }) => {
  app.get(
    '/api/cases',
    {
      config: { access: VIEWER },
      schema: {
        summary: 'Cases, newest first',
        tags,
        querystring: Closed({
          ...PageQuery,
          state: Type.Optional(CaseState),
          live: Type.Optional(Type.Boolean()),
          deviceId: Type.Optional(Type.String({ maxLength: 64 })),
          homeId: Type.Optional(Type.String({ maxLength: 64 })),
          needsReview: Type.Optional(Type.Boolean()),
        }),
        response: { 200: PageOf(Case) },
      },
    },
    (request) => bridge.cases.list(brandOf(request), request.query),
  )

  app.get(
    '/api/cases/:case',
    {
      config: { access: VIEWER },
      schema: {
        summary: 'One case with every transition and its reason',
        tags,
        params,
        response: {
          200: Closed({ ...Case.properties, events: Type.Array(CaseEvent), episodeIds: Type.Array(Type.String()) }),
        },
      },
    },
    (request) => bridge.cases.get(brandOf(request), request.params.case),
  )

  app.post(
    '/api/cases/:case/cancel',
    {
      config: { access: AUTHOR },
      schema: {
        summary: 'Cancel a case before anybody has arrived; its order is cancelled at the partner',
        tags,
        params,
        body: Closed({ reason: Type.String({ minLength: 1, maxLength: 200 }) }),
        response: { 200: Case },
      },
    },
    (request) =>
      bridge.cases.cancel(brandOf(request), request.params.case, { by: actorOf(request), reason: request.body.reason }),
  )

  app.post(
    '/api/cases/:case/retry',
    {
      config: { access: AUTHOR },
      schema: {
        summary:
          'Take a case up again: one that ended not_observed is open as a rework, one without a partner asks them now',
        tags,
        params,
        body: Closed({ reason: Type.Optional(Type.String({ minLength: 1, maxLength: 200 })) }),
        response: { 200: Case },
      },
    },
    (request) => bridge.cases.retry(brandOf(request), request.params.case, { by: actorOf(request), ...request.body }),
  )

  app.post(
    '/api/cases/:case/acknowledge',
    {
      config: { access: AUTHOR },
      schema: {
        summary: 'Somebody has looked: clears the mark for review',
        tags,
        params,
        body: Closed({}),
        response: { 200: Case },
      },
    },
    (request) => bridge.cases.acknowledge(brandOf(request), request.params.case, { by: actorOf(request) }),
  )
}
