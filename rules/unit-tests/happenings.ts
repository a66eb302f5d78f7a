import type { ControlChange, DeviceFacts, ReadingValue, RuleDocument } from '#contracts'
import { durationMs } from '#platform'
import { parseRule } from '../parse-rule.ts'
import type { Rig } from './rig.ts'
import type { TestEvent } from './test-file.ts'

/** What an event needs to know of the test it happens in. */
export interface Scene {
  rig: Rig
  devices: ReadonlyMap<string, DeviceFacts>
  /** The newest reading of each device, to be sent again. */
  newest: ReadonlyMap<string, { measuredAtMs: number; values: Record<string, ReadingValue> }>
  epochs: Map<string, number>
  silences: Map<string, number>
}

type Kind = Exclude<keyof TestEvent, 'at' | 'device' | 'measuredAt'>
/** Handled where samples are delivered: they say when samples arrive. */
export const OUTAGES = ['lost', 'offline', 'disordered', 'hubDown'] as const
type Happening = Exclude<Kind, (typeof OUTAGES)[number]>
type Doing<K extends Happening> = (scene: Scene, value: NonNullable<TestEvent[K]>, event: TestEvent) => void

/** What each kind of event does, one line each; a new kind is a member of `TestEvent` and a line here. */
const DO: { [K in Happening]: Doing<K> } = {
  serviced: (scene, component, event) => serviced(scene, component, event, 'technician'),
  reset: (scene, component, event) => serviced(scene, component, event, 'device'),
  reading: ({ rig, ...scene }, values, event) =>
    rig.reading(
      deviceOf(scene.devices, event).deviceId,
      event.measuredAt === undefined ? rig.nowMs : rig.startMs + msOf(event.measuredAt),
      values,
    ),
  repeat: ({ rig, newest, devices }, times, event) => {
    const { deviceId } = deviceOf(devices, event)
    const last = newest.get(deviceId)
    for (let i = 0; last && i < times; i++) rig.reading(deviceId, last.measuredAtMs, last.values)
  },
  presence: ({ rig, devices, epochs }, presence, event) => {
    const { deviceId } = deviceOf(devices, event)
    const epoch = (epochs.get(deviceId) ?? 0) + (presence === 'connected' ? 1 : 0)
    epochs.set(deviceId, epoch)
    const state = presence === 'connected' ? 'connected' : 'disconnected'
    rig.change({ type: 'presence', deviceId, epoch, state, graceful: presence === 'disconnected' })
  },
  attributes: ({ rig, devices }, values, event) =>
    rig.change({ type: 'attributes', deviceId: deviceOf(devices, event).deviceId, values }),
  parameter: ({ rig, devices }, { key, value, scope = 'brand', id }, event) => {
    const scopeId = id ?? (scope === 'device' ? deviceOf(devices, event).deviceId : '')
    rig.change({ type: 'parameter.set', scope, scopeId, key, value })
  },
  edit: ({ rig }, members) => rig.activate(edited(rig, members)),
  pause: ({ rig }, ruleKey) => rig.change({ type: 'rule.paused', ruleKey }),
  activate: ({ rig }, ruleKey) => rig.activate(documentOf(rig, ruleKey), 'active', true),
  shadow: ({ rig }, ruleKey) => rig.activate(documentOf(rig, ruleKey), 'shadow', true),
  silence: (scene, { for: length, rule }) => silence(scene, 'silence', length, rule),
  maintenance: (scene, { for: length, rule }) => silence(scene, 'maintenance', length, rule),
  acknowledged: ({ rig, devices }, ruleKey, event) => {
    const { deviceId } = deviceOf(devices, event)
    const episodeId = rig.openEpisode(deviceId, ruleKey)
    if (episodeId) rig.change({ type: 'alert.acknowledged', deviceId, episodeId })
  },
  dismissed: ({ rig, devices }, ruleKey, event) => {
    const { deviceId } = deviceOf(devices, event)
    const episodeId = rig.openEpisode(deviceId, ruleKey)
    if (episodeId) rig.change({ type: 'alert.dismissed', deviceId, episodeId })
  },
  fault: ({ rig, devices }, { component = null, symptom = null }, event) =>
    rig.change({
      type: 'fault.reported',
      deviceId: deviceOf(devices, event).deviceId,
      component,
      symptom,
      atMs: rig.nowMs,
    } as ControlChange),
  moved: ({ rig, devices }, { home, region }, event) => {
    const device = deviceOf(devices, event)
    rig.change({
      type: 'device.moved',
      device: { ...device, homeId: home ?? `${device.deviceId}_home_2`, region: region ?? device.region },
    })
  },
  removed: ({ rig, devices }, _removed, event) =>
    rig.change({ type: 'device.removed', deviceId: deviceOf(devices, event).deviceId }),
  restart: ({ rig }) => rig.restart(),
  tick: ({ rig }) => rig.passTo(rig.nowMs),
}

const HAPPENINGS = Object.keys(DO) as Happening[]

/** What kinds of event this is: exactly one, or it is not understood. */
export function kindsOf(event: TestEvent): Kind[] {
  return ([...HAPPENINGS, ...OUTAGES] as Kind[]).filter((kind) => event[kind] !== undefined)
}

export function happen(scene: Scene, event: TestEvent): void {
  const kind = kindsOf(event)[0]
  if (kind === undefined || !(kind in DO)) return
  ;(DO[kind as Happening] as Doing<Happening>)(scene, event[kind] as never, event)
}

export function msOf(duration: string): number {
  return durationMs(duration) ?? Number.NaN
}

/** @throws {SyntaxError} when the test has several devices and the event does not say which */
export function deviceOf(devices: ReadonlyMap<string, DeviceFacts>, { at, device }: Pick<TestEvent, 'at' | 'device'>) {
  const named = device === undefined && devices.size === 1 ? [...devices.values()][0] : devices.get(device ?? '')
  if (!named)
    throw new SyntaxError(
      device === undefined ? `The event at ${at} does not say which device.` : `There is no device ${device}.`,
    )
  return named
}

function serviced({ rig, devices }: Scene, component: string, event: TestEvent, source: 'technician' | 'device'): void {
  const { deviceId } = deviceOf(devices, event)
  rig.change({ type: 'component.reset', deviceId, component, atMs: rig.nowMs, source, caseId: null })
}

function silence({ rig, silences }: Scene, kind: 'silence' | 'maintenance', length: string, ruleKey?: string): void {
  const silenceId = `sil_${silences.size + 1}`
  silences.set(silenceId, rig.nowMs)
  const scope = ruleKey === undefined ? {} : { ruleKey }
  rig.change({ type: 'silence.started', silenceId, scope, kind, untilMs: rig.nowMs + msOf(length) })
}

function documentOf(rig: Rig, ruleKey: string): RuleDocument {
  const rule = rig.rules.get(ruleKey)
  if (!rule) throw new SyntaxError(`There is no rule ${ruleKey} in this test.`)
  return rule.document
}

/** @throws {HubError} `RULE_INVALID` when what comes out is no rule */
function edited(rig: Rig, members: Record<string, unknown>): RuleDocument {
  const { key, ...changed } = members
  const ruleKey = typeof key === 'string' ? key : rig.rules.size === 1 ? [...rig.rules.keys()][0]! : ''
  return parseRule({ ...documentOf(rig, ruleKey), ...changed })
}
