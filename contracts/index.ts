export { Address, SiteContact } from './address.ts'
export {
  AgreementDocument,
  ChargeLineKind,
  PriceLine,
  ServiceHours,
  ServiceLevels,
} from './agreement.ts'
export {
  type AlertEffect,
  type AlertState,
  type DataQuality,
  DEVICE_SILENT,
  type Episode,
  type EpisodeSubject,
  type Evidence,
  type EvidenceForecast,
  type Hush,
  type InstanceView,
  type ResolveReason,
  type VerificationEnd,
} from './alert-effect.ts'
export { CasesPerDayMax, PRECISION_BAR, PrecisionBar, TrustSettings } from './brand-settings.ts'
export {
  CASE_STATES,
  CASE_STATES_OVER,
  type CaseEnd,
  type CaseState,
} from './case.ts'
export { CloudEvent, EVENT_TYPE_PREFIX } from './cloud-event.ts'
export type {
  ControlChange,
  ControlType,
  DeviceFacts,
  HushScope,
  MaintenanceWindow,
  ModelKind,
  ParameterScope,
  ResetSource,
  RuleMode,
} from './control-change.ts'
export { EVENT_TYPES, type EventType } from './event-type.ts'
export {
  FaultReport,
  FaultReportAnswer,
  FaultReportBody,
  REPORT_CHANNELS,
  type ReportChannel,
  STORED_REPORT_CHANNELS,
} from './fault-report.ts'
export { FLEET_HOLD_STATES, FleetHold, type FleetHoldState } from './fleet-hold.ts'
export { JobKind, JobPart, JobStep, JobTemplate, SelfServiceGuide } from './job.ts'
export { JobEventBody, JobView } from './job-view.ts'
export {
  type ControlEntry,
  type ControlRecord,
  type DeliveryMark,
  type LogEntry,
  type LogRecord,
  QUARANTINE_CODES,
  QUARANTINE_PAYLOAD_BYTES_MAX,
  type QuarantineCode,
  type QuarantinedEntry,
  type QuarantinedRecord,
  type QuarantineProblem,
  type ReadingsEntry,
  type ReadingsRecord,
  type ReadingValue,
  type TickEntry,
} from './log-record.ts'
export {
  CHANNELS,
  Channel,
  NOTICE_CHARACTERS_MAX,
  NOTICE_REASONS,
  NoticeKind,
  NoticeReason,
  NoticeRequested,
} from './notice.ts'
export {
  AcceptBody,
  DeclineBody,
  OFFER_CHOICES,
  OFFER_STATES,
  OfferApart,
  OfferChoice,
  OfferNeed,
  OfferPartner,
  OfferState,
  OfferView,
  PROBLEM_KINDS,
  PROGRESS_STAGES,
  type ProblemKind,
  ProgressStage,
  RateBody,
  Rating,
  ReportProblemBody,
  RescheduleBody,
  SelfServiceBody,
  SnoozeBody,
  SolvedBody,
  StopBody,
  VisitBody,
  WAITING_FOR,
  WaitingFor,
} from './offer-view.ts'
export { Objection, PartnerEvent } from './partner-event.ts'
export {
  DECLINE_REASONS,
  DeclineReason,
  PARTNER_REASONS,
  PARTNER_STATUS_RANK,
  PARTNER_STATUSES,
  PartnerReason,
  PartnerStatus,
  type ReasonedStatus,
  VERDICTS,
  Verdict,
} from './partner-status.ts'
export {
  Duration,
  formatProblem,
  Id,
  Instant,
  instant,
  KEY_PATTERN,
  Key,
  Minor,
  RESERVED_KEYS,
  RegionCode,
  SafetyKind,
  Severity,
  Sku,
  Text,
} from './primitives.ts'
export {
  Component,
  ExtendedWarranty,
  Metric,
  ProductDocument,
  Recovery,
  Reporting,
  Symptom,
  Warranty,
  Wear,
  WHOLE_DEVICE,
} from './product.ts'
export {
  PartnerQuote,
  QUOTE_STATES,
  QuestionedQuote,
  QuoteDecisionBody,
  QuoteState,
} from './quote.ts'
export {
  AGE_PATTERN,
  AgeCondition,
  Aggregate,
  AnomalyCondition,
  ChangeCondition,
  Comparison,
  Condition,
  EVENT_COUNT_MAX,
  EventCondition,
  ForecastCondition,
  type LeafCondition,
  MetricCondition,
  NoDataCondition,
  NoDataPolicy,
  RemainingCondition,
  RuleDocument,
  RuleLevel,
  RuleScope,
  RuleService,
  SeasonCondition,
  UsageCondition,
  Value,
} from './rule.ts'
export { sealedAs } from './sealed.ts'
export { SiteAnswer, SiteQuestion } from './site-question.ts'
export type { AppendReceipt, LogHealth, LogReader, ReadLimits, TelemetryLog } from './telemetry-log.ts'
export {
  Charge,
  ChargeLine,
  Coverage,
  DeviceSummary,
  Diagnosis,
  EvidenceItem,
  JobSummary,
  Outcome,
  OutcomeItem,
  PartUsed,
  Payer,
  SiteAddress,
  Slot,
  WorkOrderHeader,
  WorkOrderItem,
  WorkOrderPacket,
} from './work-order.ts'
export { QuoteDecided, SLA_PROMISES, SlaMissed, SlaPromise, WorkOrderCancelled } from './work-order-news.ts'
