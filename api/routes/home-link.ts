import { Type } from 'typebox'
import {
  AcceptBody,
  DeclineBody,
  OfferView,
  QuoteDecisionBody,
  RateBody,
  ReportProblemBody,
  RescheduleBody,
  SelfServiceBody,
  SnoozeBody,
  SolvedBody,
  StopBody,
  VisitBody,
} from '#contracts'
import { LINK } from '../http/access.ts'
import { inForce } from '../http/commit.ts'
import { Closed, PathName } from '../http/schemas.ts'
import type { Routes } from './routes.ts'

const params = Closed({ token: PathName })
const tags = ['homeowner']
const response = { 200: OfferView }
const config = { access: LINK }
const base = '/home/v1/offers/:token'

/**
 * The homeowner's calls: our page, a brand's app and a mini-program use the same, with
 * nothing but the link. Each answers with the offer as it then is.
 */
export const homeLinkRoutes: Routes = async (app, services) => {
  const { offers } = services.bridge

  app.get(
    base,
    { config, schema: { summary: 'Need, reasons, price, times, choices', tags, params, response } },
    (request) => offers.view(request.params.token),
  )

  app.post(
    `${base}/accept`,
    { config, schema: { summary: 'Accept a time and say who may come', tags, params, body: AcceptBody, response } },
    (request) => offers.accept(request.params.token, { ...request.body, method: 'page' }),
  )

  app.post(
    `${base}/snooze`,
    { config, schema: { summary: 'Ask again later', tags, params, body: SnoozeBody, response } },
    (request) => offers.snooze(request.params.token, request.body),
  )

  app.post(
    `${base}/self_service`,
    {
      config,
      schema: {
        summary: 'I will do it myself: all that one can, or the needs named; the others stay offered',
        tags,
        params,
        body: SelfServiceBody,
        response,
      },
    },
    (request) => offers.selfService(request.params.token, request.body),
  )

  app.post(
    `${base}/visit`,
    {
      config,
      schema: {
        summary: 'Somebody should come after all for what I meant to do myself',
        tags,
        params,
        body: VisitBody,
        response,
      },
    },
    (request) => offers.visit(request.params.token, request.body),
  )

  app.post(
    `${base}/stop`,
    {
      config,
      schema: {
        summary: 'No more offers of this kind; danger is still told of',
        tags,
        params,
        body: StopBody,
        response,
      },
    },
    (request) => offers.stop(request.params.token, request.body),
  )

  app.post(
    `${base}/resume`,
    { config, schema: { summary: 'Offers of this kind are welcome again', tags, params, body: Closed({}), response } },
    (request) => offers.resume(request.params.token),
  )

  app.post(
    `${base}/rate`,
    {
      config,
      schema: {
        summary: 'Stars for a finished visit, changeable for a week',
        tags,
        params,
        body: RateBody,
        response,
      },
    },
    (request) => offers.rate(request.params.token, request.body),
  )

  app.post(
    `${base}/report_problem`,
    {
      config,
      schema: {
        summary: 'A complaint during a visit or after it; one that says something is broken is a fault report',
        tags,
        params,
        body: ReportProblemBody,
        response,
      },
    },
    async (request) => {
      const { view, changeId } = await offers.reportProblem(request.params.token, request.body)
      if (changeId !== null) await inForce(services, [changeId])
      return view
    },
  )

  app.post(
    `${base}/decline`,
    { config, schema: { summary: 'No', tags, params, body: DeclineBody, response } },
    (request) => offers.decline(request.params.token, request.body),
  )

  app.post(
    `${base}/reschedule`,
    {
      config,
      schema: {
        summary: 'Another time, until somebody has arrived',
        tags,
        params,
        body: RescheduleBody,
        response,
      },
    },
    (request) => offers.reschedule(request.params.token, request.body),
  )

  app.post(
    `${base}/cancel`,
    {
      config,
      schema: { summary: 'Call it off, until somebody has arrived', tags, params, body: Closed({}), response },
    },
    (request) => offers.cancel(request.params.token),
  )

  app.post(
    `${base}/quote/:version`,
    {
      config,
      schema: {
        summary: 'Yes or no to another price; the partner is told',
        tags,
        params: Closed({ token: PathName, version: Type.Integer({ minimum: 1, maximum: 1_000 }) }),
        body: QuoteDecisionBody,
        response,
      },
    },
    (request) => offers.quote(request.params.token, request.params.version, request.body),
  )

  app.post(
    `${base}/solved`,
    {
      config,
      schema: {
        summary: 'Is it solved? Asked when no reading could tell; no takes the repair up again',
        tags,
        params,
        body: SolvedBody,
        response,
      },
    },
    (request) => offers.solved(request.params.token, request.body),
  )
}
