import { Type } from 'typebox'
import { instant } from '#contracts'
import { OPERATOR, PUBLIC } from '../http/access.ts'
import { Closed, Time } from '../http/schemas.ts'
import type { Routes } from './routes.ts'

const Now = Closed({ now: Time, nowMs: Type.Integer() })
const tags = ['clock']

/** Hub time, where it moves in steps: demos and tests on loopback. Elsewhere these paths do not exist. */
export const clockRoutes: Routes = async (app, { steppedClock }) => {
  if (!steppedClock) return
  const shown = (nowMs: number) => ({ now: instant(nowMs), nowMs })

  app.get(
    '/api/clock',
    { config: { access: PUBLIC }, schema: { summary: 'Hub time', tags, response: { 200: Now } } },
    async () => shown(steppedClock.nowMs()),
  )

  app.post(
    '/api/clock',
    {
      config: { access: OPERATOR },
      schema: {
        summary: 'Move hub time; answers when everything due on the way has been done',
        tags,
        body: Closed({ toMs: Type.Integer({ minimum: 0, maximum: 8_000_000_000_000 }) }),
        response: { 200: Now },
      },
    },
    async (request) => shown(await steppedClock.stepTo(request.body.toMs)),
  )
}
