import { Type } from 'typebox'
import { Instant, Text } from '#contracts'
import { AUTHOR, brandOf, VIEWER } from '../http/access.ts'
import { PageOf, PageQuery } from '../http/paging.ts'
import { Closed, Nullable, PathName, Time } from '../http/schemas.ts'
import { msOf } from '../http/times.ts'
import type { Routes } from './routes.ts'

const Notice = Closed({
  id: Type.String(),
  homeId: Type.String(),
  kind: Type.Enum(['service', 'safety', 'promotion']),
  reasonCode: Type.String(),
  text: Text,
  link: Nullable(Type.String()),
  sendAfter: Time,
  expiresAt: Time,
  status: Type.String(),
})
const tags = ['notices']

/** What the brand was asked to tell people by its own channels, and what came of it. */
export const noticeRoutes: Routes = async (app, { bridge }) => {
  app.get(
    '/api/notices',
    {
      config: { access: VIEWER },
      schema: {
        summary: 'Notices, newest first',
        tags,
        querystring: Closed({ ...PageQuery, homeId: Type.Optional(Type.String({ maxLength: 64 })) }),
        response: { 200: PageOf(Notice) },
      },
    },
    (request) => bridge.notices.list(brandOf(request), request.query),
  )

  app.post(
    '/api/notices/:notice/receipts',
    {
      config: { access: AUTHOR },
      schema: {
        summary: 'Say what became of a notice',
        tags,
        params: Closed({ notice: PathName }),
        body: Closed({
          status: Type.Enum(['sent', 'delivered', 'read', 'failed', 'opted_out']),
          at: Type.Optional(Instant),
        }),
        response: { 200: Notice },
      },
    },
    (request) => {
      if (request.body.at !== undefined) msOf(request.body.at, '/at')
      return bridge.notices.receipt(brandOf(request), request.params.notice, request.body)
    },
  )
}
