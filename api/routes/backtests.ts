import { Readable } from 'node:stream'
import { Type } from 'typebox'
import { Instant, Key } from '#contracts'
import type { BacktestOptions, BacktestProgress } from '#pipeline'
import { HubError, realSleep } from '#platform'
import { AUTHOR, brandOf } from '../http/access.ts'
import { hubErrorOf, problemBody } from '../http/problem.ts'
import { read } from '../http/read.ts'
import { Closed } from '../http/schemas.ts'
import { msOf } from '../http/times.ts'
import { parseForBrand } from '../rules.ts'
import type { Routes } from './routes.ts'

/** Running at once on one hub: each keeps a core busy, and devices come first. */
const RUNNING_MAX = 2
/** Between two lines of progress; a terminal shows no more. */
const PROGRESS_EVERY_MS = 200

const Body = Closed({
  rule: Type.Union([Key, Type.Object({}, { additionalProperties: true })], {
    description: 'the key of a stored rule, or a draft in full',
  }),
  version: Type.Optional(Type.Integer({ minimum: 1, description: 'of a stored rule; the newest when left out' })),
  product: Type.Optional(Key),
  from: Instant,
  to: Instant,
  asRun: Type.Optional(Type.Boolean({ description: 'what really happened, once more, ids included' })),
  diff: Type.Optional(
    Type.Array(Type.Integer({ minimum: 1 }), { minItems: 2, maxItems: 2, description: 'two versions to compare' }),
  ),
  parameters: Type.Optional(
    Type.Enum(['then', 'today'], { description: 'values as they were at the time (when left out) or as they are' }),
  ),
})

/** A rule over stored history: what it would have caused, told while it runs. */
export const backtestRoutes: Routes = async (app, services) => {
  let running = 0
  app.post(
    '/api/rules/backtest',
    {
      config: { access: AUTHOR },
      schema: {
        summary: 'Play a rule or a draft over stored history',
        description:
          'Answers with lines of JSON: `{"progress": {devicesDone, devices, samples, alerts}}` while it runs, then one ' +
          '`{"result": …}` or `{"error": problem}`. Close the connection to cancel.',
        tags: ['rules'],
        body: Body,
        produces: ['application/x-ndjson'],
        response: { 200: Type.String() },
      },
    },
    async (request, reply) => {
      const { backtests, clock } = services
      if (!backtests) throw new HubError('HISTORY_UNAVAILABLE', 'This hub keeps no telemetry history.')
      const brandId = brandOf(request)
      const { rule, version, product, asRun = false, diff, parameters = 'then' } = request.body
      const span = {
        brandId,
        fromMs: msOf(request.body.from, '/from'),
        toMs: Math.min(msOf(request.body.to, '/to'), clock.nowMs()),
        ...(product === undefined ? {} : { productKey: product }),
        parameters,
      } as const
      if (diff && typeof rule !== 'string')
        throw new HubError('VALIDATION_FAILED', 'Versions of a draft cannot be compared: it has none.', {
          pointer: '/diff',
        })
      const document =
        typeof rule === 'string' ? null : await read(services, request, (tx) => parseForBrand(tx, brandId, rule))
      const ofRule = document ?? { key: rule as string, ...(version === undefined ? {} : { version }) }
      if (running >= RUNNING_MAX)
        throw new HubError(
          'RATE_LIMITED',
          `${RUNNING_MAX} backtests are running on this hub; try again when one is done.`,
        )
      const cancelled = new AbortController()
      request.raw.socket.once('close', () => cancelled.abort(new Error('The caller went away.')))
      running++
      const start = (options: BacktestOptions): Promise<unknown> =>
        (diff
          ? backtests.diff({ ...span, ruleKey: rule as string, versions: diff as [number, number] }, options)
          : backtests.run({ ...span, rule: ofRule, asRun }, options)
        ).finally(() => void running--)
      const lines = new Lines(start, cancelled.signal)
      // What is wrong from the start is an answer like any other.
      await lines.begun
      const text = Readable.from(lines.text())
      text.once('close', () => cancelled.abort(new Error('The caller went away.')))
      return reply.header('x-accel-buffering', 'no').type('application/x-ndjson; charset=utf-8').send(text)
    },
  )
}

/** The lines of one answer, as they become known. */
class Lines {
  /** Resolves with the first progress or the result; rejects when it failed before either. */
  readonly begun: Promise<void>
  readonly #result: Promise<unknown>
  #latest: BacktestProgress | null = null

  constructor(start: (options: BacktestOptions) => Promise<unknown>, signal: AbortSignal) {
    const first = Promise.withResolvers<void>()
    const onProgress = (progress: BacktestProgress): void => {
      this.#latest = progress
      first.resolve()
    }
    this.#result = start({ signal, onProgress })
    this.#result.then(() => first.resolve(), first.reject)
    this.begun = first.promise
  }

  async *text(): AsyncIterable<string> {
    const ended = new AbortController()
    const last = this.#result
      .then(
        (result) => ({ result }),
        (error: unknown) => ({ error: problemBody(hubErrorOf(error)) }),
      )
      .finally(() => ended.abort())
    while (!ended.signal.aborted) {
      const told = this.#latest
      if (told) yield `${JSON.stringify({ progress: told })}\n`
      await realSleep(PROGRESS_EVERY_MS, ended.signal)
    }
    yield `${JSON.stringify(await last)}\n`
  }
}
