import type { ProductDocument } from './product.ts'
import type { RuleDocument } from './rule.ts'

/** What the evaluator and the edge know of a device; the whole of it in every record, so that records do not depend on each other. */
export interface DeviceFacts {
  deviceId: string
  serial: string
  productKey: string
  homeId: string | null
  region: string | null
  tags: readonly string[]
  installedAtMs: number | null
  purchasedAtMs: number | null
  /** Registered under this gateway, which may speak for it. */
  gatewayId: string | null
  /** IANA zone of its home. */
  timeZone: string
}

export type RuleMode = 'active' | 'shadow'
export type ParameterScope = 'device' | 'home' | 'region' | 'product' | 'brand'
export type ResetSource = 'signal' | 'device' | 'technician' | 'homeowner'

/**
 * Everything besides readings that can change a decision. Each becomes a record of the log,
 * once per `changeId`, and takes effect where it stands there. Times are hub milliseconds.
 */
export type ControlChange =
  | { type: 'product.version'; version: number; product: ProductDocument }
  | { type: 'device.added'; device: DeviceFacts }
  | { type: 'device.changed'; device: DeviceFacts }
  /** New owner or home: state of alerts ends (T21), wear stays with the appliance. */
  | { type: 'device.moved'; device: DeviceFacts }
  | { type: 'device.removed'; deviceId: string }
  | { type: 'attributes'; deviceId: string; values: Record<string, number | string | boolean> }
  | { type: 'presence'; deviceId: string; epoch: number; state: 'connected' | 'disconnected'; graceful: boolean }
  | {
      type: 'rule.activated'
      rule: RuleDocument
      version: number
      mode: RuleMode
      /** Share of the fleet it applies to, 0–1, chosen stably by device id. */
      canaryShare: number
      /** Part of every episode id; new with each enabling, kept by edits (T19). */
      activation: string
    }
  /** The samples the new version needs have been read: from here it decides (T19). */
  | { type: 'rule.warmed'; ruleKey: string; version: number }
  | { type: 'rule.paused'; ruleKey: string }
  | { type: 'parameter.set'; scope: ParameterScope; scopeId: string; key: string; value: number | null }
  | {
      type: 'component.reset'
      deviceId: string
      component: string
      atMs: number
      source: ResetSource
      caseId: string | null
    }
  /** A repair was reported: watch the component's recovery condition until its window ends. */
  | {
      type: 'verification.started'
      caseId: string
      deviceId: string
      component: string
      /** Which attempt of the case this is, from 1: a rework verifies anew. */
      attempt: number
      repairedAtMs: number
      partReplaced: boolean
      /** Where the signal stood before the repair, by metric, as the case knows it: a claimed part is measured against it. */
      before?: Readonly<Record<string, number>>
    }
  /** The case ended otherwise; nobody waits for the answer any more. */
  | { type: 'verification.cancelled'; caseId: string; deviceId: string; component: string }
  | {
      type: 'technician.outcome'
      caseId: string
      deviceId: string
      component: string
      verdict: string
      cause: string | null
      ruleKeys: readonly string[]
      atMs: number
    }
  | { type: 'fault.reported'; deviceId: string; component: string | null; symptom: string | null; atMs: number }
  | { type: 'alert.acknowledged'; episodeId: string; deviceId: string }
  /** Why is in no record: a person's words could never be taken out of the log again. */
  | { type: 'alert.dismissed'; episodeId: string; deviceId: string }
  | { type: 'consent.monitoring'; homeId: string; granted: boolean }
  | {
      type: 'silence.started'
      silenceId: string
      scope: { deviceId?: string; homeId?: string; productKey?: string; region?: string; ruleKey?: string }
      /**
       * `service`: somebody works on the device; keeps all from people but danger. `outage`: a whole home, region or
       * brand has fallen silent, which is said once, in place of an alert per device.
       */
      kind: 'silence' | 'maintenance' | 'service' | 'outage'
      untilMs: number
      /** Of an outage: what was seen. */
      seen?: { devices: number; silent: number; sinceMs: number }
    }
  | { type: 'silence.ended'; silenceId: string }
  /** A maintenance window that comes again, or `null`: it is taken away. */
  | { type: 'maintenance.set'; windowId: string; window: MaintenanceWindow | null }
  /** What the fleet has taught of a component's life, as of the night it was fitted: from here on it decides. */
  | {
      type: 'model.fitted'
      productKey: string
      component: string
      kind: ModelKind
      version: number
      /** Written and read by `models/`: plain numbers. */
      content: Readonly<Record<string, unknown>>
    }
  | { type: 'hub.resumed'; downSinceMs: number }
  | { type: 'hub.upgraded'; evaluatorVersion: number; timeZoneData: string }

/** What a silence or a maintenance window covers: everything it names must match. */
export type HushScope = Extract<ControlChange, { type: 'silence.started' }>['scope']

/** Quiet that comes again by the clock of a zone: from `from` on each of its days until `to`, over midnight if need be. */
export interface MaintenanceWindow {
  scope: HushScope
  /** IANA zone; `home`: that of each device's home. */
  zone: string
  /** ISO week days on which it begins, 1 = Monday. */
  days: readonly number[]
  /** `HH:MM`. */
  from: string
  to: string
}

/** `life`: remaining life of a component. */
export type ModelKind = 'life'

export type ControlType = ControlChange['type']
