import { demotionRows, proveDemotion } from './demotion.ts'
import { fakesRows, proveFakes } from './fakes.ts'
import { killsRows, proveKills } from './kills.ts'
import { proveStorm, stormRows } from './storm.ts'
import type { Row } from './table.ts'
import type { TrialHub } from './trial-hub.ts'
import { proveYear, yearRows } from './year.ts'

export interface TrialRun {
  hub: TrialHub
  /** Options given on the command line. */
  numbers: Readonly<Partial<Record<'jobs' | 'homes' | 'days' | 'kills' | 'seed', number>>>
  /** Takes progress, line by line. */
  say: (line: string) => void
  signal: AbortSignal
}

export interface TrialOutcome {
  result: object
  rows: readonly Row[]
  /** Claims that do not hold, in words; none is success. */
  failures: string[]
}

/** By the name on the command line, with the numbers that the claims are made for. */
export const TRIALS: Readonly<Record<string, (run: TrialRun) => Promise<TrialOutcome>>> = {
  async demotion({ hub, numbers, say, signal }) {
    const { days = 30, seed = 1 } = numbers
    const result = await proveDemotion(hub, { days, seed, onProgress: say, signal })
    return { result, rows: demotionRows(result), failures: result.failures }
  },

  async fakes({ hub, numbers, say, signal }) {
    const { jobs = 200, seed = 1 } = numbers
    const result = await proveFakes(hub, { jobs, seed, onProgress: say, signal })
    return { result, rows: fakesRows(result), failures: result.failures }
  },

  async kills({ hub, numbers, say, signal }) {
    const { homes = 1_000, days = 30, kills = 40, seed = 1 } = numbers
    const result = await proveKills(hub, { homes, days, kills, seed, onProgress: say, signal })
    return { result, rows: killsRows(result), failures: result.failures }
  },

  async storm({ hub, numbers, say, signal }) {
    const { homes = 10_000 } = numbers
    const result = await proveStorm(hub, { homes, onProgress: say, signal })
    return { result, rows: stormRows(result), failures: result.failures }
  },

  async year({ hub, numbers, say, signal }) {
    const { homes = 1_000, days = 365, seed = 1 } = numbers
    const result = await proveYear(hub, { homes, days, seed, onProgress: say, signal })
    return { result, rows: yearRows(result), failures: result.violations }
  },
}
