import { HubError } from '#platform'
import { type HubApi, HubApiError } from './hub-api.ts'

/** The stepped clock of a hub, from outside: it moves when asked, and answers when everything due is done. */
export class HubClock {
  readonly #api: HubApi
  nowMs = 0

  constructor(api: HubApi) {
    this.#api = api
  }

  async read(): Promise<number> {
    try {
      const { nowMs } = await this.#api.get<{ nowMs: number }>('/api/clock')
      return (this.nowMs = nowMs)
    } catch (error) {
      if (error instanceof HubApiError && error.problem.status === 404)
        throw new HubError(
          'MISSING_DEPENDENCY',
          'This hub runs on real time: start it with HUB_TIME_SCALE above 1 to step it.',
          { cause: error },
        )
      throw error
    }
  }

  async stepTo(toMs: number): Promise<number> {
    const { nowMs } = await this.#api.post<{ nowMs: number }>('/api/clock', { toMs })
    return (this.nowMs = nowMs)
  }
}
