import { Type } from 'typebox'
import { Diagnosis, FaultReport, FaultReportAnswer, FaultReportBody } from '#contracts'
import { AUTHOR, brandOf, PARTNER, VIEWER } from '../http/access.ts'
import { actorOf } from '../http/actor.ts'
import { commit } from '../http/commit.ts'
import { PageOf, PageQuery } from '../http/paging.ts'
import { Closed, Nullable, PathName } from '../http/schemas.ts'
import type { Routes } from './routes.ts'

const params = Closed({ report: PathName })
const tags = ['cases']

/** Faults that people noticed: hotline, app, WeChat, partner. A report joins the open need of its component, or opens one. */
export const faultReportRoutes: Routes = async (app, services) => {
  const { bridge } = services

  app.post(
    '/api/fault-reports',
    {
      config: { access: AUTHOR },
      schema: {
        summary: 'Report a fault somebody noticed; answers what is known and whether somebody is on the way',
        description:
          'The same externalRef twice is one report. Answers when the report stands in the log. The text is kept sealed ' +
          'and never leaves in an event.',
        tags,
        body: FaultReportBody,
        response: { 200: FaultReportAnswer },
      },
    },
    (request, reply) =>
      commit(services, request, reply, async (work) => {
        const by = actorOf(request)
        const filed = await bridge.faultReports.file(work.tx, work.brandId, request.body, { by })
        work.changed(filed.changeId)
        return { status: 200, body: filed.answer }
      }),
  )

  app.get(
    '/api/fault-reports',
    {
      config: { access: VIEWER },
      schema: {
        summary: 'Fault reports, newest first, without the reporter’s words',
        tags,
        querystring: Closed({
          ...PageQuery,
          deviceId: Type.Optional(Type.String({ maxLength: 64 })),
          homeId: Type.Optional(Type.String({ maxLength: 64 })),
          caseId: Type.Optional(Type.String({ maxLength: 64 })),
          missed: Type.Optional(Type.Boolean()),
        }),
        response: { 200: PageOf(FaultReport) },
      },
    },
    (request) => bridge.faultReports.list(brandOf(request), request.query),
  )

  app.get(
    '/api/fault-reports/:report',
    {
      config: { access: AUTHOR },
      schema: {
        summary: 'One report with the reporter’s own words; reading them is audited',
        tags,
        params,
        response: {
          200: Closed({
            ...FaultReport.properties,
            text: Nullable(Type.String()),
            diagnosis: Nullable(Diagnosis),
          }),
        },
      },
    },
    (request) => bridge.faultReports.get(brandOf(request), request.params.report, { by: actorOf(request) }),
  )

  app.post(
    '/partner/v1/fault-reports',
    {
      config: { access: PARTNER },
      schema: {
        summary: 'Report a fault of an appliance the partner has had an order for in the last ninety days',
        description: 'Another appliance, or a home that withdrew its consent, is 404.',
        tags: ['partner'],
        body: FaultReportBody,
        response: { 200: FaultReportAnswer },
      },
    },
    (request, reply) =>
      commit(services, request, reply, async (work) => {
        const partnerKey = request.principal!.partnerKey!
        const by = actorOf(request)
        const filed = await bridge.faultReports.fileAsPartner(work.tx, partnerKey, request.body, { by })
        work.changed(filed.changeId)
        return { status: 200, body: filed.answer }
      }),
  )
}
