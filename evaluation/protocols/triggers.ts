import { join } from 'node:path'
import { mean } from 'simple-statistics'
import { fitTriggerOdds, type TriggerCase, triggerScore } from '#models'
import type { Figure, Protocol } from '../protocol.ts'
import { readTable } from '../read-table.ts'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
/** Machines are dealt into this many parts; each is judged by what the others teach. */
const PARTS = 5

/** Error codes and the component they may announce; the rule alone alerts on every one. */
const TRIGGERS = [
  { errors: ['error1'], component: 'comp1', rulePrecision: 0.19 },
  { errors: ['error2', 'error3'], component: 'comp2', rulePrecision: 0.91 },
  { errors: ['error4'], component: 'comp3', rulePrecision: 0.18 },
  { errors: ['error5'], component: 'comp4', rulePrecision: 0.49 },
] as const

/** Error codes as triggers: an alert is right if that component fails within 24 h. */
export const triggers: Protocol = {
  key: 'azure-pdm',
  title: 'Error codes as triggers (Azure PdM)',
  folder: 'azure-pdm',
  run({ folder }) {
    const log = readLog(folder)
    const figures = TRIGGERS.flatMap(({ errors, component, rulePrecision }): Figure[] => {
      const cases = casesOf(log, errors, component)
      const rule = tally(cases, () => true, log.failures(component))
      const learned = tally(cases, learnedAlerts(cases, log.machines, ['age', 'hour']), log.failures(component))
      const byAge = tally(cases, learnedAlerts(cases, log.machines, ['age']), log.failures(component))
      const name = `${errors.join('+')} → ${component}`
      return [
        {
          name: `${name}: recall`,
          value: learned.recall,
          unit: '',
          must: { least: 0.9 },
          published: { rule: round(rule.recall) },
        },
        {
          name: `${name}: precision`,
          value: learned.precision,
          unit: '',
          ...(2 * rulePrecision < 1 ? { aim: { least: 2 * rulePrecision } } : {}),
          published: { rule: rulePrecision },
        },
        { name: `${name}: precision by component age alone`, value: byAge.precision, unit: '' },
      ]
    })
    return {
      figures,
      notes: [
        `${log.machines.length} machines in ${PARTS} parts; each is judged by odds learned on the others.`,
        'These failures are simulated and keep to the hour of the day: with the hour, precision is flattered; by age alone it is what a fleet could expect.',
        'The aim is twice the rule’s precision; for error2+error3 that is beyond 1.',
      ],
    }
  },
}

const round = (value: number): number => Math.round(value * 100) / 100

interface Case extends TriggerCase {
  machine: string
  atMs: number
}

/** A rule on two codes alerts when both have come within a day. */
function casesOf(log: EventLog, errors: readonly string[], component: string): Case[] {
  const [first, second] = errors
  return log.of('errors', first!).flatMap(({ machine, atMs }): Case[] => {
    const partner = second === undefined ? atMs : log.near(machine, second, atMs)
    if (partner === null) return []
    const alertMs = Math.max(atMs, partner)
    const failed = log
      .failures(component)
      .some((failure) => failure.machine === machine && soonAfter(failure.atMs, alertMs))
    const installed = log.lastService(machine, component, alertMs)
    const circumstances = {
      age: ageClass(installed === null ? null : (alertMs - installed) / DAY_MS),
      hour: String(new Date(alertMs).getUTCHours()),
    }
    return [{ machine, atMs: alertMs, failed, circumstances }]
  })
}

const soonAfter = (failureMs: number, alertMs: number): boolean => failureMs >= alertMs && failureMs <= alertMs + DAY_MS

/** Half-months up to two, then months: a class needs enough cases to be learned. */
function ageClass(days: number | null): string {
  if (days === null) return 'unknown'
  return days < 60 ? `${Math.floor(days / 15) * 15} days` : `${Math.min(Math.floor(days / 30), 6)} months`
}

/** Which cases alert: judged by odds of the machines in the other parts. */
function learnedAlerts(
  cases: readonly Case[],
  machines: readonly string[],
  names: readonly string[],
): (one: Case) => boolean {
  const partOf = new Map(machines.map((machine, i) => [machine, i % PARTS]))
  const kept = ({ circumstances, failed }: Case): TriggerCase => ({
    failed,
    circumstances: Object.fromEntries(names.map((name) => [name, circumstances[name]!])),
  })
  const odds = Array.from({ length: PARTS }, (_, part) =>
    fitTriggerOdds(cases.filter(({ machine }) => partOf.get(machine) !== part).map(kept)),
  )
  return (one) => {
    const known = odds[partOf.get(one.machine)!] ?? null
    return known === null || triggerScore(known, kept(one).circumstances) >= known.threshold
  }
}

function tally(
  cases: readonly Case[],
  alerts: (one: Case) => boolean,
  failures: readonly LogEvent[],
): { precision: number; recall: number } {
  const told = cases.filter(alerts)
  const caught = failures.filter((failure) =>
    told.some(({ machine, atMs }) => machine === failure.machine && soonAfter(failure.atMs, atMs)),
  )
  return { precision: mean(told.map(({ failed }) => (failed ? 1 : 0))), recall: caught.length / failures.length }
}

interface LogEvent {
  machine: string
  atMs: number
}

interface EventLog {
  machines: string[]
  of(kind: 'errors' | 'services', name: string): LogEvent[]
  failures(component: string): LogEvent[]
  /** Time of the same machine's error of that name within a day, or null. */
  near(machine: string, error: string, atMs: number): number | null
  /** When a component was last replaced before this time. */
  lastService(machine: string, component: string, atMs: number): number | null
}

function readLog(folder: string): EventLog {
  const read = (file: string, column: string) => {
    const table = readTable(join(folder, file))
    const [times, machines, names] = [table.texts('datetime'), table.texts('machineID'), table.texts(column)]
    return times.map((time, i) => ({
      machine: machines[i]!,
      atMs: Date.parse(`${time.replace(' ', 'T')}Z`),
      name: names[i]!,
    }))
  }
  const all = {
    errors: read('PdM_errors.csv', 'errorID'),
    services: read('PdM_maint.csv', 'comp'),
    failures: read('PdM_failures.csv', 'failure'),
  }
  const of = (kind: keyof typeof all, wanted: string) => all[kind].filter(({ name }) => name === wanted)
  return {
    machines: readTable(join(folder, 'PdM_machines.csv')).texts('machineID'),
    of,
    failures: (component) => of('failures', component),
    near(machine, error, atMs) {
      const close = of('errors', error).filter(
        (event) => event.machine === machine && Math.abs(event.atMs - atMs) <= DAY_MS,
      )
      return close.length === 0 ? null : Math.min(...close.map((event) => event.atMs))
    },
    lastService(machine, component, atMs) {
      const before = of('services', component).filter((event) => event.machine === machine && event.atMs <= atMs)
      return before.length === 0 ? null : Math.max(...before.map((event) => event.atMs))
    },
  }
}
