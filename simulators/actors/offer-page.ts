import type { OfferView } from '#contracts'
import { type HubApi, HubApiError } from '../hub-api.ts'

/** What stands behind the links of offers, as people use it: an offer that is over is no error of theirs. */
export class OfferPage {
  readonly #api: HubApi

  constructor(api: HubApi) {
    this.#api = api
  }

  /** Null when the offer is over: withdrawn, expired, answered by somebody else at home. */
  look(path: string): Promise<OfferView | null> {
    return unlessOver(this.#api.get<OfferView>(path))
  }

  /** Whether the answer was taken. */
  async send(path: string, choice: string, body: unknown): Promise<boolean> {
    return (await unlessOver(this.#api.post<OfferView>(`${path}/${choice}`, body))) !== null
  }
}

/** Null when the hub says that this is not possible any more. */
export async function unlessOver<T>(call: Promise<T>): Promise<T | null> {
  try {
    return await call
  } catch (error) {
    if (error instanceof HubApiError && [404, 409, 410, 422].includes(error.problem.status)) return null
    throw error
  }
}
