import type { FastifyRequest } from 'fastify'
import type { Tx } from '#store'
import type { RouteServices } from '../services.ts'
import { brandOf } from './access.ts'

/** Reads as the caller's brand: another brand's rows do not exist in there. */
export function read<T>(
  { db }: RouteServices,
  request: FastifyRequest,
  work: (tx: Tx, brandId: string) => Promise<T>,
): Promise<T> {
  const brandId = brandOf(request)
  return db.asBrand(brandId, (tx) => work(tx, brandId))
}
