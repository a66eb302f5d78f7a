import type { RuleMode } from './control-change.ts'
import type { ReadingValue } from './log-record.ts'
import type { SafetyKind, Severity, Text } from './primitives.ts'
import type { Comparison } from './rule.ts'

export type AlertState = 'inactive' | 'pending' | 'firing' | 'recovering' | 'cleared-latched'
export type DataQuality = 'ok' | 'stale' | 'no-data' | 'error'

export type ResolveReason =
  | 'cleared'
  | 'serviced'
  | 'dismissed'
  | 'rule_changed'
  | 'rule_removed'
  | 'device_removed'
  | 'no_data'

/**
 * One leaf of the condition that spoke for its answer, as a comparison that is true:
 * `value op limit`. The value is what was compared: the mean of a window where the rule asks for it.
 */
export interface Evidence {
  metric: string
  value: ReadingValue | null
  op: Comparison
  limit: number | null
  unit: string
  sinceMs: number
  /** Recent samples, oldest first: what the homeowner's chart and the technician's packet draw. */
  series: readonly (readonly [atMs: number, value: number])[]
  /** Of a leaf that looks ahead; its value is in days. */
  forecast?: EvidenceForecast
}

/** What is foreseen, in full: `metric` reaches `reaches`, 8 in 10 between `p10Ms` and `p90Ms`. */
export interface EvidenceForecast {
  metric: string
  reaches: number
  unit: string
  p10Ms: number
  p50Ms: number
  /** `null`: later than anybody can see. */
  p90Ms: number | null
  /** What it rests on, with its version. */
  model: string
  outOfDistribution: boolean
  /** What is behind it, in words a technician can check. */
  factors: readonly Text[]
}

/** The stay of one instance from opening to resolution. */
export interface Episode {
  episodeId: string
  brandId: string
  ruleKey: string
  ruleVersion: number
  deviceId: string
  component: string
  activation: string
  mode: RuleMode
  /** Event time at which the condition became true. */
  startedAtMs: number
  severity: Severity
  safety: SafetyKind | null
  /**
   * `condition`: what the rule looks for. `silence`: that the device says nothing (`noData: alert`); it has
   * the component `DEVICE_SILENT` and is told, but orders no service.
   */
  subject: EpisodeSubject
}

export type EpisodeSubject = 'condition' | 'silence'

/** The component of episodes about a silent device; no product has one of this name, since keys start with a letter. */
export const DEVICE_SILENT = '_silent'

/** Why an effect is kept from people: the device was catching up, or somebody or something asked for quiet. */
export type Hush = 'historical' | 'maintenance' | 'silenced' | 'inhibited' | 'flapping' | 'acknowledged'

interface EffectBase {
  /** Position of the record that caused it; with `ordinal` unique, so that applying twice does nothing. */
  seq: number
  ordinal: number
  /** Hub time: the record's `receivedAtMs`, or the tick boundary. */
  atMs: number
}

/** What the evaluator says should happen. Pure data; others make it happen. */
export type AlertEffect = EffectBase &
  (
    | {
        kind: 'alert.firing'
        episode: Episode
        evidence: readonly Evidence[]
        /** History only, no notice, no case; `alert.current` follows should it prove to last. */
        silent: boolean
        /** Why it is silent. */
        hush?: Hush
      }
    /** Opened silently and still true now that the device has caught up, or the silence has ended: notify now, with the true start. */
    | { kind: 'alert.current'; episode: Episode; evidence: readonly Evidence[] }
    | {
        kind: 'alert.escalated'
        episode: Episode
        from: Severity
        evidence: readonly Evidence[]
        /** As with `alert.firing`. */
        silent: boolean
        hush?: Hush
      }
    | { kind: 'alert.deescalated'; episode: Episode; from: Severity }
    /** Healthy for `keep`, but latched until serviced or dismissed. */
    | { kind: 'alert.cleared'; episode: Episode }
    | { kind: 'alert.reopened'; episode: Episode }
    | { kind: 'alert.resolved'; episode: Episode; reason: ResolveReason; peak: number | null }
    /** A late reading moved its start or showed that it should not have opened (T13). */
    | { kind: 'alert.revised'; episode: Episode }
    | { kind: 'alert.flapping'; episode: Episode; episodesIn24h: number }
    | {
        kind: 'verification.ended'
        brandId: string
        caseId: string
        deviceId: string
        component: string
        attempt: number
        end: VerificationEnd
        readings: number
        evidence: readonly Evidence[]
      }
    /** Something the operator of the hub or the brand should look at; never an offer. */
    | {
        kind: 'operator.event'
        brandId: string | null
        code:
          | 'rule.error'
          | 'device.clock_skew'
          | 'rule.warmup_short'
          | 'hub.clock_back'
          | 'hub.resumed'
          | 'silence.home'
          | 'silence.region'
          | 'silence.everyone'
        subject: string
        detail: string
      }
  )

/** `not_observed`: a part is claimed replaced, and the signal stands where it stood before. */
export type VerificationEnd = 'verified' | 'not_fixed' | 'not_observed' | 'unverified'

/** Present condition of one instance, for display: checkpointed every few seconds with the state. */
export interface InstanceView {
  brandId: string
  ruleKey: string
  ruleVersion: number
  deviceId: string
  component: string
  state: AlertState
  quality: DataQuality
  sinceMs: number
  episodeId: string | null
  lastValue: ReadingValue | null
}
