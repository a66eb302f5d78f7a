export type {
  AlertEffect,
  AlertState,
  DataQuality,
  Episode,
  Evidence,
  InstanceView,
  ResolveReason,
  VerificationEnd,
} from './alert-effect.ts'
export type {
  ControlChange,
  ControlType,
  DeviceFacts,
  ParameterScope,
  ResetSource,
  RuleMode,
} from './control-change.ts'
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
  type ReadingsEntry,
  type ReadingsRecord,
  type ReadingValue,
  type TickEntry,
} from './log-record.ts'
export {
  Duration,
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
export { Component, Metric, ProductDocument, Recovery, Reporting, Warranty } from './product.ts'
export {
  Aggregate,
  Comparison,
  Condition,
  MetricCondition,
  NoDataCondition,
  RuleDocument,
  RuleLevel,
  RuleScope,
  RuleService,
  Value,
} from './rule.ts'
export type { AppendReceipt, LogReader, ReadLimits, TelemetryLog } from './telemetry-log.ts'
