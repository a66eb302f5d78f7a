import { Type } from 'typebox'
import { JobEventBody, JobView, SiteAddress } from '#contracts'
import { LINK } from '../http/access.ts'
import { Closed, PathName } from '../http/schemas.ts'
import type { Routes } from './routes.ts'

const params = Closed({ token: PathName })
const tags = ['technician']
const config = { access: LINK }
/** What was found, done and used, with a note on each of twenty items. */
const EVENT_BYTES_MAX = 262_144

/** The technician's calls, for partners without an app of their own: the link is the key. */
export const jobLinkRoutes: Routes = async (app, { bridge }) => {
  app.get(
    '/job/v1/:token',
    {
      config,
      schema: {
        summary: 'Cause, parts, evidence, and what may be said next',
        tags,
        params,
        querystring: Closed({ locale: Type.Optional(Type.Enum(['zh-CN', 'en'])) }),
        response: { 200: JobView },
      },
    },
    (request) => bridge.jobs.view(request.params.token, request.query),
  )

  app.post(
    '/job/v1/:token/events',
    {
      config,
      bodyLimit: EVENT_BYTES_MAX,
      schema: { summary: 'Report a status', tags, params, body: JobEventBody, response: { 200: JobView } },
    },
    (request) => bridge.jobs.event(request.params.token, request.body),
  )

  app.get(
    '/job/v1/:token/site',
    {
      config,
      schema: {
        summary: 'The address, once accepted; every read is audited',
        tags,
        params,
        response: { 200: SiteAddress },
      },
    },
    (request) => bridge.jobs.site(request.params.token),
  )
}
