import type { AlertEffect, DeviceFacts, Episode, ProductDocument, ReadingValue, RuleDocument } from '#contracts'
import { drawTimeLine } from './draw.ts'
import { fleetModel } from './fleet.ts'
import { deviceOf, happen, kindsOf, msOf, OUTAGES, type Scene } from './happenings.ts'
import { ABSENT, instanceOf, Rig, type Stretch } from './rig.ts'
import { readSeries } from './series.ts'
import type { ExpectedState, ExpectedTransition, RuleTest, TestDevice, TestEvent } from './test-file.ts'

/** What is under test. */
export interface Subject {
  product: ProductDocument
  rules: readonly RuleDocument[]
}

export interface Failure {
  /** Time since the start of the test. */
  at: string
  detail: string
  /** Expected and got under each other, over time; empty where it would not help. */
  drawing: string[]
}

export interface TestResult {
  name: string
  failures: Failure[]
}

interface Sample {
  deviceId: string
  measuredAtMs: number
  arrivesAtMs: number
  values: Record<string, ReadingValue>
}

interface Played {
  rig: Rig
  devices: ReadonlyMap<string, DeviceFacts>
  samples: Sample[]
  endMs: number
}

/** A new year in UTC: recognisable in a message, and no change of clocks near. */
const START_MS = Date.UTC(2026, 0, 1)
const EVERY_MS = 60_000
/** The one device of a test that names none. */
const DEVICE = 'device'

/** Plays a test through the live evaluator and compares. Never throws for what the author wrote. */
export function runRuleTest(test: RuleTest, subject: Subject): TestResult {
  try {
    const played = play(test, subject)
    const failures = [
      ...(test.expect ?? []).flatMap((expected) => checkState(expected, played) ?? []),
      ...(test.transitions ? checkTransitions(test.transitions, played) : []),
    ]
    return { name: test.name, failures }
  } catch (error) {
    if (!(error instanceof Error)) throw error
    return { name: test.name, failures: [{ at: '', detail: error.message, drawing: [] }] }
  }
}

function play(test: RuleTest, { product, rules }: Subject): Played {
  const startMs = test.start === undefined ? START_MS : Date.parse(test.start)
  const given = devicesOf(test)
  const facts = new Map([...given].map(([id, device]) => [id, factsOf(id, device, product, startMs)]))
  for (const event of test.events ?? []) checkEvent(event, facts)
  const samples = [...given].flatMap(([id, device]) => samplesOf(id, device, test, startMs))
  const delivered = deliver(samples, test.events ?? [], facts, startMs)
  const lastMs = (times: readonly (string | undefined)[]) =>
    Math.max(startMs, ...times.map((time) => (time === undefined ? startMs : startMs + msOf(time))))
  const endMs =
    test.length !== undefined
      ? startMs + msOf(test.length)
      : Math.max(
          lastMs((test.expect ?? []).map(({ at }) => at)),
          lastMs((test.transitions ?? []).map(({ at }) => at)),
          lastMs((test.events ?? []).map(({ at }) => at)),
          ...delivered.map(({ arrivesAtMs }) => arrivesAtMs),
        )
  const rig = new Rig({ startMs, endMs })
  rig.product(product)
  for (const [component, fleet] of Object.entries(test.fleet ?? {})) rig.change(fleetModel(product, component, fleet))
  for (const device of facts.values()) rig.device(device)
  for (const [key, value] of Object.entries(test.parameters ?? {}))
    rig.change({ type: 'parameter.set', scope: 'brand', scopeId: '', key, value })
  for (const [id, { firmware }] of given)
    if (firmware !== undefined) rig.change({ type: 'attributes', deviceId: id, values: { firmware } })
  for (const rule of rules) rig.activate(rule)
  const newest = new Map<string, Sample>()
  const scene: Scene = { rig, devices: facts, newest, epochs: new Map(), silences: new Map() }
  const steps = [
    ...delivered.map((sample) => ({
      atMs: sample.arrivesAtMs,
      act: () => {
        newest.set(sample.deviceId, sample)
        rig.reading(sample.deviceId, sample.measuredAtMs, sample.values)
      },
    })),
    ...(test.events ?? []).map((event) => ({
      atMs: startMs + msOf(event.at) + (event.hubDown === undefined ? 0 : msOf(event.hubDown)),
      // What was sent meanwhile arrives once the hub is back.
      first: event.hubDown !== undefined,
      act: () => (event.hubDown === undefined ? happen(scene, event) : rig.resume(startMs + msOf(event.at))),
    })),
  ].sort((a, b) => a.atMs - b.atMs || Number('first' in b && b.first) - Number('first' in a && a.first))
  for (const { atMs, act } of steps) {
    if (atMs > endMs) break
    // A hub that is away sees no boundary; it says so when it comes back.
    if (!isDown(test.events ?? [], startMs, atMs)) rig.passTo(atMs)
    act()
  }
  rig.passTo(endMs)
  return { rig, devices: facts, samples, endMs }
}

function isDown(events: readonly TestEvent[], startMs: number, atMs: number): boolean {
  return events.some(
    ({ at, hubDown }) =>
      hubDown !== undefined && atMs > startMs + msOf(at) && atMs <= startMs + msOf(at) + msOf(hubDown),
  )
}

function devicesOf(test: RuleTest): Map<string, TestDevice> {
  if (test.devices) {
    if (test.series || test.device) throw new SyntaxError('A test has either "devices", or "series" of its one device.')
    return new Map(Object.entries(test.devices))
  }
  return new Map([[DEVICE, { ...test.device, ...(test.series ? { series: test.series } : {}) }]])
}

function factsOf(deviceId: string, device: TestDevice, product: ProductDocument, startMs: number): DeviceFacts {
  const installedAtMs = device.installedBefore === undefined ? null : startMs - msOf(device.installedBefore)
  return {
    deviceId,
    serial: deviceId,
    productKey: product.key,
    homeId: device.home ?? null,
    region: device.region ?? null,
    tags: device.tags ?? [],
    installedAtMs,
    purchasedAtMs: installedAtMs,
    gatewayId: null,
    timeZone: device.timeZone ?? 'Asia/Shanghai',
  }
}

function checkEvent(event: TestEvent, devices: ReadonlyMap<string, DeviceFacts>): void {
  const kinds = kindsOf(event)
  if (kinds.length !== 1)
    throw new SyntaxError(
      `The event at ${event.at} is ${kinds.length === 0 ? 'nothing' : `both ${kinds.join(' and ')}`}; it has to be one thing.`,
    )
  if (event.device !== undefined) deviceOf(devices, event)
}

/** Several metrics of one device at one moment are one reading. */
function samplesOf(deviceId: string, device: TestDevice, test: RuleTest, startMs: number): Sample[] {
  const everyMs = test.every === undefined ? EVERY_MS : msOf(test.every)
  const delayMs = device.delay === undefined ? 0 : msOf(device.delay)
  const samples: Sample[] = []
  for (const [metric, text] of Object.entries(device.series ?? {})) {
    for (const [i, value] of readSeries(text).entries()) {
      if (value === null) continue
      const measuredAtMs = startMs + i * everyMs
      samples[i] ??= { deviceId, measuredAtMs, arrivesAtMs: measuredAtMs + delayMs, values: {} }
      samples[i].values[metric] = value
    }
  }
  return samples.filter((sample) => sample !== undefined)
}

/** Outages decide whether and when a sample arrives. */
function deliver(
  samples: readonly Sample[],
  events: readonly TestEvent[],
  devices: ReadonlyMap<string, DeviceFacts>,
  startMs: number,
): Sample[] {
  let delivered = [...samples]
  for (const event of events) {
    const kind = OUTAGES.find((outage) => event[outage] !== undefined)
    if (!kind) continue
    const fromMs = startMs + msOf(event.at)
    const toMs = fromMs + msOf(event[kind]!)
    const deviceId = kind === 'hubDown' && event.device === undefined ? null : deviceOf(devices, event).deviceId
    const isOut = (sample: Sample) =>
      (deviceId === null || sample.deviceId === deviceId) && sample.arrivesAtMs > fromMs && sample.arrivesAtMs <= toMs
    if (kind === 'lost') delivered = delivered.filter((sample) => !isOut(sample))
    else {
      const held = delivered.filter(isOut).map((sample) => ({ ...sample, arrivesAtMs: toMs }))
      if (kind === 'disordered') held.reverse()
      delivered = [...delivered.filter((sample) => !isOut(sample)), ...held]
    }
  }
  return delivered.sort((a, b) => a.arrivesAtMs - b.arrivesAtMs)
}

type Which = Pick<ExpectedState, 'rule' | 'device' | 'component'>

/** The instance an expectation is about. @throws {SyntaxError} when several could be meant */
function instanceFor(which: Which, { rig, devices }: Played, at: string): string {
  const ruleKey = which.rule ?? (rig.rules.size === 1 ? [...rig.rules.keys()][0]! : null)
  if (ruleKey === null) throw new SyntaxError(`The expectation at ${at} does not say of which rule.`)
  const document = rig.rules.get(ruleKey)?.document
  if (!document) throw new SyntaxError(`There is no rule ${ruleKey} in this test.`)
  const { deviceId } = deviceOf(devices, { at, ...(which.device === undefined ? {} : { device: which.device }) })
  return instanceOf({ deviceId, ruleKey, component: which.component ?? document.component })
}

function stretchAt(stretches: readonly Stretch[] | undefined, atMs: number): Stretch | null {
  return stretches?.findLast(({ fromMs }) => fromMs <= atMs) ?? null
}

function checkState(expected: ExpectedState, played: Played): Failure | null {
  const { rig } = played
  const atMs = rig.startMs + msOf(expected.at)
  const instance = instanceFor(expected, played, expected.at)
  const stretches = rig.states.get(instance)
  const got = stretchAt(stretches, atMs)
  const episode = episodeAt(rig.effects, instance, atMs)
  const differences: string[] = []
  const compare = (what: string, wanted: string | number | undefined, found: string | number | null): void => {
    if (wanted !== undefined && wanted !== found) differences.push(`${what} ${wanted}, got ${found ?? 'none'}`)
  }
  compare('state', expected.state, got?.state ?? ABSENT)
  compare('reason', expected.reason, got?.reason ?? null)
  compare('quality', expected.quality, got?.view.quality ?? null)
  compare('version', expected.version, got?.view.ruleVersion ?? null)
  compare('severity', expected.severity, episode?.severity ?? null)
  if (expected.startedAt !== undefined && episode?.startedAtMs !== rig.startMs + msOf(expected.startedAt))
    compare('startedAt', expected.startedAt, episode ? shortTime(episode.startedAtMs - rig.startMs) : null)
  if (differences.length === 0) return null
  const drawing = drawTimeLine({ ...drawn(played, instance), markMs: atMs, expected: { atMs, state: expected.state } })
  return { at: expected.at, detail: `${instance}: expected ${differences.join('; expected ')}`, drawing }
}

/** The episode of an instance as it was at a time. */
function episodeAt(effects: readonly AlertEffect[], instance: string, atMs: number): Episode | null {
  let open: Episode | null = null
  for (const effect of effects) {
    if (effect.atMs > atMs || !('episode' in effect) || instanceOf(effect.episode) !== instance) continue
    open = effect.kind === 'alert.resolved' ? null : effect.episode
  }
  return open
}

interface Said {
  atMs: number
  instance: string
  to: string
  line: string
  effect: Extract<AlertEffect, { episode: Episode }>
}

/** The whole list, in order: what is missing, what is other, what nobody expected. */
function checkTransitions(expected: readonly ExpectedTransition[], played: Played): Failure[] {
  const { rig } = played
  const said = rig.effects.flatMap((effect): Said[] => ('episode' in effect ? [saidOf(effect, rig.startMs)] : []))
  const failures: Failure[] = []
  const lines: string[] = []
  let differs: { atMs: number; instance: string } | null = null
  for (let i = 0; i < Math.max(expected.length, said.length); i++) {
    const wanted = expected[i]
    const got = said[i]
    const wantedLine = wanted ? expectedLine(wanted, played, got) : '–'
    const gotLine = got?.line ?? '–'
    const same = wanted !== undefined && got !== undefined && matches(wanted, got, played)
    lines.push(`${same ? '  ' : '✗ '}${wantedLine.padEnd(44)} ${gotLine}`)
    if (!same && !differs) {
      const atMs = got?.atMs ?? rig.startMs + msOf(wanted!.at)
      differs = { atMs, instance: got?.instance ?? instanceFor(wanted!, played, wanted!.at) }
    }
  }
  if (differs) {
    const { atMs, instance } = differs
    failures.push({
      at: shortTime(atMs - rig.startMs),
      detail: `the transitions differ: ${expected.length} expected, ${said.length} got`,
      drawing: [
        `  ${'expected'.padEnd(44)} got`,
        ...lines,
        '',
        ...drawTimeLine({ ...drawn(played, instance), markMs: atMs, expected: null }),
      ],
    })
  }
  return failures
}

function saidOf(effect: Said['effect'], startMs: number): Said {
  const to = effect.kind.slice('alert.'.length)
  const instance = instanceOf(effect.episode)
  const details = [
    effect.kind === 'alert.firing' ? `started ${shortTime(effect.episode.startedAtMs - startMs)}` : '',
    effect.kind === 'alert.resolved' ? effect.reason : '',
    'silent' in effect && effect.silent ? `silent (${effect.hush ?? ''})` : '',
  ].filter((detail) => detail !== '')
  const line = `${shortTime(effect.atMs - startMs)} ${to} ${instance}${details.length > 0 ? `: ${details.join(', ')}` : ''}`
  return { atMs: effect.atMs, instance, to, line, effect }
}

function expectedLine(wanted: ExpectedTransition, played: Played, got: Said | undefined): string {
  const { at, to, startedAt, reason, severity, silent } = wanted
  const told = [
    startedAt === undefined ? '' : `started ${startedAt}`,
    reason ?? '',
    severity ?? '',
    silent === undefined ? '' : silent ? 'silent' : 'told',
  ].filter((detail) => detail !== '')
  // The component is worth a word only where it is not what the rule is about.
  const named = wanted.device !== undefined || wanted.rule !== undefined || wanted.component !== undefined
  const instance = named && got ? ` ${instanceFor(wanted, played, at)}` : ''
  return `${at} ${to}${instance}${told.length > 0 ? `: ${told.join(', ')}` : ''}`
}

function matches(wanted: ExpectedTransition, got: Said, played: Played): boolean {
  const { startMs } = played.rig
  const { effect } = got
  return (
    got.to === wanted.to &&
    got.atMs === startMs + msOf(wanted.at) &&
    got.instance === instanceFor(wanted, played, wanted.at) &&
    (wanted.startedAt === undefined || effect.episode.startedAtMs === startMs + msOf(wanted.startedAt)) &&
    (wanted.reason === undefined || ('reason' in effect && effect.reason === wanted.reason)) &&
    (wanted.severity === undefined || effect.episode.severity === wanted.severity) &&
    (wanted.silent === undefined || ('silent' in effect && effect.silent === wanted.silent))
  )
}

function drawn({ rig, samples, endMs }: Played, instance: string) {
  const [deviceId] = instance.split(' ')
  const series = new Map<string, { atMs: number; value: number }[]>()
  for (const sample of samples) {
    if (sample.deviceId !== deviceId) continue
    for (const [metric, value] of Object.entries(sample.values)) {
      const points = series.get(metric) ?? []
      series.set(metric, points)
      points.push({ atMs: sample.measuredAtMs, value: Number(value) })
    }
  }
  return { startMs: rig.startMs, endMs, series, stretches: rig.states.get(instance) ?? [] }
}

/** `1h5m`, `90s`: the time of a test as its author writes it. */
function shortTime(ms: number): string {
  const [d, h, m, s] = [
    Math.floor(ms / 86_400_000),
    Math.floor(ms / 3_600_000) % 24,
    Math.floor(ms / 60_000) % 60,
    (ms / 1_000) % 60,
  ]
  // Minutes up to two hours read best as minutes.
  if (ms >= 0 && ms < 7_200_000 && ms % 60_000 === 0) return `${ms / 60_000}m`
  if (ms < 0) return `-${shortTime(-ms)}`
  return `${d ? `${d}d` : ''}${h ? `${h}h` : ''}${m ? `${m}m` : ''}${s ? `${s}s` : ''}` || '0m'
}
