import { Type } from 'typebox'
import { instant } from '#contracts'
import { VIEWER } from '../http/access.ts'
import { listPage, PageOf, PageQuery } from '../http/paging.ts'
import { read } from '../http/read.ts'
import { Closed, Nullable, Time } from '../http/schemas.ts'
import type { Routes } from './routes.ts'

const HeldOut = Closed({
  forecasts: Type.Integer(),
  lives: Type.Integer(),
  maeDays: Type.Number({ description: 'mean absolute error in days' }),
  maeShare: Type.Number({ description: 'the same as a share of a typical life' }),
  ageAloneMaeDays: Type.Number({ description: 'the error of "a typical life less the age", beside it' }),
  coverage90: Type.Number({ description: 'how often the 90 % interval held' }),
})
const Model = Closed({
  product: Type.String(),
  component: Type.String(),
  kind: Type.Enum(['life']),
  version: Type.Integer(),
  fittedAt: Time,
  from: Time,
  to: Time,
  lives: Type.Integer({ description: 'lives known to their end' }),
  censored: Type.Integer({ description: 'parts that still work, or were taken out before' }),
  heldOut: HeldOut,
})
const Attempt = Closed({
  product: Type.String(),
  component: Type.String(),
  kind: Type.Enum(['life']),
  at: Time,
  outcome: Type.Enum(['fitted', 'unchanged', 'refused']),
  reason: Nullable(Type.String({ description: 'why there is no model: no-fleet below ten lives known to their end' })),
  lives: Type.Integer(),
  censored: Type.Integer(),
})
const tags = ['models']

/** What the brand's fleets have taught, version by version, and what became of the last night's attempts. */
export const modelRoutes: Routes = async (app, services) => {
  app.get(
    '/api/models',
    {
      config: { access: VIEWER },
      schema: {
        summary: 'Models of remaining life, newest first, each with its error on lives kept out of its fit',
        tags,
        querystring: Closed({ ...PageQuery, product: Type.Optional(Type.String({ maxLength: 64 })) }),
        response: { 200: PageOf(Model) },
      },
    },
    (request) =>
      read(services, request, (tx, brandId) => {
        const { product, ...page } = request.query
        const query = tx
          .selectFrom('models')
          .select([
            ...(['product_key', 'component', 'kind', 'version', 'fitted_at_ms'] as const),
            ...(['from_ms', 'to_ms', 'lives', 'censored', 'held_out'] as const),
          ])
          .where('brand_id', '=', brandId)
          .$if(product !== undefined, (select) => select.where('product_key', '=', product!))
        const order = { by: ['fitted_at_ms', 'product_key', 'component', 'version'], direction: 'desc' } as const
        return listPage(query, page, order, (row) => ({
          product: row.product_key,
          component: row.component,
          kind: row.kind,
          version: row.version,
          fittedAt: instant(row.fitted_at_ms),
          from: instant(row.from_ms),
          to: instant(row.to_ms),
          lives: row.lives,
          censored: row.censored,
          heldOut: row.held_out as never,
        }))
      }),
  )

  app.get(
    '/api/models/attempts',
    {
      config: { access: VIEWER },
      schema: {
        summary: 'What became of the newest attempt to fit each model, and why there is none',
        tags,
        querystring: Closed(PageQuery),
        response: { 200: PageOf(Attempt) },
      },
    },
    (request) =>
      read(services, request, (tx, brandId) =>
        listPage(
          tx.selectFrom('model_attempts').selectAll().where('brand_id', '=', brandId),
          request.query,
          { by: ['product_key', 'component', 'kind'], direction: 'asc' },
          (row) => ({
            product: row.product_key,
            component: row.component,
            kind: row.kind,
            at: instant(row.at_ms),
            outcome: row.outcome,
            reason: row.reason,
            lives: row.lives,
            censored: row.censored,
          }),
        ),
      ),
  )
}
