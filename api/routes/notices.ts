import { Type } from 'typebox'
import { CHANNELS, Instant, NoticeKind, NoticeReason, Text } from '#contracts'
import { AUTHOR, brandOf, VIEWER } from '../http/access.ts'
import { actorOf } from '../http/actor.ts'
import { commit } from '../http/commit.ts'
import { PageOf, PageQuery } from '../http/paging.ts'
import { Closed, Nullable, PathName, Time } from '../http/schemas.ts'
import { msOf } from '../http/times.ts'
import type { Routes } from './routes.ts'

const NoticeStatus = Type.Enum([
  'requested',
  'sent',
  'delivered',
  'read',
  'failed',
  'opted_out',
  'expired',
  'withdrawn',
  'suppressed',
])
const Notice = Closed({
  id: Type.String(),
  homeId: Type.String(),
  kind: NoticeKind,
  reasonCode: NoticeReason,
  caseIds: Type.Array(Type.String(), { description: 'needs it speaks of' }),
  channels: Type.Array(Type.String(), { description: 'by the person’s preference, those that failed first' }),
  failedChannels: Type.Array(Type.String()),
  text: Text,
  link: Nullable(Type.String()),
  sendAfter: Time,
  expiresAt: Time,
  askedAt: Nullable(Type.String({ format: 'date-time', description: 'when the brand was last asked to send it' })),
  status: NoticeStatus,
})
const tags = ['notices']

/** What the brand was asked to tell people by its own channels, and what came of it. */
export const noticeRoutes: Routes = async (app, services) => {
  const { bridge } = services

  app.post(
    '/api/notices',
    {
      config: { access: AUTHOR },
      schema: {
        summary: 'Have the hub choose the time for a message of the brand’s own',
        description:
          'It comes back as beforehand.notice.requested outside the home’s quiet hours and within its cap. A promotion needs the ' +
          'promotion consent, a service message the contact consent; without it, or when the home may not be spoken to before it expires: 409.',
        tags,
        body: Closed({
          homeId: Type.String({ minLength: 1, maxLength: 64 }),
          kind: Type.Enum(['service', 'promotion']),
          text: Text,
          link: Type.Optional(Type.String({ pattern: '^https://', maxLength: 2_000 })),
          expiresAt: Type.Optional(Instant),
        }),
        response: { 201: Notice },
      },
    },
    (request, reply) => {
      if (request.body.expiresAt !== undefined) msOf(request.body.expiresAt, '/expiresAt')
      return commit(services, request, reply, async ({ tx, brandId }) => ({
        status: 201,
        body: await bridge.notices.request(tx, brandId, { ...request.body, by: actorOf(request) }),
      }))
    },
  )

  app.get(
    '/api/notices',
    {
      config: { access: VIEWER },
      schema: {
        summary: 'Notices, newest first',
        tags,
        querystring: Closed({
          ...PageQuery,
          homeId: Type.Optional(Type.String({ maxLength: 64 })),
          status: Type.Optional(NoticeStatus),
        }),
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
          channel: Type.Optional(
            Type.Enum([...CHANNELS], { description: 'the first that was left when not said; a failure asks the next' }),
          ),
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
