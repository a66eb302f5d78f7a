import { Type } from 'typebox'
import { instant, Key, ProductDocument } from '#contracts'
import { canonicalJson, HubError, sha256Hex } from '#platform'
import type { Tx } from '#store'
import { AUTHOR, VIEWER } from '../http/access.ts'
import { commit, type Work } from '../http/commit.ts'
import { listPage, PageOf, PageQuery } from '../http/paging.ts'
import { read } from '../http/read.ts'
import { Closed, PathName, Time } from '../http/schemas.ts'
import { checkProduct, refuseTypeChange } from '../product-checks.ts'
import type { Routes } from './routes.ts'

const Product = Closed({
  key: Key,
  version: Type.Integer({ minimum: 1 }),
  document: ProductDocument,
  createdAt: Time,
  updatedAt: Time,
})
const Version = Closed({
  version: Type.Integer(),
  document: ProductDocument,
  createdAt: Time,
  createdBy: Type.String(),
})
const params = Closed({ product: PathName })
const tags = ['products']

/** Thing models: what devices of a product report and which of their parts wear. */
export const productRoutes: Routes = async (app, services) => {
  app.post(
    '/api/products',
    {
      config: { access: AUTHOR },
      schema: { summary: 'Create a product', tags, body: ProductDocument, response: { 201: Product } },
    },
    (request, reply) => {
      const document = request.body as ProductDocument
      checkProduct(document)
      return commit(services, request, reply, async (work) => {
        const { tx, brandId, nowMs } = work
        const known = await tx
          .selectFrom('products')
          .select(['current_version', 'removed_at_ms'])
          .where('brand_id', '=', brandId)
          .where('product_key', '=', document.key)
          .forUpdate()
          .executeTakeFirst()
        if (known && known.removed_at_ms === null) {
          throw new HubError('CONFLICT', `There is a product “${document.key}” already. PUT changes it.`, {
            pointer: '/key',
          })
        }
        await refuseTypeChange(tx, brandId, document)
        const version = (known?.current_version ?? 0) + 1
        await tx
          .insertInto('products')
          .values({
            brand_id: brandId,
            product_key: document.key,
            current_version: version,
            created_at_ms: nowMs,
            updated_at_ms: nowMs,
          })
          .onConflict((conflict) =>
            conflict.columns(['brand_id', 'product_key']).doUpdateSet({
              current_version: version,
              created_at_ms: nowMs,
              updated_at_ms: nowMs,
              removed_at_ms: null,
            }),
          )
          .execute()
        await addVersion(work, version, document)
        work.audit('product.created', document.key, { version })
        return { status: 201, body: (await findProduct(tx, brandId, document.key))! }
      })
    },
  )

  app.get(
    '/api/products',
    {
      config: { access: VIEWER },
      schema: { summary: 'Products', tags, querystring: Closed(PageQuery), response: { 200: PageOf(Product) } },
    },
    (request) =>
      read(services, request, (tx, brandId) =>
        listPage(productRows(tx, brandId), request.query, { by: ['product_key'], table: 'p' }, productOfRow),
      ),
  )

  app.get(
    '/api/products/:product',
    { config: { access: VIEWER }, schema: { summary: 'One product', tags, params, response: { 200: Product } } },
    (request) =>
      read(services, request, async (tx, brandId) => {
        const found = await findProduct(tx, brandId, request.params.product)
        if (!found) throw unknownProduct(request.params.product)
        return found
      }),
  )

  app.get(
    '/api/products/:product/versions',
    {
      config: { access: VIEWER },
      schema: {
        summary: 'Every version a product had, newest first',
        tags,
        params,
        querystring: Closed(PageQuery),
        response: { 200: PageOf(Version) },
      },
    },
    (request) =>
      read(services, request, async (tx, brandId) => {
        const { product } = request.params
        if (!(await findProduct(tx, brandId, product))) throw unknownProduct(product)
        return listPage(
          tx
            .selectFrom('product_versions')
            .select(['version', 'document', 'created_at_ms', 'created_by'])
            .where('brand_id', '=', brandId)
            .where('product_key', '=', product),
          request.query,
          { by: ['version'], direction: 'desc' },
          (row) => ({
            version: row.version,
            document: row.document,
            createdAt: instant(row.created_at_ms),
            createdBy: row.created_by,
          }),
        )
      }),
  )

  app.put(
    '/api/products/:product',
    {
      config: { access: AUTHOR },
      schema: {
        summary: 'Change a product: a new version, unless nothing changed',
        tags,
        params,
        body: ProductDocument,
        response: { 200: Product },
      },
    },
    (request, reply) => {
      const document = request.body as ProductDocument
      checkProduct(document)
      if (document.key !== request.params.product) {
        throw new HubError('VALIDATION_FAILED', 'The key of a product does not change.', { pointer: '/key' })
      }
      return commit(services, request, reply, async (work) => {
        const { tx, brandId, nowMs } = work
        // Readers of the old version finish first; two writers go one after the other.
        await tx
          .selectFrom('products')
          .select('product_key')
          .where('brand_id', '=', brandId)
          .where('product_key', '=', document.key)
          .forUpdate()
          .execute()
        const before = await findProduct(tx, brandId, document.key)
        if (!before) throw unknownProduct(document.key)
        if (canonicalJson(before.document) === canonicalJson(document)) return { status: 200, body: before }
        await refuseTypeChange(tx, brandId, document)
        const version = before.version + 1
        await tx
          .updateTable('products')
          .set({ current_version: version, updated_at_ms: nowMs })
          .where('brand_id', '=', brandId)
          .where('product_key', '=', document.key)
          .execute()
        await addVersion(work, version, document)
        work.audit('product.changed', document.key, { version })
        return { status: 200, body: (await findProduct(tx, brandId, document.key))! }
      })
    },
  )

  app.delete(
    '/api/products/:product',
    {
      config: { access: AUTHOR },
      schema: {
        summary: 'Remove a product that no device and no rule in force uses; its versions stay for replay',
        tags,
        params,
        response: { 204: Type.Null() },
      },
    },
    (request, reply) =>
      commit(services, request, reply, async ({ tx, brandId, nowMs, audit }) => {
        const { product } = request.params
        const used = await tx
          .selectFrom('devices')
          .select('device_id')
          .where('brand_id', '=', brandId)
          .where('product_key', '=', product)
          .where('removed_at_ms', 'is', null)
          .limit(1)
          .executeTakeFirst()
        if (used) {
          throw new HubError(
            'STATE_FORBIDS',
            `Devices of “${product}” are registered. Remove them first (GET /api/devices?product=${product}).`,
          )
        }
        const { numUpdatedRows } = await tx
          .updateTable('products')
          .set({ removed_at_ms: nowMs, updated_at_ms: nowMs })
          .where('brand_id', '=', brandId)
          .where('product_key', '=', product)
          .where('removed_at_ms', 'is', null)
          .executeTakeFirst()
        if (numUpdatedRows === 0n) throw unknownProduct(product)
        audit('product.removed', product)
        return { status: 204, body: null }
      }),
  )
}

async function addVersion(
  { tx, brandId, nowMs, principal, change }: Work,
  version: number,
  document: ProductDocument,
): Promise<void> {
  await tx
    .insertInto('product_versions')
    .values({
      brand_id: brandId,
      product_key: document.key,
      version,
      document: JSON.stringify(document),
      sha256: sha256Hex(canonicalJson(document)),
      created_at_ms: nowMs,
      created_by: principal.keyId,
    })
    .execute()
  await change({ type: 'product.version', version, product: document })
}

function productRows(tx: Tx, brandId: string) {
  return tx
    .selectFrom('products as p')
    .innerJoin('product_versions as v', (join) =>
      join
        .onRef('v.brand_id', '=', 'p.brand_id')
        .onRef('v.product_key', '=', 'p.product_key')
        .onRef('v.version', '=', 'p.current_version'),
    )
    .select(['p.product_key', 'p.current_version', 'v.document', 'p.created_at_ms', 'p.updated_at_ms'])
    .where('p.brand_id', '=', brandId)
    .where('p.removed_at_ms', 'is', null)
}

interface ProductRow {
  product_key: string
  current_version: number
  document: ProductDocument
  created_at_ms: number
  updated_at_ms: number
}

function productOfRow(row: ProductRow) {
  return {
    key: row.product_key,
    version: row.current_version,
    document: row.document,
    createdAt: instant(row.created_at_ms),
    updatedAt: instant(row.updated_at_ms),
  }
}

async function findProduct(tx: Tx, brandId: string, key: string) {
  const row = await productRows(tx, brandId).where('p.product_key', '=', key).executeTakeFirst()
  return row && productOfRow(row)
}

function unknownProduct(key: string): HubError {
  return new HubError('NOT_FOUND', `There is no product “${key}”.`)
}
