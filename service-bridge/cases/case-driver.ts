import type { AcceptBody, CaseEnd, Outcome, PartnerQuote, Slot } from '#contracts'
import { CASE_STATES_OVER } from '#contracts'
import { type Core, note, THE_HUB, type Work } from '../core.ts'
import { homeFacts } from '../facts.ts'
import { tellBrand } from '../outgoing.ts'
import type { WaitsFor } from '../timers.ts'
import type { Actor } from '../views.ts'
import { type CaseStep, caseStep, guardsOf } from './case-lifecycle.ts'
import { type CaseRecord, changeCase, recordTransition } from './case-record.ts'
import type { CaseEffect, CaseEvent, CaseGuard } from './case-words.ts'

/** What a guard or effect may need to know of this particular happening. */
export interface MoveData {
  offerId?: string
  accept?: AcceptBody & { method: 'page' | 'app' | 'signature' }
  slots?: readonly Slot[]
  snoozeUntilMs?: number
  workOrderId?: string
  holdId?: string
  /** Whether the home is told of what its offer now asks; true when absent. */
  tell?: boolean
  outcome?: Outcome
  quote?: PartnerQuote
  /** How the home gave its word on a quote. */
  method?: 'page' | 'app' | 'signature'
  /** Reading, value and series the verification ended on. */
  end?: CaseEnd | 'not_fixed'
  attempt?: number
}

/** One happening to one or several cases that share an offer or order. */
export interface Move {
  core: Core
  work: Work
  event: CaseEvent
  cases: readonly CaseRecord[]
  by: Actor
  /** A code or a text of the hub's own; never what a person wrote. */
  why: string | null
  words: string | null
  data: MoveData
}

/** A guard either holds or says when to ask again. */
export type GuardAnswer = true | { againAtMs: number | null; waitsFor: WaitsFor | null }

export interface CaseBehaviour {
  guards: Record<CaseGuard, (move: Move) => Promise<GuardAnswer>>
  effects: Record<CaseEffect, (move: Move) => Promise<void>>
}

export type MoveResult =
  | { kind: 'moved'; row: string }
  | { kind: 'unmet'; row: string; unmet: { guard: CaseGuard; answer: Exclude<GuardAnswer, true> }[] }
  | { kind: 'refused' }

export interface HappeningOptions {
  by?: Actor
  why?: string | null
  /** What a person wrote of it: sealed with the transition, told to nobody. */
  words?: string
  data?: MoveData
  evidence?: unknown
}

/** Moves cases along the table: asks the guards, writes the transition, then makes the effects happen. */
export type Happen = (
  work: Work,
  cases: readonly CaseRecord[],
  event: CaseEvent,
  options?: HappeningOptions,
) => Promise<MoveResult>

export function createCaseDriver(core: Core, behaviour: CaseBehaviour): Happen {
  return async function happen(work, cases, event, options = {}) {
    const [first] = cases
    if (!first) return { kind: 'refused' }
    const move: Move = {
      core,
      work,
      event,
      cases,
      by: options.by ?? THE_HUB,
      why: options.why ?? null,
      words: options.words ?? null,
      data: options.data ?? {},
    }
    const facts: Partial<Record<CaseGuard, boolean>> = {}
    const unmet: { guard: CaseGuard; answer: Exclude<GuardAnswer, true> }[] = []
    for (const guard of new Set(cases.flatMap((record) => guardsOf(record.state, event)))) {
      const answer = await behaviour.guards[guard](move)
      facts[guard] = answer === true
      if (answer !== true) unmet.push({ guard, answer })
    }
    const steps = cases.map((record) => caseStep(record.state, event, facts, record.resume_state))
    const stopped = steps.find((step) => step.kind !== 'step')
    if (stopped) return stopped.kind === 'unmet' ? { kind: 'unmet', row: stopped.row, unmet } : stopped

    const effects = new Set<CaseEffect>()
    for (const [index, record] of cases.entries()) {
      const step = steps[index] as Extract<CaseStep, { kind: 'step' }>
      await take(move, record, step, options.evidence)
      for (const effect of step.effects) effects.add(effect)
    }
    for (const effect of effects) await behaviour.effects[effect](move)
    return { kind: 'moved', row: (steps[0] as { row: string }).row }
  }
}

/** Of a home that was erased nothing is written at all. */
async function wordsKept({ work, words }: Move, record: CaseRecord): Promise<boolean> {
  if (words === null) return false
  return record.home_id === null || (await homeFacts(work, record.home_id)) !== null
}

async function take(
  move: Move,
  record: CaseRecord,
  step: Extract<CaseStep, { kind: 'step' }>,
  evidence: unknown,
): Promise<void> {
  const { work, event } = move
  const from = record.state
  const over = CASE_STATES_OVER.has(step.to)
  const end = step.to === 'closed' ? (move.data.end ?? (event === 'nothing_found' ? 'no_fault_found' : null)) : null
  await changeCase(work, record, {
    state: step.to,
    resume_state: step.resume,
    closed_at_ms: over ? work.atMs : null,
    ended_by: over ? (event === 'alerts_resolved' ? move.why : event) : null,
    end_kind: end === 'not_fixed' ? null : end,
  })
  await recordTransition(work, record, {
    event,
    row: step.row,
    from,
    to: step.to,
    by: move.by,
    why: move.why,
    words: (await wordsKept(move, record)) ? { text: move.words!, box: move.core.box } : undefined,
    evidence,
  })
  if (from === step.to) return
  // One `fleet.held` speaks for all that are held with it.
  if (step.to === 'held') return note(work, 'case.held', record.case_id)
  await tellBrand(move.core, work, {
    type: `case.${step.to}`,
    subject: record.case_id,
    cause: [record.events],
    data: {
      caseId: record.case_id,
      deviceId: record.device_id,
      component: record.component,
      from,
      to: step.to,
      event,
      row: step.row,
      end: record.end_kind,
      by: move.by.kind,
      why: move.why,
    },
  })
}
