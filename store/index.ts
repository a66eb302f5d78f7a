export { type AuditCheck, type AuditEntry, auditTrails, checkAudit, writeAudit } from './audit.ts'
export {
  markAppended,
  type SubmittedChange,
  submitChange,
  submitChanges,
  type WaitingChange,
  waitingChanges,
} from './control-changes.ts'
export {
  type ControlRecordQuery,
  forgetOldControlRecords,
  readControlRecords,
  writeControlRecords,
} from './control-records.ts'
export { isForeignKeyViolation, isRefusedForGood, isUniqueViolation } from './database-errors.ts'
export { forgetOldDeliveries } from './delivery-retention.ts'
export {
  type EmbeddedPostgres,
  type EmbeddedPostgresOptions,
  removeEmbeddedPostgres,
  startEmbeddedPostgres,
} from './embedded/embedded-postgres.ts'
export { loadState, type StateEntry, saveState } from './evaluator-state.ts'
export { enqueueEvent, type OutgoingEvent } from './events.ts'
export {
  type ColumnBatch,
  type ColumnQuery,
  FLAG_IMPORTED,
  FLAG_SERVER_TIME,
  type MetricColumn,
} from './history/columns.ts'
export { type DuckHistoryOptions, KEEP_RAW_MS, openDuckHistory } from './history/duck/duck-history.ts'
export type {
  Aggregation,
  Bucket,
  DownsampleQuery,
  FleetQuery,
  HealthPoint,
  HistoryPosition,
  HistoryRow,
  HistoryStore,
  LastValue,
  RangePage,
  RangeQuery,
  StoredPosition,
} from './history/history.ts'
export { type InfluxHistoryOptions, openInfluxHistory } from './history/influx/influx-history.ts'
export { type RemoteHistory, remoteHistory, serveHistory } from './history/remote-history.ts'
export { readFact, writeFact } from './hub-facts.ts'
export { forgetOldIdempotencyKeys, type IdempotentRequest, type StoredAnswer, withIdempotency } from './idempotency.ts'
export { claimJob, holdJob, type JobLease, LEASE_MS, releaseJob } from './job-leases.ts'
export { nextNumber } from './number-series.ts'
export { type Page, type PageOrder, type PageRequest, page } from './page.ts'
export { type ConsumerName, type LogPosition, type PositionUpdate, readPosition, writePosition } from './positions.ts'
export { type PrepareOptions, prepareDatabase } from './prepare-database.ts'
export {
  forgetOldSnapshots,
  lastSnapshotAt,
  readSnapshot,
  type SnapshotEntry,
  type StateSnapshot,
  snapshotBefore,
  snapshotDue,
  writeSnapshot,
} from './state-snapshots.ts'
export type * from './tables/bookkeeping.ts'
export type * from './tables/delivery.ts'
export type * from './tables/device.ts'
export type * from './tables/home.ts'
export type { Tables } from './tables/index.ts'
export type * from './tables/log-derived.ts'
export type * from './tables/models.ts'
export type * from './tables/needs.ts'
export type * from './tables/rule.ts'
export type * from './tables/service.ts'
export type * from './tables/tenant.ts'
export { HUB_BRAND } from './tables/tenant.ts'
export type * from './tables/trust.ts'
export { type Database, type DatabaseOptions, openDatabase, type Tx } from './tenancy.ts'
export { forgetOldReceipts, noteReceipt } from './webhook-receipts.ts'
